import { beforeAll, describe, expect, it } from 'vitest';
import { CountersignError } from '../../../protocol/errors.ts';
import { type GroupKey, signGroupKey } from '../../../protocol/groups/group-key.ts';
import {
  GROUP_KEY_TOKENS,
  type GroupKeyTrust,
  type GroupPin,
  groupPinOf,
  verifyGroupKeyChain,
} from '../../../protocol/groups/group-key-chain.ts';
import { sha256Base64url } from '../../../protocol/hash.ts';
import type { SignatureKey } from '../../../protocol/public-key.ts';
import { codeOf } from '../codes.ts';
import { DAY, NOW, testDigest, testKey } from '../company.ts';
import { type GroupFixture, makeGroup, type Signer, signerNamed } from './group-fixture.ts';

const CAROL = { sub: 'sub-carol', address: 'carol@acme.example' };
let f: GroupFixture;
let carol: Signer;
let known: readonly Signer[];
let nextSigner: SignatureKey;

beforeAll(async () => {
  f = await makeGroup();
  carol = await signerNamed('carol');
  known = [f.alice, f.bob, f.mallory, carol];
  nextSigner = (await testKey('group signer 1')).publicKey;
});

const findSigner = async (deviceId: string, among: readonly Signer[] = known) => {
  const signer = among.find(({ device }) => device.device_id === deviceId);
  if (signer === undefined) throw new CountersignError('device_unknown');
  return signer;
};
const verify = (tokens: readonly string[], trust: GroupKeyTrust, among = known) =>
  verifyGroupKeyChain(tokens, { iss: f.acme.iss, group: f.group }, trust, (id) => findSigner(id, among));

/** The next key after `token`, with these changes. */
async function next(
  signer: Signer,
  before: { claims: GroupKey; token: string },
  changes: Partial<GroupKey> = {},
): Promise<{ claims: GroupKey; token: string }> {
  const claims: GroupKey = {
    ...before.claims,
    seq: before.claims.seq + 1,
    prev: sha256Base64url(before.token),
    iat: NOW + before.claims.seq + 1,
    ...changes,
  };
  return { claims, token: await signGroupKey(signer.key, claims) };
}

async function first(signer = f.alice, changes: Partial<GroupKey> = {}) {
  const claims = f.first(changes);
  return { claims, token: await signGroupKey(signer.key, claims) };
}

const alice = { expected: 'alice@acme.example' };
const bob = { expected: 'bob@acme.example' };

