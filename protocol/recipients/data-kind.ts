import * as z from 'zod/mini';

/** A word that policies compare: nothing in it can be written in two ways. */
const word = z.string().check(z.maxLength(64), z.regex(/^[a-z0-9]+(?:[._-][a-z0-9]+)*$/));

/** What kind of data something is, as policies for recipients tell it apart; the words are the company’s own. */
export const dataKindSchema = z.strictObject({ category: word, sensitivity: word });

export type DataKind = z.infer<typeof dataKindSchema>;
