import { describe, expect, it } from 'vitest';
import { label, vrfInput } from '../../../protocol/keytrans/label.ts';
import { codeOf } from '../codes.ts';
import { toHex } from './to-hex.ts';

describe('label', () => {
  it('is the kind and the name', () => {
    expect(toHex(label('address', 'a@b'))).toBe('01614062');
    expect(toHex(label('policy', 'a@b'))).toBe('02614062');
    expect(toHex(label('trust-change', 'a@b'))).toBe('03614062');
  });

  it('takes a name of 254 bytes and refuses one of 255', async () => {
    expect(label('address', 'a'.repeat(254))).toHaveLength(255);
    expect(await codeOf(() => label('address', 'a'.repeat(255)))).toBe('claims_invalid');
    expect(await codeOf(() => label('address', 'é'.repeat(128)))).toBe('claims_invalid');
  });

  it('refuses a name that is empty or no well-formed text, which would share its bytes with another', async () => {
    expect(await codeOf(() => label('policy', ''))).toBe('claims_invalid');
    expect(await codeOf(() => label('policy', 'a\ud800'))).toBe('claims_invalid');
  });
});

describe('vrfInput', () => {
  it('is the label with its length, and the version', () => {
    expect(toHex(vrfInput(label('address', 'a@b'), 258))).toBe('040161406200000102');
  });

  it.each([-1, 0.5, 2 ** 32, Number.NaN])('refuses %d as a version', async (version) => {
    expect(await codeOf(() => vrfInput(label('address', 'a@b'), version))).toBe('claims_invalid');
  });
});
