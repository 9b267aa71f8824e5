import { beforeAll, describe, expect, it } from 'vitest';
import { signExclusion, verifyExclusion } from '../../../protocol/groups/exclusion.ts';
import {
  assertMembershipFollows,
  isGroupMember,
  type Membership,
  signMembership,
  verifyMembership,
} from '../../../protocol/groups/membership.ts';
import { codeOf } from '../codes.ts';
import { testDigest } from '../company.ts';
import { type GroupFixture, makeGroup, type Signer } from './group-fixture.ts';

const GLOBEX = 'https://bridge.globex.example';
let f: GroupFixture;

beforeAll(async () => {
  f = await makeGroup();
});

const verify = async (changes: Partial<Membership> = {}, signer: Signer = f.alice, as: Signer = signer) =>
  verifyMembership(await signMembership(signer.key, f.membership(changes)), as, f.first());
const refusal = (...args: Parameters<typeof verify>) => codeOf(() => verify(...args));

describe('a membership statement', () => {
  it('is taken from any admin’s device', async () => {
    expect(await verify()).toEqual(f.membership());
    expect(await verify({}, f.bob)).toEqual(f.membership());
  });

  it('names a person or a durable group', async () => {
    const member = { iss: GLOBEX, group: testDigest('sales'), key_version: 0 };
    expect(isGroupMember((await verify({ member })).member)).toBe(true);
    expect(isGroupMember((await verify()).member)).toBe(false);
  });

  it('is refused from somebody who is no admin', async () => {
    expect(await refusal({}, f.mallory)).toBe('group_not_admin');
  });

  it('is refused from one to whom the bridge gave an admin’s sub, or an admin’s address', async () => {
    const posing = { ...f.mallory, device: { ...f.mallory.device, sub: 'sub-alice' } };
    expect(await refusal({}, posing)).toBe('group_not_admin');
    expect(await refusal({}, { ...f.mallory, address: 'alice@acme.example' })).toBe('group_not_admin');
  });

  it('is refused from a namesake at another company', async () => {
    const namesake = { ...f.alice, device: { ...f.alice.device, iss: GLOBEX } };
    expect(await refusal({}, namesake)).toBe('group_not_admin');
  });

  it('is refused by another device than the one verified', async () => {
    expect(await refusal({}, f.bob, f.alice)).toBe('jws_unknown_key');
  });

  it('is refused for another group, and at another bridge', async () => {
    expect(await refusal({ group: testDigest('other') })).toBe('group_key_mismatch');
    expect(await refusal({ iss: GLOBEX })).toBe('group_key_mismatch');
  });

  it('is refused when it adds without a transform key, or removes with one', async () => {
    const { transform_key: _, ...rest } = f.membership() as Extract<Membership, { act: 'add' }>;
    const signed = (claims: object) => signMembership(f.alice.key, claims as Membership);
    const take = async (claims: object) => verifyMembership(await signed(claims), f.alice, f.first());
    expect(await codeOf(() => take(rest))).toBe('claims_invalid');
    expect(await refusal({ act: 'remove' })).toBe('claims_invalid');
    expect((await take({ ...rest, act: 'remove' })).act).toBe('remove');
  });

  it('is refused when it makes the group its own member', async () => {
    const member = { iss: f.acme.iss, group: f.group, key_version: 0 };
    expect(await refusal({ member })).toBe('claims_invalid');
  });

  it('is refused when it names a person and a group at once', async () => {
    const member = { iss: GLOBEX, sub: 'sub-carol', group: testDigest('sales'), key_version: 0 };
    expect(await refusal({ member })).toBe('claims_invalid');
  });

  it('is refused when the first names one before it, or a later one none', async () => {
    expect(await refusal({ prev: testDigest('before') })).toBe('claims_invalid');
    expect(await refusal({ seq: 1 })).toBe('claims_invalid');
  });

  it('counts once: it fits only the head that it was made on', async () => {
    const start = f.membership();
    const head = { seq: 0, hash: testDigest('head') };
    const second = f.membership({ seq: 1, prev: head.hash });
    const follows = (claims: Membership, at: typeof head | null) =>
      codeOf(() => assertMembershipFollows(claims, at));
    expect(() => assertMembershipFollows(start, null)).not.toThrow();
    expect(() => assertMembershipFollows(second, head)).not.toThrow();
    expect(await follows(start, head)).toBe('conflict');
    expect(await follows(second, null)).toBe('conflict');
    expect(await follows(second, { ...head, seq: 1 })).toBe('conflict');
    expect(await follows(second, { ...head, hash: testDigest('other head') })).toBe('conflict');
  });
});

describe('an exclusion', () => {
  const verify = async (changes: object = {}, signer: Signer = f.alice, as: Signer = signer) =>
    verifyExclusion(await signExclusion(signer.key, f.exclusion(changes)), as, f.first());
  const refusal = (...args: Parameters<typeof verify>) => codeOf(() => verify(...args));

  it('is taken from any admin’s device, and so is the way back', async () => {
    expect(await verify()).toEqual(f.exclusion());
    expect((await verify({ act: 'readmit' }, f.bob)).act).toBe('readmit');
  });

  it('is refused from somebody who is no admin, and by another device', async () => {
    expect(await refusal({ act: 'readmit' }, f.mallory)).toBe('group_not_admin');
    expect(await refusal({}, f.bob, f.alice)).toBe('jws_unknown_key');
  });

  it('is refused for another group, and at another bridge', async () => {
    expect(await refusal({ group: testDigest('other') })).toBe('group_key_mismatch');
    expect(await refusal({ iss: GLOBEX })).toBe('group_key_mismatch');
  });

  it('names a person, not a group', async () => {
    const member = { iss: GLOBEX, group: testDigest('sales') };
    expect(await refusal({ member })).toBe('claims_invalid');
  });
});
