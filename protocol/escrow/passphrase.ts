import { utf8 } from '../bytes.ts';
import { labelled } from '../canonical-json.ts';
import { CountersignError } from '../errors.ts';
import { sha256 } from '../hash.ts';

/**
 * Passphrases of an escrow (PROTOCOL §9): made by the client, eight words of two syllables, of which seven are random.
 *
 *   sixteen consonants × four vowels = 64 syllables = 6 bits; 14 random syllables = 84 bits
 *
 * The eighth word is a checksum over the others: who mistypes one hears of it at once, before anything is fetched. It
 * tells nothing that the others do not. The alphabet leaves out what is easily taken for something else on paper or over
 * the telephone: c, q, x, w, y, and o beside u.
 */
const CONSONANTS = 'bdfghjklmnprstvz';
const VOWELS = 'aeiu';
const RANDOM_WORDS = 7;
const WORD_BITS = 12;

/** Bits that whoever guesses has to guess. */
export const PASSPHRASE_BITS = RANDOM_WORDS * WORD_BITS;

/** A new passphrase, words separated by spaces. */
export function makePassphrase(): string {
  const numbers = crypto.getRandomValues(new Uint16Array(RANDOM_WORDS));
  const words = Array.from(numbers, (number) => wordOf(number % 2 ** WORD_BITS));
  return [...words, checkWord(words)].join(' ');
}

/**
 * The passphrase that somebody typed, in its one form. Letter case, and what stands between the words, do not matter.
 * Throws `passphrase_invalid` for what no client has made.
 */
export function parsePassphrase(typed: string): string {
  const letters = typed
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
  const words = letters.match(/.{4}/g) ?? [];
  const random = words.slice(0, RANDOM_WORDS);
  const isPassphrase =
    letters.length === (RANDOM_WORDS + 1) * 4 &&
    words.every((word) => WORD.test(word)) &&
    words.at(-1) === checkWord(random);
  if (!isPassphrase) throw new CountersignError('passphrase_invalid');
  return words.join(' ');
}

const SYLLABLE = `[${CONSONANTS}][${VOWELS}]`;
const WORD = new RegExp(`^${SYLLABLE}${SYLLABLE}$`);

/** Twelve bits. */
function wordOf(number: number): string {
  return syllable(number >> 6) + syllable(number & 63);
}

function syllable(bits: number): string {
  return CONSONANTS.charAt(bits >> 2) + VOWELS.charAt(bits & 3);
}

function checkWord(words: readonly string[]): string {
  const [first = 0, second = 0] = sha256(labelled('passphrase-check', words.join(' ')));
  return wordOf((first << 4) | (second >> 4));
}

/** The bytes that the key is derived from. */
export function passphraseBytes(passphrase: string): Uint8Array<ArrayBuffer> {
  return utf8(parsePassphrase(passphrase));
}
