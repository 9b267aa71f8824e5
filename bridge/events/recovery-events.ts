import * as z from 'zod';
import { name, phrase } from './event-text.ts';
import { KEPT_ESCROW_EVENTS } from './kept-escrow-events.ts';
import { RECOVERY_KEY_EVENTS } from './recovery-key-events.ts';

/** Events of the organization’s recovery of keys: part of the catalogue. */
export const RECOVERY_EVENTS = {
  ...KEPT_ESCROW_EVENTS,
  ...RECOVERY_KEY_EVENTS,
  'recovery.requested': {
    doc: 'A device that signed in as a person asked two administrators for that person’s escrowed keys.',
    data: z.strictObject({ recovery: name, label: phrase }),
  },
  'recovery.approved': {
    doc: 'An administrator compared the device and gave it their share of the person’s keys, which alone opens nothing.',
    data: z.strictObject({ recovery: name, half: name }),
  },
  'recovery.approval_withdrawn': {
    doc: 'An administrator who had given their share was removed: it is gone, and the recovery waits for another approval, also where it was released.',
    data: z.strictObject({ recovery: name, half: name }),
  },
  'recovery.released': {
    doc: 'Both shares are there: the device can open the person’s keys.',
    data: z.strictObject({ recovery: name }),
  },
  'recovery.refused': {
    doc: 'An administrator refused a recovery.',
    data: z.strictObject({ recovery: name }),
  },
  'recovery.expired': {
    doc: 'A recovery was not approved by two administrators in time.',
    data: z.strictObject({ recovery: name }),
  },
} as const;
