import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';

const file = new URL('../testdata/known-answers.json', import.meta.url);

/**
 * A token of each type and form, as version 1 of the protocol writes it from the keys of `company.ts`; each is good at
 * `NOW`. They are the format: if a change makes one of them come out differently, or no longer verify, the change breaks
 * every other implementation. `signed-objects/` says what is in them.
 */
export const KNOWN_ANSWERS = z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(file, 'utf8')));

export function knownAnswer(name: string): string {
  const token = KNOWN_ANSWERS[name];
  if (token === undefined) throw new Error(`no known answer for ${name}`);
  return token;
}
