import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { codeOf } from './codes.ts';

describe('base64url', () => {
  it('writes what Node writes, and reads it back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = encodeBase64url(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64url'));
        expect(decodeBase64url(text)).toEqual(Uint8Array.from(bytes));
      }),
    );
  });

  it('has one text for each byte string: whatever decodes encodes to itself', () => {
    const character = fc.constantFrom(...'ABCDwxyz0189-_+/= \n');
    fc.assert(
      fc.property(fc.string({ unit: character, maxLength: 12 }), (text) => {
        try {
          return encodeBase64url(decodeBase64url(text)) === text;
        } catch (error) {
          return error instanceof CountersignError && error.code === 'malformed_request';
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['padding', 'AA=='],
    ['the other alphabet', '+/+/'],
    ['white space', 'AA AA'],
    ['a line feed at the end', 'AAAA\n'],
    ['a length that no bytes have', 'AAAAA'],
    ['bits that stand for nothing', 'AB'],
  ])('refuses %s', async (_, text) => {
    expect(await codeOf(() => decodeBase64url(text))).toBe('malformed_request');
  });

  it('refuses another length than the one expected', async () => {
    expect(await codeOf(() => decodeBase64url('AAAA', 4))).toBe('malformed_request');
    expect(decodeBase64url('AAAA', 3)).toEqual(new Uint8Array(3));
  });

  it('takes a megabyte', () => {
    const bytes = new Uint8Array(1_000_000).fill(7);
    expect(decodeBase64url(encodeBase64url(bytes)).length).toBe(bytes.length);
  });
});
