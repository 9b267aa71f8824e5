import * as z from 'zod';
import { name, phrase } from './event-text.ts';

/** Events of the organization’s recovery of keys: part of the catalogue. */
export const RECOVERY_EVENTS = {
  'recovery.key_registered': {
    doc: 'An administrator registered their half of the organization’s recovery key.',
    data: z.strictObject({ half: name }),
  },
  'recovery.requested': {
    doc: 'A device that signed in as a person asked two administrators for that person’s escrowed keys.',
    data: z.strictObject({ recovery: name, label: phrase }),
  },
  'recovery.approved': {
    doc: 'An administrator compared the device and gave it their share of the person’s keys, which alone opens nothing.',
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
