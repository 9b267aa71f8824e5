import * as z from 'zod';
import { count, name, phrase } from './event-text.ts';

/** Events of the organization’s recovery key and of what takes its place: part of the catalogue. */
export const RECOVERY_KEY_EVENTS = {
  'recovery.key_registered': {
    doc: 'An administrator registered their half of the organization’s recovery key.',
    data: z.strictObject({ half: name }),
  },
  'recovery.replacement_begun': {
    doc: 'An administrator began to replace the organization’s recovery key.',
    data: z.strictObject({ generation: count, reason: phrase }),
  },
  'recovery.replacement_approved': {
    doc: 'An administrator approved the two halves of the next recovery key; with `half`, by that half of the one before.',
    data: z.strictObject({ generation: count, fingerprint: name, half: name.optional() }),
  },
  'recovery.replacement_approval_withdrawn': {
    doc: 'An administrator who had approved the next recovery key was removed: another one must approve. What their half signed stands.',
    data: z.strictObject({ generation: count }),
  },
  'recovery.replacement_abandoned': {
    doc: 'The next recovery key was given up; the one before stays.',
    data: z.strictObject({ generation: count }),
  },
  'recovery.key_replaced': {
    doc: 'The recovery key is another one. Where both halves of the one before signed it, clients follow by themselves.',
    data: z.strictObject({
      generation: count,
      fingerprint: name,
      signed_by: z.enum(['both halves', 'administrators alone']),
    }),
  },
  'recovery.drill_begun': {
    doc: 'A drill was begun, which shows that both halves of the recovery key work.',
    data: z.strictObject({ drill: name, fingerprint: name }),
  },
  'recovery.half_proven': {
    doc: 'An administrator showed in a drill that their half works.',
    data: z.strictObject({ drill: name, half: name }),
  },
  'recovery.drill_passed': {
    doc: 'Both halves of the recovery key work, as two administrators showed in a drill.',
    data: z.strictObject({ drill: name, fingerprint: name }),
  },
} as const;
