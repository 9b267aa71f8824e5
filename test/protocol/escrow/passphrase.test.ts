import { describe, expect, it } from 'vitest';
import { makePassphrase, PASSPHRASE_BITS, parsePassphrase } from '../../../protocol/escrow/passphrase.ts';
import { codeOf } from '../codes.ts';

/** Seven times the word that all bits zero make, and their checksum: the format. */
const ZEROS = 'baba baba baba baba baba baba baba nura';

describe('a passphrase', () => {
  it('is eight words of two syllables, another one each time', () => {
    const made = Array.from({ length: 200 }, makePassphrase);
    expect(new Set(made).size).toBe(200);
    for (const passphrase of made) {
      expect(passphrase).toMatch(/^(?:[bdfghjklmnprstvz][aeiu]){2}(?: (?:[bdfghjklmnprstvz][aeiu]){2}){7}$/);
      expect(parsePassphrase(passphrase)).toBe(passphrase);
    }
  });

  it('has 84 bits: every syllable of the seven words comes up', () => {
    const syllables = Array.from({ length: 400 }, makePassphrase).flatMap(
      (passphrase) => passphrase.split(' ').slice(0, 7).join('').match(/../g) ?? [],
    );
    expect(new Set(syllables).size).toBe(64);
    expect(PASSPHRASE_BITS).toBe(84);
  });

  it('has the checksum of version 1', () => {
    expect(parsePassphrase(ZEROS)).toBe(ZEROS);
  });

  it('has no letter beside its own, whatever the checksum', async () => {
    const syllables = [...'bdfghjklmnprstvz'].flatMap((consonant) =>
      [...'aeiu'].map((vowel) => consonant + vowel),
    );
    const endings = syllables.flatMap((first) => syllables.map((second) => first + second));
    const foreign = 'xoxo baba baba baba baba baba baba';
    const taken = endings.filter((ending) => isTaken(`${foreign} ${ending}`));
    expect(endings).toHaveLength(4096);
    expect(taken).toEqual([]);
    expect(endings.filter((ending) => isTaken(`${ZEROS.slice(0, -4)}${ending}`))).toEqual(['nura']);
  });

  it('is read however it is typed', () => {
    const passphrase = makePassphrase();
    const typed = [
      passphrase.toUpperCase(),
      passphrase.replaceAll(' ', '-'),
      passphrase.replaceAll(' ', ''),
      `  ${passphrase.replaceAll(' ', ' . ')}\n`,
      passphrase.replaceAll(/[a-z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0)),
    ];
    for (const text of typed) expect(parsePassphrase(text)).toBe(passphrase);
  });

  it.each([
    ['nothing', ''],
    ['words of the person’s own', 'correct horse battery staple'],
    ['a word too few', ZEROS.split(' ').slice(1).join(' ')],
    ['a word too many', `${ZEROS} baba`],
    ['two words exchanged for others', ZEROS.replace('baba', 'dada')],
    ['a wrong checksum', ZEROS.replace(/\w+$/, 'zuzu')],
    ['a letter that is none of the alphabet', ZEROS.replace('b', 'ß')],
    ['digits between', ZEROS.replace(' ', '1')],
  ])('is refused when it is %s', async (_, text) => {
    expect(await codeOf(() => parsePassphrase(text))).toBe('passphrase_invalid');
  });
});

function isTaken(text: string): boolean {
  try {
    parsePassphrase(text);
    return true;
  } catch {
    return false;
  }
}