describe('the keys of a group at first contact', () => {
  it('are believed when the newest is by the admin whom the caller expects', async () => {
    const one = await first();
    const two = await next(f.bob, one, { label: 'Renamed' });
    const verified = await verify([one.token, two.token], bob);
    expect(verified).toMatchObject({
      claims: two.claims,
      hash: sha256Base64url(two.token),
      token: two.token,
    });
    expect((await verify([two.token], bob)).claims.seq).toBe(1);
  });

  it('are believed when the newest is reached from the expected admin, each by an admin of the one before', async () => {
    const one = await first();
    const two = await next(f.bob, one, { admins: [...one.claims.admins, CAROL] });
    const three = await next(carol, two, { label: 'By Carol' });
    expect((await verify([one.token, two.token, three.token], alice)).claims.label).toBe('By Carol');
  });

  it('are believed whatever form of the address the caller typed', async () => {
    expect((await verify([(await first()).token], { expected: 'Alice@ACME.example' })).claims.seq).toBe(0);
  });

  it('are not believed when a bridge has them signed by an accomplice who is no admin', async () => {
    const own = await first(f.mallory, {
      creator: 'sub-mallory',
      admins: [{ sub: 'sub-mallory', address: 'mallory@acme.example' }],
    });
    expect(await codeOf(() => verify([own.token], alice))).toBe('group_untrusted');
    const two = await next(f.mallory, await first(), { admins: own.claims.admins });
    expect(await codeOf(async () => verify([(await first()).token, two.token], alice))).toBe(
      'group_not_admin',
    );
    expect(await codeOf(() => verify([two.token], alice))).toBe('group_untrusted');
  });

  it('are not believed from an accomplice to whom the bridge gave an admin’s sub', async () => {
    const posing: Signer = { ...f.mallory, device: { ...f.mallory.device, sub: 'sub-bob' } };
    const one = await first();
    const two = await next(posing, one, { admins: [{ sub: 'sub-bob', address: 'mallory@acme.example' }] });
    const among = [f.alice, posing];
    expect(await codeOf(() => verify([one.token, two.token], alice, among))).toBe('group_not_admin');
  });

  it('are not believed when an admin who was removed goes on signing', async () => {
    const one = await first();
    const two = await next(f.alice, one, { admins: [{ sub: 'sub-alice', address: 'alice@acme.example' }] });
    const three = await next(f.bob, two);
    expect(await codeOf(() => verify([one.token, two.token, three.token], alice))).toBe('group_not_admin');
  });

  it('need the signers after the expected admin, and none before', async () => {
    const one = await first();
    const two = await next(f.bob, one);
    const three = await next(f.alice, two);
    const tokens = [one.token, two.token, three.token];
    expect((await verify(tokens, alice, [f.alice])).claims.seq).toBe(2);
    expect(await codeOf(() => verify(tokens, bob, [f.bob]))).toBe('device_unknown');
  });

  it('are refused when they are another group’s, or another bridge’s', async () => {
    const one = await first();
    const ask = (group: object) =>
      verifyGroupKeyChain([one.token], { iss: f.acme.iss, group: f.group, ...group }, alice, (id) =>
        findSigner(id),
      );
    expect(await codeOf(() => ask({ group: testDigest('other') }))).toBe('group_key_mismatch');
    expect(await codeOf(() => ask({ iss: 'https://bridge.globex.example' }))).toBe('group_key_mismatch');
  });

  it('are refused when there is none, and when there are more than one answer carries', async () => {
    expect(await codeOf(() => verify([], alice))).toBe('group_key_chain');
    const { token } = await first();
    const many = Array.from({ length: GROUP_KEY_TOKENS + 1 }, () => token);
    expect(await codeOf(() => verify(many, alice))).toBe('group_key_chain');
  });
});

describe('a key that follows another', () => {
  it.each([
    ['skips a number', { seq: 2 }],
    ['names another one before it', { prev: testDigest('other') }],
    ['is of another kind', { kind: 'meeting', ends: NOW }],
    ['names another creator', { creator: 'sub-bob' }],
    ['raises the key version without another signer', { key_version: 1 }],
  ] as const)('is refused when it %s', async (_, changes) => {
    const one = await first();
    const two = await next(f.bob, one, changes);
    expect(await codeOf(() => verify([one.token, two.token], alice))).toBe('group_key_chain');
  });

  it('is refused when it exchanges the signer without raising the key version', async () => {
    const one = await first();
    const two = await next(f.bob, one, { signer: nextSigner });
    expect(await codeOf(() => verify([one.token, two.token], alice))).toBe('group_key_chain');
  });

  it('is a rotation when signer and key version change together', async () => {
    const one = await first();
    const two = await next(f.bob, one, { signer: nextSigner, key_version: 1 });
    expect((await verify([one.token, two.token], alice)).claims.signer).toEqual(nextSigner);
  });

  it('is refused when it goes back to an older key version', async () => {
    const one = await first();
    const two = await next(f.bob, one, { signer: nextSigner, key_version: 1 });
    const three = await next(f.bob, two, { signer: one.claims.signer, key_version: 0 });
    expect(await codeOf(() => verify([one.token, two.token, three.token], alice))).toBe('group_key_chain');
  });

  it('is refused when the list is out of order or has a gap', async () => {
    const one = await first();
    const two = await next(f.bob, one);
    const three = await next(f.bob, two);
    expect(await codeOf(() => verify([one.token, three.token], alice))).toBe('group_key_chain');
    expect(await codeOf(() => verify([one.token, three.token, two.token], alice))).toBe('group_key_chain');
  });
});

