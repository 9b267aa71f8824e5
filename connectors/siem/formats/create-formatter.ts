import { cef } from './cef.ts';
import { cloudevents } from './cloudevents.ts';
import { ecs } from './ecs.ts';
import type { EventOrigin, FormatName, Formatter } from './formatter.ts';
import { ocsf } from './ocsf.ts';
import { plain } from './plain.ts';

const FORMATTERS: Readonly<Record<FormatName, (origin: EventOrigin) => Formatter>> = {
  ...{ plain: () => plain, ocsf, ecs, cef, cloudevents },
};

/** The formatter of that name for the events of one bridge. */
export function createFormatter(name: FormatName, origin: EventOrigin): Formatter {
  return FORMATTERS[name](origin);
}
