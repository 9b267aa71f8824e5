import { isIP } from 'node:net';
import type { SinkEvent } from '../sink-event.ts';

/** A member of one of the three objects that an event has. */
export type MemberPath = `${'actor' | 'subject' | 'data'}.${string}`;

/** The member as a text. `undefined` where it is absent, empty, or neither a text nor a number. */
export function memberText(event: SinkEvent, path: MemberPath): string | undefined {
  const dot = path.indexOf('.');
  const object = event[path.slice(0, dot) as 'actor' | 'subject' | 'data'];
  const name = path.slice(dot + 1);
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Of the first of the members that is there. */
export function firstMemberText(event: SinkEvent, paths: readonly MemberPath[]): string | undefined {
  for (const path of paths) {
    const value = memberText(event, path);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Where the request came from; a pseudonym (redaction) is no IP address. */
export function actorIp(event: SinkEvent): string | undefined {
  const { address } = event.actor;
  return address !== undefined && isIP(address) !== 0 && !address.includes('%') ? address : undefined;
}

/** Who acted, as an id: of a person, an administrator or a partner. */
export function actorId({ actor }: SinkEvent): string | undefined {
  return actor.sub ?? actor.id ?? actor.iss;
}
