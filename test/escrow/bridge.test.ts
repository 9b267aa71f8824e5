import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Escrows } from '../../bridge/binding/escrows.ts';
import { deleteDevice } from '../../bridge/directory/devices.ts';
import { findPersonKeys } from '../../bridge/directory/person-keys.ts';
import { restrictPerson } from '../../bridge/directory/persons.ts';
import { ESCROW_OPENINGS_PER_DAY } from '../../bridge/lib/limits.ts';
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import { signEscrow, verifyEscrow } from '../../protocol/escrow/escrow-record.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { transformSealed } from '../../recrypt/sealed-box.ts';
import { expectCode } from '../binding/expect-code.ts';
import { Interruption } from '../binding/interruption.ts';
import { revoke } from '../binding/revoke.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { begin, contextOf, type Enrolled, enrol, newPerson } from '../fakes/client-side.ts';
import { rotatable, rotationsOf, rotationTo } from '../rotation/rotating.ts';
import {
  beginWithEscrow,
  confirmWith,
  enrolWithEscrow,
  escrowOf,
  escrowsOf,
  type RecoveryFaults,
  recoveryBy,
  strangerOf,
} from './escrowing.ts';

const ALICE = 'alice@acme.example';

let parts: BridgeParts;
let alice: string;
let interruption: Interruption;

beforeEach(async () => {
  interruption = new Interruption();
  parts = await bridgeParts({
    policy: { maxDevices: 2 },
    replace: ({ database }) => ({ database: interruption.of(database) }),
  });
  alice = await parts.addPerson({ addresses: [ALICE] });
});

afterEach(() => parts.remove());

describe('an enrolment with an escrow', () => {
  it('says so in the statement, and keeps it sealed by the bridge', async () => {
    const { offer, escrow } = await enrolWithEscrow(parts, alice);
    expect(offer.statement.escrow).toBe('passphrase');
    const row = await parts.database.read((query) => findPersonKeys(query, alice));
    expect(row?.escrow).toBeInstanceOf(Uint8Array);
    expect(new TextDecoder().decode(row?.escrow ?? new Uint8Array())).not.toContain(escrow.token);
  });

  it('is refused without one, when the statement declares it', async () => {
    const enrolling = await beginWithEscrow(parts, alice);
    await expectCode(confirmWith(parts, enrolling, {}), 'escrow_mismatch');
  });

  it('is refused with one that the statement does not declare', async () => {
    const enrolling = await begin(parts, alice);
    const declared = { ...enrolling.offer.statement, escrow: 'passphrase' as const };
    const escrow = await escrowOf(parts, enrolling.person, declared);
    await expectCode(confirmWith(parts, enrolling, { escrow }), 'escrow_mismatch');
  });

  it.each([
    ['of another person', { sub: 'sub-mallory' }],
    ['of another key version', { key_version: 1 }],
    ['of another bridge', { iss: 'https://bridge.globex.example' }],
  ])('is refused with one %s', async (_, changes) => {
    const enrolling = await beginWithEscrow(parts, alice);
    const escrow = await escrowOf(parts, enrolling.person, { ...enrolling.offer.statement, ...changes });
    await expectCode(confirmWith(parts, enrolling, { escrow }), 'escrow_mismatch');
  });

  it('is refused with one that another key vouches for, or that is about another box', async () => {
    const enrolling = await beginWithEscrow(parts, alice);
    const { person, offer } = enrolling;
    const other = { ...person, sig: await generateSigningKey(true) };
    const escrow = await escrowOf(parts, other, offer.statement);
    await expectCode(confirmWith(parts, enrolling, { escrow }), 'escrow_mismatch');
    const [one, two] = [
      await escrowOf(parts, person, offer.statement),
      await escrowOf(parts, person, offer.statement),
    ];
    await expectCode(confirmWith(parts, enrolling, { escrow: { ...one, box: two.box } }), 'escrow_mismatch');
  });

  it('is refused with a box that somebody has transformed, or a recovery key that is none', async () => {
    const enrolling = await beginWithEscrow(parts, alice);
    const { person, offer } = enrolling;
    const honest = await escrowOf(parts, person, offer.statement);
    const claims = await verifyEscrow(honest.token, offer.statement);
    const { engine } = parts;
    const signing = engine.generateSigningKeyPair().privateKey;
    const { publicKey } = engine.generateKeyPair();
    const key = engine.generateTransformKey(engine.generateKeyPair().privateKey, publicKey, signing);
    const box = transformSealed(engine, decodeBase64url(honest.box), key);
    const token = await signEscrow(person.sig, { ...claims, box: sha256Base64url(box) });
    await expectCode(
      confirmWith(parts, enrolling, { escrow: { token, box: encodeBase64url(box) } }),
      'recrypt_input_invalid',
    );
    const noPoint = { ...claims.recovery_key, x: claims.recovery_key.y };
    const badKey = await signEscrow(person.sig, { ...claims, recovery_key: noPoint });
    const escrow = { token: badKey, box: honest.box };
    await expectCode(confirmWith(parts, enrolling, { escrow }), 'recrypt_input_invalid');
  });

  it('is not offered to the organization', async () => {
    const offering = begin(parts, alice, { request: { escrow: 'organization' } });
    await expectCode(offering, 'escrow_unsupported');
  });
});

