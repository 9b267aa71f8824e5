import * as z from 'zod';
import { count, name, text } from './event-text.ts';

/** Events of the event log itself: part of the catalogue. */
export const LOG_EVENTS = {
  'log.checkpointed': {
    doc: 'The bridge signed what the event log was, which every sink gets too: nobody can alter what came before unseen.',
    data: z.strictObject({
      /** Events that the checkpoint covers: all up to this `seq`. */
      size: count,
      /** The signed note (C2SP tlog-checkpoint). */
      checkpoint: text(4096),
      /** Hashes of the complete subtrees, left to right, of which the root is made; base64url. */
      subtrees: z.array(name).max(64),
    }),
  },
  'log.pruned': {
    doc: 'The content of the oldest events is not kept any more. What proves copies of them stays.',
    data: z.strictObject({
      from_seq: count,
      to_seq: count,
      /** How long it was to be kept. */
      retention_days: count,
    }),
  },
} as const;
