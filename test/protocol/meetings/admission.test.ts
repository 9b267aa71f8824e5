import { beforeAll, describe, expect, it } from 'vitest';
import type { SigningKey } from '../../../protocol/ed25519.ts';
import { sha256Base64url } from '../../../protocol/hash.ts';
import { signJws } from '../../../protocol/jws.ts';
import {
  type AdmissionClaims,
  assertAdmissionFollows,
  signAdmission,
  verifyAdmission,
} from '../../../protocol/meetings/admission.ts';
import { verifyRekey } from '../../../protocol/meetings/rekey-message.ts';
import { codeOf } from '../codes.ts';
import { NOW, testDigest, testKey } from '../company.ts';
import { ADMISSION_CLAIMS as CLAIMS } from '../signed-objects/meeting-objects.ts';
import { GROUP, HOME, Hosting, makeGuests, memberFor } from './meeting.ts';
import { PINNED_ADMISSION, PINNED_ADMITTED_REKEY } from './pinned-admission.ts';

let device: SigningKey;
let sender: { iss: string; sub: string; key: SigningKey['publicKey'] };
beforeAll(async () => {
  device = await testKey('device alice laptop');
  sender = { iss: HOME, sub: 'sub-alice', key: device.publicKey };
});

const signed = (changes: Partial<AdmissionClaims> = {}, by = device) =>
  signAdmission(by, { ...CLAIMS, ...changes });
const placeOf = (token: string) => ({ group: GROUP, term: 1, admission: sha256Base64url(token) });
const verified = async (token: string) => verifyAdmission(token, sender, placeOf(token));

describe('an admission statement', () => {
  it('is what the pinned bytes are, and is taken where the message names it', async () => {
    expect(await signed()).toBe(PINNED_ADMISSION);
    expect(await verified(PINNED_ADMISSION)).toEqual({
      claims: CLAIMS,
      hash: sha256Base64url(PINNED_ADMISSION),
    });
  });

  it('is refused where the message names another one', async () => {
    const other = placeOf(await signed({ version: 2, prev: sha256Base64url(PINNED_ADMISSION) }));
    expect(await codeOf(() => verifyAdmission(PINNED_ADMISSION, sender, other))).toBe('admission_withheld');
  });

  it.each<[string, Partial<AdmissionClaims>]>([
    ['of another group', { group: testDigest('another group') }],
    ['of another term', { term: 2 }],
    ['in the name of another person', { sub: 'sub-carol' }],
    ['in the name of another company', { iss: 'https://bridge.globex.example' }],
    ['that is the first and names one before it', { prev: testDigest('before') }],
    ['that is a later one and names none before it', { version: 2 }],
  ])('is refused %s', async (_what, changes) => {
    expect(await codeOf(async () => verified(await signed(changes)))).toBe('admission_invalid');
  });

  it('is refused by another device, with another signature, and with members that nobody knows', async () => {
    const another = await testKey('device carol laptop');
    expect(await codeOf(async () => verified(await signed({}, another)))).toBe('admission_invalid');
    const [header, payload, signature = ''] = PINNED_ADMISSION.split('.');
    const forged = `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    expect(await codeOf(() => verified(forged))).toBe('jws_signature');
    const wider = { ...CLAIMS, policy: { ...CLAIMS.policy, countries: ['ch'] } };
    const token = await signJws(device, 'meeting-admission+jwt', JSON.parse(JSON.stringify(wider)));
    expect(await codeOf(() => verified(token))).toBe('admission_invalid');
    const asRekey = await signJws(device, 'meeting-rekey+jwt', JSON.parse(JSON.stringify(CLAIMS)));
    expect(await codeOf(() => verified(asRekey))).toBe('jws_type');
  });

  it('follows the one before: no older one, and the next names it', async () => {
    const first = await verified(PINNED_ADMISSION);
    const next = await verified(await signed({ version: 2, prev: first.hash }));
    const fork = await verified(await signed({ version: 2, prev: testDigest('another') }));
    const later = await verified(await signed({ version: 5, prev: testDigest('not seen') }));
    const follows = (statement: typeof first, before: typeof first) =>
      codeOf(async () => assertAdmissionFollows(statement, before));
    expect(() => assertAdmissionFollows(next, first)).not.toThrow();
    expect(() => assertAdmissionFollows(later, next)).not.toThrow();
    expect(await follows(fork, first)).toBe('admission_invalid');
    expect(await follows(first, next)).toBe('admission_invalid');
    expect(await follows(next, next)).toBe('admission_invalid');
  });
});

describe('a rekey message under an admission policy', () => {
  const key = new Uint8Array(32).fill(7);

  it('names it, has nothing sealed to the group, and is what the pinned bytes are but for randomness', async () => {
    const { claims } = await verifyRekey(PINNED_ADMITTED_REKEY, sender);
    expect(claims).toMatchObject({
      v: 2,
      key_id: null,
      commitment: null,
      admission: sha256Base64url(PINNED_ADMISSION),
    });
    const hosting = await Hosting.begin();
    const secret = { key, admission: sha256Base64url(PINNED_ADMISSION) };
    const { claims: made } = await hosting.host.prepare({ joined: [], left: [] }, secret, NOW);
    expect({ ...made, challenge: claims.challenge }).toEqual(claims);
  });

  it('is followed by those with a place; one without, after it, is refused even after a gap', async () => {
    const hosting = await Hosting.begin();
    const [guest] = await makeGuests(1);
    if (guest === undefined) throw new Error('nobody');
    const admission = sha256Base64url(PINNED_ADMISSION);
    const prepared = await hosting.host.prepare(
      { joined: [guest.newcomer], left: [] },
      { key, admission },
      NOW,
    );
    hosting.host.commit(prepared);
    const member = memberFor(guest);
    const message = await verifyRekey(prepared.token, hosting.sender);
    expect(await member.receive(message)).toMatchObject({ keyId: null, commitment: null });
    expect((await member.place(prepared.hash, prepared.placements[0]?.box ?? ''))?.key).toEqual(key);
    const dropped = await hosting.send();
    expect(await codeOf(() => member.receive(dropped.message))).toBe('rekey_mismatch');
    await member.restart();
    expect(await codeOf(() => member.receive(dropped.message))).toBe('rekey_mismatch');
  });

  it('is refused without the name of a policy, or with a sealed key beside it', async () => {
    const { claims } = await verifyRekey(PINNED_ADMITTED_REKEY, sender);
    const refusal = async (changes: object) => {
      const token = await signJws(
        device,
        'meeting-rekey+jwt',
        JSON.parse(JSON.stringify({ ...claims, ...changes })),
      );
      return codeOf(() => verifyRekey(token, sender));
    };
    expect(await refusal({ admission: undefined })).toBe('claims_invalid');
    expect(await refusal({ admission: null })).toBe('claims_invalid');
    expect(await refusal({ key_id: 'key', commitment: testDigest('commitment') })).toBe('claims_invalid');
    expect(await refusal({ v: 1 })).toBe('claims_invalid');
    expect(await refusal({ v: 3 })).toBe('claims_invalid');
  });
});