describe('the keys of a group against a pin', () => {
  async function pinned(): Promise<{ one: { claims: GroupKey; token: string }; pin: GroupPin }> {
    const one = await first();
    return { one, pin: groupPinOf(await verify([one.token], alice)) };
  }

  it('are taken when nothing has changed, even if the signer is gone', async () => {
    const { one, pin } = await pinned();
    expect((await verify([one.token], { pin }, [])).hash).toBe(pin.hash);
  });

  it('are taken when they continue it, with or without the pinned one among them', async () => {
    const { one, pin } = await pinned();
    const two = await next(f.bob, one);
    expect((await verify([one.token, two.token], { pin }, [f.bob])).claims.seq).toBe(1);
    expect((await verify([two.token], { pin }, [f.bob])).claims.seq).toBe(1);
  });

  it('are refused when another one stands in the pinned one’s place', async () => {
    const { pin } = await pinned();
    const other = await first(f.alice, { label: 'Another' });
    expect(await codeOf(() => verify([other.token], { pin }))).toBe('group_key_chain');
    const onwards = await next(f.bob, other);
    expect(await codeOf(() => verify([onwards.token], { pin }))).toBe('group_key_chain');
  });

  it('are refused when they are older than the pin', async () => {
    const { one } = await pinned();
    const two = await next(f.bob, one);
    const pin = groupPinOf(await verify([one.token, two.token], alice));
    expect(await codeOf(() => verify([one.token], { pin }))).toBe('version_rollback');
  });

  it('are refused when who signed was no admin in the pin, though the expected address fits', async () => {
    const { one, pin } = await pinned();
    const two = await next(f.mallory, one);
    expect(await codeOf(() => verify([two.token], { pin }))).toBe('group_not_admin');
  });

  it('are refused against the pin of another group', async () => {
    const { one, pin } = await pinned();
    const other = { ...pin, group: testDigest('other') };
    expect(await codeOf(() => verify([one.token], { pin: other }))).toBe('group_key_mismatch');
  });
});

describe('the key of a group by a device that is gone', () => {
  /** Alice’s device is gone; her bridge says that it stored this then. */
  const goneSince = (stored: number) => async (deviceId: string) => {
    const signer = await findSigner(deviceId);
    return signer === f.alice ? { ...signer, stored } : signer;
  };
  const verifyGone = (tokens: readonly string[], trust: GroupKeyTrust, stored: number) =>
    verifyGroupKeyChain(tokens, { iss: f.acme.iss, group: f.group }, trust, goneSince(stored));

  it('counts as of when it was stored, first or later', async () => {
    const one = await first();
    expect((await verifyGone([one.token], alice, NOW)).claims.seq).toBe(0);
    const two = await next(f.alice, one);
    expect(
      (await verifyGone([two.token], { pin: groupPinOf(await verify([one.token], alice)) }, NOW + 1)).hash,
    ).toBe(sha256Base64url(two.token));
  });

  it('is not put behind one that another device signed later, however it is dated', async () => {
    const one = await first();
    const two = await next(f.bob, one, { iat: NOW + DAY });
    const dated = await next(f.alice, two, { iat: NOW + 10, label: 'The thief’s' });
    const tokens = [one.token, two.token, dated.token];
    expect(await codeOf(() => verifyGone(tokens, bob, NOW + 10))).toBe('group_key_chain');
    const pin = groupPinOf(await verify([one.token, two.token], alice));
    expect(await codeOf(() => verifyGone([dated.token], { pin }, NOW + 10))).toBe('group_key_chain');
  });

  it('is not one that was signed after it was stored', async () => {
    const late = await first(f.alice, { iat: NOW + DAY });
    expect(await codeOf(() => verifyGone([late.token], alice, NOW))).toBe('group_key_chain');
  });
});
