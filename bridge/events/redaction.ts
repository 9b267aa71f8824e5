import { createHmac } from 'node:crypto';
import type * as z from 'zod';
import type { SinkEvent } from '../../connectors/siem/sink-event.ts';
import type { Json } from '../../protocol/canonical-json.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { EVENTS, isEventType } from './catalog.ts';
import { actorSchemas, type StoredEvent, subjectSchema } from './event.ts';
import { personalMembers } from './personal-members.ts';

/**
 * What a sink gets of the members that hold personal data (docs/guides/events.md lists them):
 * - `none`: all of it.
 * - `drop`: nothing.
 * - `hmac`: a pseudonym in the place of each text, the same one for the same text as long as the key is the same.
 */
export type Redaction = 'none' | 'drop' | 'hmac';

/**
 * The event as a sink gets it. A redacted one says so in `redaction`; its `hash` stays that of the whole event, so that
 * it can still be found, but not recomputed. Where anything was taken out the salt is too: with it, the hash would tell
 * whether a guess of what was taken out is right.
 *
 * A member that the catalogue does not know (of an event that another version stored) counts as personal data. `hmac`
 * without a key is `internal`: it would be the whole event under another name.
 *
 * @param key - 32 secret bytes of the sink. Who has them can try addresses until a pseudonym fits.
 */
export function redactEvent(event: StoredEvent, redaction: Redaction, key?: Uint8Array): SinkEvent {
  if (redaction === 'none') return event;
  const replace = replacement(redaction, key);
  const { salt, ...rest } = event;
  const parts = [
    redacted(event.actor, actorSchemas[event.actor.kind], replace),
    redacted(event.subject, subjectSchema, replace),
    redacted(event.data, isEventType(event.type) ? EVENTS[event.type].data : undefined, replace),
  ] as const;
  const [actor, subject, data] = parts;
  return {
    ...rest,
    actor: { kind: event.actor.kind, ...actor.members },
    subject: subject.members,
    data: data.members,
    ...(salt === undefined || parts.some(({ whole }) => !whole) ? {} : { salt }),
    redaction,
  };
}

/** Stands in the place of a personal text. `undefined`: nothing does. */
type Replacement = (value: string) => string | undefined;

function replacement(redaction: 'drop' | 'hmac', key: Uint8Array | undefined): Replacement {
  if (redaction === 'drop') return () => undefined;
  if (key === undefined) throw new CountersignError('internal', 'redaction by HMAC needs a key');
  return (value) => pseudonym(value, key);
}

/** 128 bits of HMAC-SHA-256, so that no two texts of a log share one, behind a sign of what it is. */
function pseudonym(value: string, key: Uint8Array): string {
  return `hmac-${createHmac('sha256', key).update(value, 'utf8').digest('base64url').slice(0, 22)}`;
}

interface Redacted<Value> {
  readonly members: { [name: string]: Value };
  /** Whether nothing was taken out. */
  readonly whole: boolean;
}

function redacted<Value extends Json | undefined>(
  members: { readonly [name: string]: Value },
  schema: z.ZodObject | undefined,
  replace: Replacement,
): Redacted<Value> {
  const marks = personalMembers(schema);
  const kept = Object.entries(members).flatMap(([name, value]) => {
    if (marks.get(name) === false) return [[name, value] as const];
    const other = replaced(value, replace);
    return other === undefined ? [] : [[name, other as Value] as const];
  });
  const whole = Object.keys(members).every((name) => marks.get(name) === false);
  return { members: Object.fromEntries(kept), whole };
}

/** Texts and lists of texts have a replacement; what else there is of a marked member is left out. */
function replaced(value: Json | undefined, replace: Replacement): Json | undefined {
  if (typeof value === 'string') return replace(value);
  if (!Array.isArray(value)) return undefined;
  const each = value.map((item) => (typeof item === 'string' ? replace(item) : undefined));
  const texts = each.filter((item) => item !== undefined);
  return texts.length === 0 ? undefined : texts;
}
