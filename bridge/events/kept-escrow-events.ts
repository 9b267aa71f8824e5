import * as z from 'zod';
import { count, name, phrase } from './event-text.ts';

/** Events of what closed persons had escrowed to the organization: part of the catalogue. */
export const KEPT_ESCROW_EVENTS = {
  'escrow.kept': {
    doc: 'A person was closed; what they had escrowed to the organization is kept for a time. Nothing but two administrators together opens it.',
    data: z.strictObject({ key_version: count, until: count }),
  },
  'escrow.destroyed': {
    doc: 'What a closed person had escrowed to the organization is gone: it was kept for long enough, the person was erased, or it could not be kept.',
    data: z.strictObject({ key_version: count, reason: name }),
  },
  'escrow.reading_requested': {
    doc: 'An administrator asked two administrators for what a closed person had escrowed, to read what they sealed to themselves.',
    data: z.strictObject({ recovery: name, reason: phrase }),
  },
  'escrow.read': {
    doc: 'What two administrators released of a closed person was fetched for the reader.',
    data: z.strictObject({ recovery: name }),
  },
  'escrow.key_read': {
    doc: 'A key that was sealed to a closed person was fetched for the reader.',
    data: z.strictObject({ recovery: name, key_id: name }),
  },
} as const;
