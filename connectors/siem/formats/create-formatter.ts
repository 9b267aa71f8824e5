import { CountersignError } from '../../../protocol/errors.ts';
import type { EventOrigin, FormatName, Formatter } from './formatter.ts';
import { plain } from './plain.ts';

/** The formatter of that name for the events of one bridge. */
export function createFormatter(name: FormatName, _origin: EventOrigin): Formatter {
  switch (name) {
    case 'plain':
      return plain;
    default:
      throw new CountersignError('config_invalid', `the format ${name} is not built yet`);
  }
}
