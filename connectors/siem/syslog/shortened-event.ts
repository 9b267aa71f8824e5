import type { Json } from '../../../protocol/canonical-json.ts';
import type { SinkEvent } from '../sink.ts';

/** How far texts and lists are cut, from the mildest. */
const STEPS = [
  { characters: 1_024, items: 50 },
  { characters: 256, items: 20 },
  { characters: 64, items: 5 },
] as const;

/** Ids, hashes and addresses stay whole at this. */
const CHARACTERS_OF_MEMBERS = 256;

/**
 * Ever shorter versions of an event that is too large for a message. Each has its ids and hashes; its data says
 * `"truncated": true`, and that such a hash cannot be computed from it is then no surprise.
 */
export function* shortenedVersions(event: SinkEvent): Generator<SinkEvent> {
  for (const { characters, items } of STEPS) {
    yield { ...event, data: { ...cutMembers(event.data, characters, items), truncated: true } };
  }
  const cut = (text: string) => cutText(text, CHARACTERS_OF_MEMBERS);
  yield {
    ...event,
    actor: { ...mapTexts(event.actor, cut), kind: event.actor.kind },
    subject: mapTexts(event.subject, cut),
    data: { truncated: true },
  };
}

function cutMembers(members: { readonly [name: string]: Json }, characters: number, items: number) {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => [name, cutJson(value, characters, items)]),
  );
}

function cutJson(value: Json, characters: number, items: number): Json {
  if (typeof value === 'string') return cutText(value, characters);
  if (Array.isArray(value)) return value.slice(0, items).map((item) => cutJson(item, characters, items));
  if (isObject(value)) return cutMembers(value, characters, items);
  return value;
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mapTexts(members: { readonly [name: string]: string | undefined }, cut: (text: string) => string) {
  return Object.fromEntries(
    Object.entries(members).map(([name, text]) => [name, text === undefined ? text : cut(text)]),
  );
}

/** Never in the middle of a character. */
function cutText(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters).toWellFormed()}…`;
}
