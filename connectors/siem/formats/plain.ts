import type { Formatter } from './formatter.ts';
import { jsonLine } from './json-line.ts';

/** The event as it is, as JSON: the same members as `GET /v1/events` answers, so that the log can be proved by it. */
export const plain: Formatter = { name: 'plain', format: jsonLine };
