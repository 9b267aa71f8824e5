import * as z from 'zod';
import { count, name } from './event-text.ts';

/** Events of the key-encryption key: part of the catalogue. */
export const KEY_EVENTS = {
  'keys.reencrypted': {
    doc: 'Everything that the bridge keeps sealed was sealed under another key-encryption key; the one before opens nothing any more.',
    data: z.strictObject({
      /** Names the key, and tells nothing about it. */
      key: name,
      previous: name,
      /** Values that were sealed anew by the run that finished. */
      values: count,
    }),
  },
  'keys.encryption_key_old': {
    doc: 'The key-encryption key is older than is configured: an operator is to replace it. Told once for each key.',
    data: z.strictObject({ key: name, since: count }),
  },
} as const;