describe('what was escrowed', () => {
  let escrows: Escrows;
  let enrolled: Awaited<ReturnType<typeof enrolWithEscrow>>;

  beforeEach(async () => {
    escrows = escrowsOf(parts);
    enrolled = await enrolWithEscrow(parts, alice);
  });

  async function open() {
    const { who } = await strangerOf(parts, alice);
    return escrows.open(who, contextOf(who));
  }

  it('is handed to a device that signed in, each time with an event', async () => {
    const { escrow, current } = await open();
    expect(escrow).toEqual(enrolled.escrow);
    expect(current.statement).toEqual(enrolled.offer.statement);
    expect((await parts.eventsSoFar()).at(-1)).toMatchObject({
      ...{ type: 'escrow.opened', outcome: 'success' },
      subject: { sub: alice, address: ALICE },
    });
  });

  it('is handed out a few times a day', async () => {
    for (let times = 0; times < ESCROW_OPENINGS_PER_DAY; times += 1) await open();
    await expectCode(open(), 'rate_limited');
    parts.clock.advance(86_401);
    expect((await open()).escrow).toEqual(enrolled.escrow);
  });

  it('is nobody’s who has escrowed nothing', async () => {
    const bob = await parts.addPerson({ addresses: ['bob@acme.example'] });
    const { who } = await strangerOf(parts, bob);
    await expectCode(escrows.open(who, contextOf(who)), 'escrow_none');
    await enrol(parts, bob);
    await expectCode(escrows.open(who, contextOf(who)), 'escrow_none');
  });

  it('is gone when the person is closed or reset', async () => {
    await revoke(parts, ALICE, 'reset');
    await expectCode(open(), 'escrow_none');
    await parts.database.transaction((tx) => restrictPerson(tx, alice, 'closed'));
    await expectCode(open(), 'person_closed');
  });

  it('is not handed out when the person was restricted meanwhile', async () => {
    interruption.beforeNextTransaction(() =>
      parts.database.transaction((tx) => restrictPerson(tx, alice, 'active')),
    );
    await expectCode(open(), 'conflict');
    expect((await parts.eventsSoFar()).filter(({ type }) => type === 'escrow.opened')).toEqual([]);
  });
});

