import { knownAnswer } from '../known-answers.ts';

/** A statement of Alice's laptop, and her first message under it. */
export const PINNED_ADMISSION = knownAnswer('meeting-admission+jwt');
export const PINNED_ADMITTED_REKEY = knownAnswer('meeting-rekey+jwt, of version 2');
