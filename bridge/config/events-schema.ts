import { isAbsolute, normalize } from 'node:path';
import * as z from 'zod';
import { BUFFER_EVENTS, BUFFER_EVENTS_MAX, BUFFER_EVENTS_MIN, EVENT_RETENTION_DAYS } from '../lib/limits.ts';

export const events = z.strictObject({
  stdout: z.boolean().default(true).describe('Write each security event to stdout, one JSON object a line.'),
  retention_days: z
    .int()
    .min(0)
    .max(36_500)
    .default(EVENT_RETENTION_DAYS)
    .describe(
      'How long the content of events is kept, 0: for ever. What proves that none was altered or left out stays.',
    ),
  buffer_events: z
    .int()
    .min(BUFFER_EVENTS_MIN)
    .max(BUFFER_EVENTS_MAX)
    .default(BUFFER_EVENTS)
    .describe(
      'Events that a sink may be behind before its oldest are given up for it; each takes about a KiB of disk.',
    ),
  file_folders: z
    .array(
      z.string().refine((path) => isAbsolute(path) && normalize(path) === path, {
        error: 'must be a whole path without . and .., such as /var/log/countersign',
      }),
    )
    .default([])
    .describe(
      'Folders that sinks of the kind file may write below; without any there are no such sinks. Administrators ' +
        'name the file over the API, and nothing outside of these.',
    )
    .meta({ examples: [['/var/log/countersign']] }),
});