describe('a device that recovered the keys', () => {
  let escrows: Escrows;
  let enrolled: Enrolled;
  let phone: Awaited<ReturnType<typeof strangerOf>>;

  beforeEach(async () => {
    escrows = escrowsOf(parts);
    enrolled = await enrolWithEscrow(parts, alice);
    phone = await strangerOf(parts, alice);
  });

  async function recover(faults: RecoveryFaults = {}, by = phone) {
    const request = await recoveryBy(parts, enrolled, by, faults);
    return escrows.recover(by.who, request, contextOf(by.who));
  }

  it('is one of the person’s, opens the vault, and leaves an event', async () => {
    const result = await recover();
    expect(result.device_binding).toBe(await parts.credentials.deviceBinding(phone.who.deviceId));
    const who = { ...phone.who, endorsed: true };
    expect((await parts.vaults.open(who, contextOf(who))).statement).toEqual(enrolled.offer.statement);
    const added = (await parts.eventsSoFar()).filter(({ type }) => type === 'device.added').at(-1);
    expect(added).toMatchObject({
      subject: { sub: alice, device: phone.who.deviceId },
      data: { label: 'phone', method: 'passphrase' },
    });
  });

  it('is answered the same when it asks again, and added once', async () => {
    const request = await recoveryBy(parts, enrolled, phone);
    await escrows.recover(phone.who, request, contextOf(phone.who));
    const again = await escrows.recover(phone.who, request, contextOf(phone.who));
    expect(again.credential.binding).not.toBe('');
    const events = await parts.eventsSoFar();
    expect(events.filter(({ data }) => 'method' in data && data.method === 'passphrase')).toHaveLength(1);
  });

  it.each([
    ['under another access token', { proven: { accessTokenHash: sha256Base64url('earlier') } }],
    ['for another statement', { proven: { statementHash: sha256Base64url('earlier') } }],
    ['for another person', { proven: { sub: 'sub-mallory' } }],
    ['at another bridge', { proven: { iss: 'https://bridge.globex.example' } }],
    ['with another request id', { edit: { request_id: 'another' } }],
  ] as const)('is refused with a proof made %s', async (_, faults) => {
    await expectCode(recover(faults), 'recovery_proof');
  });

  it('is refused with a proof by another key, and with a label that is not proven but read by people, taken', async () => {
    await expectCode(recover({ proofSigner: await generateSigningKey(false) }), 'recovery_proof');
    await expectCode(recover({ proofSigner: phone.device.sig }), 'recovery_proof');
    expect((await recover({ edit: { label: 'My phone' } })).device_binding).not.toBe('');
  });

  it('is refused with an endorsement by another key', async () => {
    await expectCode(recover({ endorser: await generateSigningKey(false) }), 'endorsement_mismatch');
  });

  it('is refused with a transform key that leads elsewhere', async () => {
    const { device } = await strangerOf(parts, alice);
    await expectCode(recover({ transformTo: device }), 'transform_key_mismatch');
  });

  it('is refused for another device than the one that asks', async () => {
    const { who } = await strangerOf(parts, alice);
    const request = await recoveryBy(parts, enrolled, phone);
    await expectCode(escrows.recover(who, request, contextOf(who)), 'dpop_invalid');
  });

  it('does not come back with what it was once given, after it was removed', async () => {
    const request = await recoveryBy(parts, enrolled, phone);
    await escrows.recover(phone.who, request, contextOf(phone.who));
    await parts.database.transaction((tx) => deleteDevice(tx, phone.who.deviceId));
    const who = { ...phone.who, accessTokenHash: sha256Base64url('of the next sign-in') };
    await expectCode(escrows.recover(who, request, contextOf(who)), 'recovery_proof');
  });

  it('is refused beyond the limit of devices', async () => {
    await recover();
    await expectCode(recover({}, await strangerOf(parts, alice, 'third')), 'device_limit');
  });

  it('is refused when the keys are another’s by now', async () => {
    interruption.beforeNextTransaction(async () => {
      await revoke(parts, ALICE, 'reset');
    });
    await expectCode(recover(), 'escrow_none');
  });

  it('has nothing to recover where nothing is escrowed', async () => {
    const bob = await parts.addPerson({ addresses: ['bob@acme.example'] });
    enrolled = await enrol(parts, bob);
    await expectCode(recover({}, await strangerOf(parts, bob)), 'escrow_none');
  });
});

describe('a rotation of escrowed keys', () => {
  it('shows the device what to seal the next ones to, and takes them', async () => {
    const enrolled = await enrolWithEscrow(parts, alice);
    const rotations = rotationsOf(parts);
    const { who } = enrolled;
    const start = await rotations.start(who);
    expect(start.escrow).toBe(enrolled.escrow.token);
    const claims = await verifyEscrow(start.escrow ?? '', enrolled.offer.statement);
    const fresh = await newPerson(parts.engine);
    const honest = await rotationTo(parts, rotatable(enrolled), fresh);
    const without = rotations.rotate(who, honest, contextOf(who));
    await expectCode(without, 'escrow_mismatch');
    const stale = { ...honest, escrow: enrolled.escrow };
    await expectCode(rotations.rotate(who, stale, contextOf(who)), 'escrow_mismatch');
    const escrow = await escrowOf(parts, fresh, honest.statement, claims);
    await expectCode(rotations.rotate(who, { ...honest, escrow }, contextOf(who)), 'rotation_proof');
    const proven = await rotationTo(parts, rotatable(enrolled), fresh, { escrow });
    await rotations.rotate(who, proven, contextOf(who));
    const stranger = await strangerOf(parts, alice);
    expect((await escrowsOf(parts).open(stranger.who, contextOf(stranger.who))).escrow).toEqual(escrow);
  });

  it('is shown none where there is none', async () => {
    const { who } = await enrol(parts, alice);
    expect(await rotationsOf(parts).start(who)).not.toHaveProperty('escrow');
  });
});
