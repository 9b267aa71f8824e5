import { beforeAll, describe, expect, it } from 'vitest';
import { encodeBase64url } from '../../../protocol/base64url.ts';
import type { Json } from '../../../protocol/canonical-json.ts';
import { signJws } from '../../../protocol/jws.ts';
import {
  REKEY_DEPARTURES,
  REKEY_JOINS,
  REKEY_LENGTH,
  REKEY_WRAPS,
  TREE_LEVELS,
} from '../../../protocol/meetings/limits.ts';
import {
  claimedRekey,
  type Rekey,
  rekeyToken,
  signRekey,
  verifyRekey,
} from '../../../protocol/meetings/rekey-message.ts';
import { WRAP_BYTES } from '../../../protocol/meetings/wrap-list.ts';
import { codeOf } from '../codes.ts';
import { NOW, testDigest } from '../company.ts';
import { GLOBEX, Hosting, makeGuests, type Sent } from './meeting.ts';

let hosting: Hosting;
let sent: Sent;

beforeAll(async () => {
  hosting = await Hosting.begin();
  await hosting.send();
  sent = await hosting.send({ joined: (await makeGuests(3)).map(({ newcomer }) => newcomer) });
});

const signed = (changes: Partial<Rekey>) =>
  signRekey(hosting.device, { ...sent.claims, ...changes } as Rekey);
const refusal = async (changes: Partial<Rekey>) => {
  const token = await signed(changes);
  return codeOf(() => verifyRekey(token, hosting.sender));
};

describe('a rekey message', () => {
  it('is taken from the device of the person whom it names', async () => {
    const { claims, hash, device } = await verifyRekey(sent.token, hosting.sender);
    expect([claims, hash, device]).toEqual([sent.claims, sent.hash, hosting.device.kid]);
  });

  it('is refused from another device, under another person, and with another type', async () => {
    const carol = await Hosting.begin('carol');
    const sender = { ...hosting.sender, sub: 'sub-carol' };
    expect(await codeOf(() => verifyRekey(sent.token, carol.sender))).toBe('rekey_sender');
    expect(await codeOf(() => verifyRekey(sent.token, sender))).toBe('rekey_sender');
    const elsewhere = { ...hosting.sender, iss: GLOBEX };
    expect(await codeOf(() => verifyRekey(sent.token, elsewhere))).toBe('rekey_sender');
    const presence = await signJws(hosting.device, 'presence+jwt', sent.claims as unknown as Json);
    expect(await codeOf(() => verifyRekey(presence, hosting.sender))).toBe('jws_type');
    expect(await codeOf(() => claimedRekey(presence))).toBe('jws_type');
  });

  it('is refused with another text under the same signature', async () => {
    const other = (await signed({ commitment: testDigest('other') })).split('.');
    const mixed = [...other.slice(0, 2), sent.token.split('.')[2]].join('.');
    expect(await codeOf(() => verifyRekey(mixed, hosting.sender))).toBe('jws_signature');
  });

  it.each<[string, Partial<Rekey>]>([
    ['with a term or an epoch that is none', { term: 0 }],
    ['with an epoch beyond 32 bits', { epoch: 2 ** 32 }],
    ['of no message before it, but not the first', { prev: null }],
    ['the first, but of a message before it', { epoch: 1 }],
    ['the first, but of a later term', { epoch: 1, term: 2, prev: null }],
    ['of a tree that is too high', { levels: TREE_LEVELS + 1 }],
    ['with a challenge that could be guessed', { challenge: 'short' }],
    ['that frees a leaf outside the tree', { change: { joined: [], left: [4] } }],
    ['that frees a leaf twice', { change: { joined: [], left: [0, 0] } }],
    ['with an epoch’s key that is too long', { epoch_key: encodeBase64url(new Uint8Array(49)) }],
    [
      'that frees too many',
      { change: { joined: [], left: Array.from({ length: REKEY_DEPARTURES + 1 }, () => 0) } },
    ],
    ['with too many wraps', { wraps: encodeBase64url(new Uint8Array((REKEY_WRAPS + 1) * WRAP_BYTES)) }],
  ])('is refused %s', async (_, changes) => {
    expect(await refusal(changes)).toBe('claims_invalid');
  });

  it('is refused with a newcomer outside the tree, on a leaf of another, or twice', async () => {
    const { joined } = sent.claims.change;
    const [one, two] = joined;
    if (one === undefined || two === undefined) throw new Error('unreachable');
    const lists = [
      [{ ...one, leaf: 4 }],
      [one, { ...two, leaf: one.leaf }],
      [one, { ...two, device_id: one.device_id }],
      Array.from({ length: REKEY_JOINS + 1 }, (_, leaf) => ({
        ...one,
        leaf,
        device_id: testDigest(`${leaf}`),
      })),
    ];
    for (const list of lists) {
      expect(
        await refusal({
          levels: 9,
          change: { joined: list, left: [] },
          ...(list.length === 1 ? { levels: 2 } : {}),
        }),
      ).toBe('claims_invalid');
    }
  });

  it('is refused with a member that version 1 does not have', async () => {
    const token = await signJws(hosting.device, 'meeting-rekey+jwt', {
      ...sent.claims,
      more: 1,
    } as unknown as Json);
    expect(await codeOf(() => verifyRekey(token, hosting.sender))).toBe('claims_invalid');
  });

  it('is refused before it is parsed when it is too long', async () => {
    const long = `${sent.token}${'A'.repeat(REKEY_LENGTH)}`;
    expect(await codeOf(() => verifyRekey(long, hosting.sender))).toBe('claims_invalid');
    expect(await codeOf(() => claimedRekey(long))).toBe('claims_invalid');
    expect(rekeyToken.safeParse(long).success).toBe(false);
  });

  it('has room for every bound at once', async () => {
    const joined = Array.from({ length: REKEY_JOINS }, (_, leaf) => ({
      leaf: 2 ** TREE_LEVELS - 1 - leaf,
      iss: `https://${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(55)}.example`,
      sub: 's'.repeat(64),
      device_id: testDigest(`device ${leaf}`),
      placement: testDigest(`box ${leaf}`),
    }));
    const token = await signed({
      change: { joined, left: joined.map(({ leaf }) => leaf) },
      levels: TREE_LEVELS,
      wraps: encodeBase64url(new Uint8Array(REKEY_WRAPS * WRAP_BYTES)),
      iat: NOW,
    });
    expect((await verifyRekey(token, hosting.sender)).claims.levels).toBe(TREE_LEVELS);
    expect(token.length).toBeLessThan(REKEY_LENGTH);
    expect(rekeyToken.safeParse(token).success).toBe(true);
  });
});
