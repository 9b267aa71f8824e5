import type { SinkEvent } from '../../sink-event.ts';
import { firstMemberText, memberText } from '../event-members.ts';
import { type EntityKind, entityOf } from '../mapping/entities.ts';
import { subjectUser } from './people.ts';

interface Named {
  readonly uid: string | undefined;
  readonly name: string | undefined;
}

/** The managed entity: of OCSF’s own kinds with their object, of ours by `type`. Something always names it. */
export function entityMember(event: SinkEvent, kind: EntityKind | undefined): object {
  if (kind === undefined) return { name: event.type, type_id: 99, type: 'other' };
  const { typeId, id, name: path } = entityOf(kind);
  const uid = firstMemberText(event, id);
  const name = (path && memberText(event, path)) ?? (uid === undefined ? kind : undefined);
  return { type_id: typeId, type: kind, uid, name, ...ownObject(kind, event, { uid, name }) };
}

function ownObject(kind: EntityKind, event: SinkEvent, named: Named): object {
  switch (kind) {
    case 'Device':
      return { device: { ...named, type_id: 0, type: 'Unknown' } };
    case 'User':
      return { user: subjectUser(event) };
    case 'Group':
      return { group: named };
    case 'Organization':
      return { org: { ...named, name: named.name ?? named.uid } };
    case 'Policy':
      return { policy: { ...named, version: memberText(event, 'data.version') } };
    default:
      return {};
  }
}

/** The group that the event is about. */
export function groupObject(event: SinkEvent): object {
  const uid = firstMemberText(event, ['subject.group', 'data.group']);
  return { uid, name: memberText(event, 'data.label') ?? (uid === undefined ? 'unknown' : undefined) };
}
