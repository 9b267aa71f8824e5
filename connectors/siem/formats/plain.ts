import type { Formatter } from './formatter.ts';

/** The event as it is, as JSON: the same members as `GET /v1/events` answers. */
export const plain: Formatter = { name: 'plain', format: (event) => JSON.stringify(event) };
