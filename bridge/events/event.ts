import * as z from 'zod';
import { type Json, labelledText } from '../../protocol/canonical-json.ts';
import { CountersignError, type ErrorCode, parseErrorCode } from '../../protocol/errors.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { EVENT_DATA_BYTES } from '../lib/limits.ts';
import { EVENTS, type EventData, type EventType } from './catalog.ts';
import { newSalt } from './event-salt.ts';
import { emailAddress, name, personal, phrase, text } from './event-text.ts';

const from = {
  /** Where the request came from, an IP address. */
  address: personal(text(64)).optional(),
};

/** Who can have done it, by `kind`. */
export const actorSchemas = {
  person: z.strictObject({ kind: z.literal('person'), sub: name, device: name.optional(), ...from }),
  administrator: z.strictObject({
    kind: z.literal('administrator'),
    id: name,
    name: phrase.optional(),
    ...from,
  }),
  partner: z.strictObject({ kind: z.literal('partner'), iss: name, ...from }),
  system: z.strictObject({ kind: z.literal('system'), ...from }),
  anonymous: z.strictObject({ kind: z.literal('anonymous'), ...from }),
};

/** Who did it. */
export const actorSchema = z.discriminatedUnion('kind', [
  actorSchemas.person,
  actorSchemas.administrator,
  actorSchemas.partner,
  actorSchemas.system,
  actorSchemas.anonymous,
]);

/** Whom or what it concerns. */
export const subjectSchema = z.strictObject({
  sub: name.optional(),
  address: emailAddress.optional(),
  device: name.optional(),
  /** Entity id. */
  partner: name.optional(),
  connection: name.optional(),
  domain: text(253).optional(),
  app: name.optional(),
  /** Id of a group. */
  group: name.optional(),
});

const inputSchema = z.strictObject({
  type: z.string(),
  actor: actorSchema,
  subject: subjectSchema.optional(),
  outcome: z.enum(['success', 'failure']),
  code: z.custom<ErrorCode>((value) => parseErrorCode(value) !== undefined).optional(),
  requestId: name.optional(),
  traceId: name.optional(),
  data: z.unknown(),
});

export type Actor = z.infer<typeof actorSchema>;
export type EventSubject = z.infer<typeof subjectSchema>;

/** What whoever reports an event says of it. */
export type EventInput = { [Type in EventType]: EventInputOf<Type> }[EventType];

export type EventInputOf<Type extends EventType> = Omit<z.infer<typeof inputSchema>, 'type' | 'data'> & {
  readonly type: Type;
  readonly data: EventData<Type>;
};

/** An event before it has its place: what transaction 1 stores. */
export interface EventBody {
  readonly v: 1;
  /** UUIDv7. */
  readonly event_id: string;
  /** RFC 3339 in UTC, with milliseconds. */
  readonly time: string;
  readonly type: EventType;
  readonly actor: Actor;
  readonly subject: EventSubject;
  readonly outcome: 'success' | 'failure';
  readonly code: ErrorCode | null;
  readonly request_id: string | null;
  readonly trace_id: string | null;
  readonly data: { readonly [name: string]: Json };
  /** `newSalt`. Events that were stored before there were any have none. */
  readonly salt?: string;
}

/**
 * An event as it is answered and delivered: `seq` counts from 1 without gaps, `prev` is the hash of the event before
 * it, `hash` is over everything else.
 */
export interface StoredEvent extends EventBody {
  readonly seq: number;
  readonly prev: string;
  readonly hash: string;
}

/**
 * The body of an event as it will be stored and hashed; `time` in milliseconds. An input that the catalogue does not
 * have, or too much data, is a fault of the caller: `internal`.
 */
export function eventBody(input: EventInput, id: string, time: number): EventBody {
  try {
    const { actor, subject, outcome, code, requestId, traceId, data } = inputSchema.parse(input);
    const body = {
      v: 1 as const,
      event_id: id,
      time: new Date(time).toISOString(),
      type: input.type,
      actor: defined(actor),
      subject: defined(subject ?? {}),
      outcome,
      code: code ?? null,
      request_id: requestId ?? null,
      trace_id: traceId ?? null,
      data: defined(EVENTS[input.type].data.parse(data)) as EventBody['data'],
      salt: newSalt(),
    };
    if (JSON.stringify(body.data).length > EVENT_DATA_BYTES) throw new RangeError('too much data');
    return body;
  } catch (cause) {
    throw new CountersignError('internal', undefined, { cause });
  }
}

/**
 * The hash that links an event into the chain: over all of it but the hash itself. The event must be as it was read: a
 * member that JSON does not have is `claims_invalid`.
 */
export function eventHash(event: Omit<StoredEvent, 'hash'>): string {
  return sha256Base64url(labelledText('event', { ...event } as { readonly [name: string]: Json }));
}

/** What the first event names as `prev`: a chain belongs to one bridge. */
export function eventGenesis(iss: string): string {
  return sha256Base64url(labelledText('event-genesis', { iss }));
}

/** Without the members that are undefined: JSON has none, so they would be hashed but not stored. */
function defined<T extends object>(value: T): T {
  if (!Object.values(value).includes(undefined)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}
