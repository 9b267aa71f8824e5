import type { MemberPath } from '../event-members.ts';

interface Entity {
  /** `type_id` of OCSF's managed entity. */
  readonly typeId: 1 | 2 | 3 | 4 | 5 | 99;
  /** Where its id stands in an event: the first that is there. */
  readonly id: readonly MemberPath[];
  readonly name?: MemberPath;
}

/** What is managed in events of OCSF’s class Entity Management; the key is the entity's `type`. */
export const ENTITIES = {
  Device: { typeId: 1, id: ['subject.device'], name: 'data.label' },
  User: { typeId: 2, id: ['subject.sub'], name: 'subject.address' },
  Group: { typeId: 3, id: ['subject.group', 'data.group'], name: 'data.label' },
  Organization: { typeId: 4, id: ['subject.partner'] },
  Policy: { typeId: 5, id: ['data.draft', 'data.hash'] },
  address: { typeId: 99, id: ['subject.address'] },
  administrator_token: { typeId: 99, id: ['data.id'], name: 'data.name' },
  client_app: { typeId: 99, id: ['subject.app'], name: 'data.name' },
  connection: { typeId: 99, id: ['subject.connection'], name: 'data.name' },
  domain: { typeId: 99, id: ['subject.domain'] },
  encryption_key: { typeId: 99, id: ['data.key'] },
  enrolment: { typeId: 99, id: ['data.enrolment_id'] },
  escrow: { typeId: 99, id: ['subject.sub'] },
  event_log: { typeId: 99, id: ['data.hash', 'data.to'] },
  group_offer: { typeId: 99, id: ['data.offer_id'] },
  key_binding: { typeId: 99, id: ['data.statement_hash', 'subject.sub'], name: 'subject.address' },
  presence: { typeId: 99, id: ['subject.device', 'subject.sub'] },
  recovery: {
    typeId: 99,
    id: ['data.recovery', 'data.drill', 'data.half', 'data.fingerprint', 'data.generation'],
  },
  sealed_key: { typeId: 99, id: ['data.key_id'] },
  service: { typeId: 99, id: ['subject.sub', 'subject.app'], name: 'data.name' },
  signal_stream: { typeId: 99, id: ['data.stream', 'data.receiver'], name: 'data.name' },
  signal_transmitter: { typeId: 99, id: ['data.issuer', 'subject.connection'] },
  signing_key: { typeId: 99, id: ['data.root_thumbprint', 'data.serial', 'data.kid'] },
  sink: { typeId: 99, id: ['data.sink', 'data.id'], name: 'data.name' },
  vault: { typeId: 99, id: ['subject.group', 'subject.sub'] },
  witness: { typeId: 99, id: ['data.witness'] },
} as const satisfies Record<string, Entity>;

export type EntityKind = keyof typeof ENTITIES;

export function entityOf(kind: EntityKind): Entity {
  return ENTITIES[kind];
}
