import { beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../../protocol/bytes.ts';
import {
  assertSealedCiphertext,
  assertSealedPlaintext,
  type SealedKey,
  sealedKeyCommitment,
  signSealedKey,
  verifySealedKey,
} from '../../../protocol/groups/sealed-key.ts';
import { sha256Base64url } from '../../../protocol/hash.ts';
import { codeOf } from '../codes.ts';
import { testDigest } from '../company.ts';
import { type GroupFixture, makeGroup } from './group-fixture.ts';

let f: GroupFixture;
let asked: { to: SealedKey['to']; key_id: string };

beforeAll(async () => {
  f = await makeGroup();
  asked = { to: { iss: f.acme.iss, group: f.group }, key_id: 'key-1' };
});

const verify = async (changes: Partial<SealedKey> = {}, signer = f.alice) =>
  verifySealedKey(await signSealedKey(signer.key, f.sealedKey(changes)), signer, asked);
const refusal = (...args: Parameters<typeof verify>) => codeOf(() => verify(...args));

describe('a sealed key', () => {
  it('is taken from the sealer’s device', async () => {
    expect(await verify()).toEqual(f.sealedKey());
  });

  it('is refused when it names another sealer than the one whose device signed', async () => {
    expect(await refusal({ sub: 'sub-bob' })).toBe('sealed_key_mismatch');
    expect(await refusal({ iss: 'https://bridge.globex.example' })).toBe('sealed_key_mismatch');
    expect(await refusal({}, f.mallory)).toBe('sealed_key_mismatch');
  });

  it('is refused by another device than the one verified', async () => {
    const token = await signSealedKey(f.mallory.key, f.sealedKey());
    expect(await codeOf(() => verifySealedKey(token, f.alice, asked))).toBe('jws_unknown_key');
  });

  it('is refused when it is for another recipient, or another key', async () => {
    const { iss } = f.acme;
    expect(await refusal({ to: { iss, group: testDigest('other') } })).toBe('sealed_key_mismatch');
    expect(await refusal({ to: { iss: 'https://bridge.globex.example', group: f.group } })).toBe(
      'sealed_key_mismatch',
    );
    expect(await refusal({ to: { iss, sub: f.group } })).toBe('sealed_key_mismatch');
    expect(await refusal({ key_id: 'key-2' })).toBe('sealed_key_mismatch');
  });

  it('for a person is not one for a group of the same name', async () => {
    const to = { iss: f.acme.iss, sub: 'sub-bob' };
    const token = await signSealedKey(
      f.alice.key,
      f.sealedKey({ to, term: null, epoch: null, members: null }),
    );
    expect((await verifySealedKey(token, f.alice, { to, key_id: 'key-1' })).to).toEqual(to);
    const other = { to: { iss: f.acme.iss, sub: 'sub-carol' }, key_id: 'key-1' };
    expect(await codeOf(() => verifySealedKey(token, f.alice, other))).toBe('sealed_key_mismatch');
  });

  it('is refused with a term and no epoch, and with an epoch and no term', async () => {
    expect(await refusal({ epoch: null })).toBe('claims_invalid');
    expect(await refusal({ term: null })).toBe('claims_invalid');
  });

  it('stands for one ciphertext', async () => {
    const encrypted = utf8('encrypted');
    const claims = f.sealedKey({ ciphertext: sha256Base64url(encrypted) });
    expect(() => assertSealedCiphertext(claims, encrypted)).not.toThrow();
    expect(await codeOf(() => assertSealedCiphertext(claims, utf8('another')))).toBe('sealed_key_mismatch');
  });
});

describe('the commitment', () => {
  const plaintext = Uint8Array.from({ length: 384 }, (_, index) => index % 251);

  it('has the bytes of version 1', () => {
    expect(sealedKeyCommitment(plaintext)).toBe('AKUfVeROLFFrKYtpQNMlIdrO6Go00kKU1oLbHkBbfOw');
  });

  it('is not the hash of the plaintext, which would be the key itself', () => {
    expect(sealedKeyCommitment(plaintext)).not.toBe(sha256Base64url(plaintext));
  });

  it('is held against the plaintext before it is used', async () => {
    const claims = f.sealedKey({ commitment: sealedKeyCommitment(plaintext) });
    expect(() => assertSealedPlaintext(claims, plaintext)).not.toThrow();
    const other = plaintext.slice();
    other[383] = (other[383] ?? 0) ^ 1;
    expect(await codeOf(() => assertSealedPlaintext(claims, other))).toBe('sealed_key_commitment');
    expect(await codeOf(() => assertSealedPlaintext(claims, plaintext.slice(1)))).toBe(
      'sealed_key_commitment',
    );
  });

  it('is made over whole plaintexts only', async () => {
    expect(await codeOf(() => sealedKeyCommitment(plaintext.slice(1)))).toBe('claims_invalid');
  });
});
