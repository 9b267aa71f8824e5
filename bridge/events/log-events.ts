import * as z from 'zod';
import { count, name, text } from './event-text.ts';

/** Events of the event log itself, and of what brings the key log back: part of the catalogue. */
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
  'log.recovered': {
    doc: 'A restored backup was brought to where the key log ended, by a copy of the log that somebody else kept. What was decided between the two is lost: keys are withdrawn, counters go on behind them.',
    data: z.strictObject({
      /** Entries that the backup had, and that the log has. */
      from_size: count,
      size: count,
      epoch: count,
      /** Names of which versions are lost, and how many versions these are. */
      names: count,
      versions: count,
      /** Versions whose names the store does not know. */
      unknown: count,
      /** People whose keys and devices were withdrawn. */
      persons: count,
      /** Access tokens and what belongs to them, which have ended. */
      sign_ins: count,
      /** Whether everybody else's devices stay. */
      devices: z.enum(['kept', 'withdrawn']),
      /** What said that the copy is the newest. */
      vouched_by: z.enum(['head file', 'witnesses', 'nobody']),
    }),
  },
  'log.witness_forgot': {
    doc: 'A log shows what this bridge, as its witness, has cosigned and does not know any more: its store is a restored backup. It cosigns nothing until the newest store is back, or its key replaced.',
    data: z.strictObject({
      origin: name,
      size: count,
      /** As the log shows it, with our own cosignature: the evidence. */
      checkpoint: text(4096),
    }),
  },
  'log.witness_key_replaced': {
    doc: 'An administrator replaced the key of the witness that this bridge is. Logs and whoever pins it need the new one.',
    data: z.strictObject({ previous: text(512), key: text(512) }),
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
