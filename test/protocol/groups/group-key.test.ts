import { beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../../protocol/canonical-json.ts';
import { type GroupKey, signGroupKey, verifyGroupKey } from '../../../protocol/groups/group-key.ts';
import { signJws } from '../../../protocol/jws.ts';
import { codeOf } from '../codes.ts';
import { NOW, testDigest, testEncryptionKey } from '../company.ts';
import { type GroupFixture, makeGroup, type Signer } from './group-fixture.ts';

let f: GroupFixture;

beforeAll(async () => {
  f = await makeGroup();
});

const refusal = (changes: Partial<GroupKey>, signer: Signer = f.alice) =>
  codeOf(async () => verifyGroupKey(await signGroupKey(signer.key, f.first(changes)), signer));

describe('a group key', () => {
  it('is taken from the creator’s device', async () => {
    expect(await verifyGroupKey(await signGroupKey(f.alice.key, f.first()), f.alice)).toEqual(f.first());
  });

  it('is refused when its id names another key', async () => {
    expect(await refusal({ key: testEncryptionKey('other') })).toBe('group_key_mismatch');
    expect(await refusal({ group: testDigest('other') })).toBe('group_key_mismatch');
  });

  it('is refused from a device other than the one verified', async () => {
    const token = await signGroupKey(f.bob.key, f.first());
    expect(await codeOf(() => verifyGroupKey(token, f.alice))).toBe('jws_unknown_key');
  });

  it('is refused when a byte of it is changed', async () => {
    const token = await signGroupKey(f.alice.key, f.first());
    const [header, , signature] = token.split('.');
    const [, forged] = (await signGroupKey(f.alice.key, f.first({ label: 'Else' }))).split('.');
    expect(await codeOf(() => verifyGroupKey(`${header}.${forged}.${signature}`, f.alice))).toBe(
      'jws_signature',
    );
  });

  it('is refused as another object of the same device', async () => {
    const token = await signJws(f.alice.key, 'group-exclusion+jwt', f.first() as Json);
    expect(await codeOf(() => verifyGroupKey(token, f.alice))).toBe('jws_type');
  });

  it('is refused when the first is by another than the creator, or by nobody of its admins', async () => {
    expect(await refusal({}, f.bob)).toBe('group_not_admin');
    expect(await refusal({ creator: 'sub-mallory' }, f.mallory)).toBe('group_not_admin');
  });

  it('is refused from a person of another company', async () => {
    expect(await refusal({ iss: 'https://bridge.globex.example' })).toBe('group_not_admin');
  });

  it('is refused when a meeting has no end, or a durable group one', async () => {
    expect(await refusal({ kind: 'meeting' })).toBe('claims_invalid');
    expect(await refusal({ ends: NOW + 3600 })).toBe('claims_invalid');
    const claims = f.first({ kind: 'meeting', ends: NOW + 3600 });
    expect((await verifyGroupKey(await signGroupKey(f.alice.key, claims), f.alice)).ends).toBe(NOW + 3600);
  });

  it('is refused when the first names one before it, or a later one none', async () => {
    expect(await refusal({ prev: testDigest('before') })).toBe('group_key_chain');
    expect(await refusal({ seq: 1 })).toBe('group_key_chain');
  });

  it('is refused when it was rotated more often than it was signed', async () => {
    expect(await refusal({ key_version: 1 })).toBe('group_key_chain');
  });

  it.each([
    ['no admin', []],
    ['an admin twice', [0, 0].map(() => ({ sub: 'sub-alice', address: 'alice@acme.example' }))],
    [
      'one address for two people',
      ['sub-alice', 'sub-bob'].map((sub) => ({ sub, address: 'alice@acme.example' })),
    ],
    ['an address that is not in its one form', [{ sub: 'sub-alice', address: 'Alice@acme.example' }]],
    [
      'seventeen admins',
      Array.from({ length: 17 }, (_, n) => ({ sub: `sub-${n}`, address: `a${n}@acme.example` })),
    ],
  ])('is refused with %s', async (_, admins) => {
    expect(await refusal({ admins })).toBe('claims_invalid');
  });

  it('is refused with members that version 1 does not have, and with a label that plays tricks', async () => {
    const extra: object = { extra: true };
    expect(await refusal(extra)).toBe('claims_invalid');
    const second: object = { v: 2 };
    expect(await refusal(second)).toBe('claims_invalid');
    expect(await refusal({ label: 'a\u202eb' })).toBe('claims_invalid');
  });
});
