import type { ErrorCode } from '../../../../protocol/errors.ts';
import { refuse } from '../refuse.ts';
import { attributeOf } from '../xml.ts';

// SAML Core §1.3.3: UTC. Other zones are allowed by xs:dateTime, not by SAML.
const UTC = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?Z$/;

/** When this is checked, and how far the clocks may differ; milliseconds. */
export interface Now {
  readonly now: number;
  readonly skewMs: number;
}

/** An optional time attribute in milliseconds since the epoch. */
export function timeOf(element: Element, name: string): number | undefined {
  const text = attributeOf(element, name);
  if (text === undefined) return undefined;
  const time = UTC.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) refuse('saml_malformed', `${name} is not a UTC time`);
  return time;
}

export function requiredTimeOf(element: Element, name: string, code: ErrorCode): number {
  return timeOf(element, name) ?? refuse(code, `${element.localName} has no ${name}`);
}

export function checkNotBefore(time: number | undefined, what: string, { now, skewMs }: Now): void {
  if (time !== undefined && now + skewMs < time) refuse('saml_not_yet_valid', held(what, time, now));
}

export function checkNotOnOrAfter(time: number | undefined, what: string, { now, skewMs }: Now): void {
  if (time !== undefined && now - skewMs >= time) refuse('saml_expired', held(what, time, now));
}

/** Both times, since it is mostly a clock that is wrong. */
function held(what: string, time: number, now: number): string {
  return `${what}: the identity provider wrote ${shown(time)}, and the clock of this bridge shows ${shown(now)}`;
}

function shown(time: number): string {
  return new Date(time).toISOString();
}
