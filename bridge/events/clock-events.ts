import * as z from 'zod';

/** Events of the machine's clock: part of the catalogue. */
export const CLOCK_EVENTS = {
  'clock.stepped': {
    doc: 'The machine’s clock was set, by somebody or something, instead of running: what expires does so earlier or later than it should.',
    data: z.strictObject({
      /** Forward where it is positive, else back. */
      by_ms: z.int(),
    }),
  },
} as const;
