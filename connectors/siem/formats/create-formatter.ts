import { cef } from './cef.ts';
import { cloudevents } from './cloudevents.ts';
import { ecs } from './ecs.ts';
import { type EventOrigin, type FormatName, type Formatter, ORIGINAL_FORMATS } from './formatter.ts';
import { ocsf } from './ocsf.ts';
import { plain } from './plain.ts';

const FORMATTERS: Readonly<Record<FormatName, (origin: EventOrigin, original?: boolean) => Formatter>> = {
  ...{ plain: () => plain, ocsf, ecs, cef, cloudevents },
};

/**
 * The formatter of that name for the events of one bridge.
 *
 * @param original - each event carries itself as it is, by which it can be proven: a format that holds all of it anyway
 *   is the same without
 */
export function createFormatter(name: FormatName, origin: EventOrigin, original = false): Formatter {
  const create = FORMATTERS[name];
  if (!original || !ORIGINAL_FORMATS.includes(name)) return create(origin);
  return { ...create(origin, true), withoutOriginal: create(origin) };
}
