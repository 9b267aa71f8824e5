import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddress, parseDomain } from '../../protocol/address.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { codeOf } from './codes.ts';

describe('parseAddress', () => {
  it('lowers letter case and nothing else', () => {
    expect(parseAddress('Alice.O+tag@Mail.ACME.example')).toEqual({
      address: 'alice.o+tag@mail.acme.example',
      local: 'alice.o+tag',
      domain: 'mail.acme.example',
    });
  });

  it('takes a domain as A-label', () => {
    expect(parseAddress('a@xn--bcher-kva.example').domain).toBe('xn--bcher-kva.example');
  });

  it.each([
    ['a Unicode local part', 'älice@acme.example'],
    ['a Cyrillic letter that looks Latin', '\u0430lice@acme.example'],
    ['a Unicode domain', 'alice@bücher.example'],
    ['the Kelvin sign, which lower-cases to k', 'alice@\u212aelvin.example'],
    ['a full-width letter', 'alice@acme.ex\uff41mple'],
    ['a zero-width space', 'ali\u200bce@acme.example'],
    ['a quoted local part', '"alice"@acme.example'],
    ['a comment', 'alice(x)@acme.example'],
    ['two at signs', 'alice@evil.example@acme.example'],
    ['no at sign', 'alice.acme.example'],
    ['no local part', '@acme.example'],
    ['no domain', 'alice@'],
    ['a leading dot', '.alice@acme.example'],
    ['two dots in a row', 'al..ice@acme.example'],
    ['a trailing dot in the domain', 'alice@acme.example.'],
    ['a domain of one label', 'alice@localhost'],
    ['an IPv4 address as domain', 'alice@127.0.0.1'],
    ['a hexadecimal last label', 'alice@127.0.0.0x1'],
    ['an address literal', 'alice@[127.0.0.1]'],
    ['a label that ends in a hyphen', 'alice@acme-.example'],
    ['an underscore in the domain', 'alice@_acme.example'],
    ['a space', 'alice @acme.example'],
    ['a line feed at the end', 'alice@acme.example\n'],
    ['a null character', 'alice\0@acme.example'],
    ['a local part of 65 characters', `${'a'.repeat(65)}@acme.example`],
    ['a label of 64 characters', `a@${'a'.repeat(64)}.example`],
    ['255 characters', `a@${'a.'.repeat(125)}com`],
    ['nothing', ''],
  ])('refuses %s', async (_, text) => {
    expect(await codeOf(() => parseAddress(text))).toBe('address_invalid');
  });

  it('refuses a megabyte at once', async () => {
    expect(await codeOf(() => parseAddress(`${'a.'.repeat(500_000)}@acme.example`))).toBe('address_invalid');
  });

  it('never folds two addresses into one, letter case apart', () => {
    fc.assert(
      fc.property(fc.oneof(fc.emailAddress(), fc.string(), fc.string({ unit: 'binary' })), (text) => {
        let parsed: string;
        try {
          parsed = parseAddress(text).address;
        } catch (error) {
          return error instanceof CountersignError && error.code === 'address_invalid';
        }
        const asciiLower = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
        return parsed === asciiLower && parseAddress(parsed).address === parsed;
      }),
      { numRuns: 2000 },
    );
  });
});

describe('parseDomain', () => {
  it('answers the lower-cased name', () => {
    expect(parseDomain('Mail.ACME.Example')).toBe('mail.acme.example');
  });

  it('refuses the Kelvin sign instead of folding it into k', async () => {
    expect('\u212aelvin.example'.toLowerCase()).toBe('kelvin.example');
    expect(await codeOf(() => parseDomain('\u212aelvin.example'))).toBe('address_invalid');
  });

  it.each(['constructor', '__proto__', '', '.', 'acme', 'acme..example', '*.acme.example'])(
    'refuses "%s"',
    async (text) => {
      expect(await codeOf(() => parseDomain(text))).toBe('address_invalid');
    },
  );
});
