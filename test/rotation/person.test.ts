import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTransformKey } from '../../bridge/binding/transform-keys.ts';
import { findDevice } from '../../bridge/directory/devices.ts';
import { findPersonKeys } from '../../bridge/directory/person-keys.ts';
import { findPerson } from '../../bridge/directory/persons.ts';
import { latestStatement } from '../../bridge/directory/statements.ts';
import { createLifecycle } from '../../bridge/lifecycle/lifecycle.ts';
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { verifyCredential } from '../../protocol/credential.ts';
import { verifyDeviceBinding } from '../../protocol/device.ts';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import { statementHash } from '../../protocol/key-statement.ts';
import type { SignatureKey } from '../../protocol/public-key.ts';
import { vaultContext } from '../../protocol/vault.ts';
import { decodeTransformKey, encodeTransformKey, preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import { openSealed, sealTo, transformSealed } from '../../recrypt/sealed-box.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import {
  type ClientDevice,
  contextOf,
  type Enrolled,
  enrol,
  newDevice,
  newPerson,
  sealVault,
  transformKeyTo,
} from '../fakes/client-side.ts';
import { overriding } from '../fakes/overriding.ts';
import { SOON } from '../fakes/soon.ts';
import { withLifetimes } from '../fakes/test-lifetimes.ts';
import { testPolicy } from '../fakes/test-policy.ts';
import {
  addDevice,
  expectCode,
  type Rotatable,
  type RotationFaults,
  rotatable,
  rotate,
  rotationsOf,
  rotationTo,
} from './rotating.ts';

const ALICE = 'alice@acme.example';
const AAD = utf8('minutes of a meeting');

let parts: BridgeParts;
let alice: string;
let enrolled: Enrolled;
let before: Rotatable;

beforeEach(async () => {
  parts = await bridgeParts();
  alice = await parts.addPerson({ name: 'Alice', addresses: [ALICE] });
  enrolled = await enrol(parts, alice);
  before = rotatable(enrolled);
});

afterEach(() => parts.remove());

/** What anybody encrypts to the person. */
function seal(): Promise<Uint8Array> {
  const [pre] = before.statement.keys;
  return sealTo(parts.engine, preFromJwk(parts.engine, pre), utf8('hello'), AAD);
}

/** What the device makes of it after the bridge's transform. */
async function open(device: ClientDevice, sealed: Uint8Array): Promise<string> {
  const row = await parts.database.read((query) => findDevice(query, device.sig.kid));
  if (row === undefined) throw new Error('there is no such device');
  const name = { sub: row.sub, deviceId: row.device_id, keyVersion: row.key_version };
  const key = decodeTransformKey(await openTransformKey(parts.signer, name, row.transform_key));
  const transformed = transformSealed(parts.engine, sealed, key);
  return new TextDecoder().decode(await openSealed(parts.engine, device.pre.privateKey, transformed, AAD, 1));
}

async function credential(pin: { previous?: SignatureKey; leastVersion?: number } = {}) {
  const answer = await parts.credentials.forAddress(ALICE);
  if (answer.status !== 'credential') throw new Error(answer.status);
  return verifyCredential(answer.credential, ALICE, {
    ...{ issuer: parts.issuer, policy: { level: 'logged', maxAge: 86_400 } },
    now: Math.floor(parts.clock.now() / 1000),
    ...pin,
  });
}

async function send(faults: RotationFaults = {}): Promise<unknown> {
  const request = await rotationTo(parts, before, await newPerson(parts.engine), faults);
  return rotationsOf(parts).rotate(before.who, request, contextOf(before.who));
}

const stored = () =>
  parts.database.read(async (query) => ({
    person: await findPerson(query, alice),
    keys: await findPersonKeys(query, alice),
    device: await findDevice(query, enrolled.device.sig.kid),
    statement: await latestStatement(query, ALICE),
  }));

describe('a rotation', () => {
  it('keeps the public key, raises version and key version everywhere, and is answered once it is published', async () => {
    const sealed = await seal();
    const after = await rotate(parts, before);
    expect(after.statement.keys[0]).toEqual(before.statement.keys[0]);
    const { person, keys, device, statement } = await stored();
    expect([person?.key_version, keys?.key_version, device?.key_version]).toEqual([1, 1, 1]);
    expect(statement?.statement).toEqual(after.statement);
    expect((await credential()).statement).toEqual(after.statement);
    expect(await open(enrolled.device, sealed)).toBe('hello');
  });

  it('leaves what devices decrypt as it was, and endorses each of them anew', async () => {
    const phone = await addDevice(parts, before);
    before = { ...before, devices: [enrolled.device, phone.device] };
    const sealed = await seal();
    before = await rotate(parts, before);
    before = await rotate(parts, before);
    expect(await open(phone.device, sealed)).toBe('hello');
    expect(await open(enrolled.device, await seal())).toBe('hello');
    const binding = await parts.credentials.deviceBinding(phone.device.sig.kid);
    const { onlineKeys, statement } = await credential();
    const now = Math.floor(parts.clock.now() / 1000);
    const endorsement = await verifyDeviceBinding(binding ?? '', onlineKeys, statement, now);
    expect(endorsement.key_version).toBe(2);
  });

  it('gives the device the new private halves in the vault', async () => {
    const after = await rotate(parts, before);
    const { vault, statement } = await parts.vaults.open(before.who, contextOf(before.who));
    const content = await openSealed(
      ...[parts.engine, enrolled.device.pre.privateKey, decodeBase64url(vault), vaultContext(statement), 1],
    );
    const { pre } = JSON.parse(new TextDecoder().decode(content));
    expect(pre).toBe(encodeBase64url(after.person.half.privateKey));
  });

  it('is verified under the pin of whoever saw the keys before, and of whoever missed one rotation or more', async () => {
    const pin = { previous: before.statement.keys[1], leastVersion: 0 };
    for (let version = 1; version <= 3; version += 1) {
      before = await rotate(parts, before);
      expect((await credential(pin)).statement.version).toBe(version);
    }
  });

  it('reports itself and the publication of its statement, each once, and shows who did it in the history', async () => {
    await rotate(parts, before);
    await rotationsOf(parts).expire();
    const events = (await parts.eventsSoFar()).filter(({ subject }) => subject.sub === alice);
    const rotated = events.filter(({ type }) => type === 'person.rotated');
    expect(rotated.map(({ data }) => data)).toEqual([{ version: 1, key_version: 1, devices: 1 }]);
    const published = events.filter(({ type }) => type === 'statement.published');
    expect(published.map(({ data }) => data)).toMatchObject([{ version: 0 }, { version: 1 }]);
  });

  it('leaves nothing of the factor, the new half or the new private key in an event', async () => {
    const fresh = await newPerson(parts.engine);
    const request = await rotationTo(parts, before, fresh);
    await rotationsOf(parts).rotate(before.who, request, contextOf(before.who));
    const events = JSON.stringify(await parts.eventsSoFar());
    expect(events).not.toContain(request.factor);
    expect(events).not.toContain(request.client_half_proof);
  });
});

describe('after a rotation, who stole the old private halves', () => {
  it('can no longer enrol a device with them: the endorsement is by a key that counts no more', async () => {
    const thief = { ...before };
    before = await rotate(parts, before);
    await expectCode(addDevice(parts, before, thief), 'endorsement_mismatch');
    const claimed = { person: thief.person, statement: before.statement };
    await expectCode(addDevice(parts, before, claimed), 'endorsement_mismatch');
  });

  it('gets nothing from a transform key that a careless bridge makes of the old half', async () => {
    const { person } = before;
    before = await rotate(parts, before);
    const device = await newDevice(parts.engine);
    const { keys } = await stored();
    if (keys === undefined) throw new Error('there are no keys');
    const { openShare } = await import('../../bridge/binding/transform-keys.ts');
    const share = await openShare(parts.signer, { sub: alice, keyVersion: 1 }, keys.share);
    const made = await transformKeyTo(parts.engine, person, preToJwk(device.pre.publicKey));
    const augmented = parts.engine.augmentTransformKey(decodeTransformKey(made), share);
    const opened = transformSealed(
      ...[parts.engine, await seal(), decodeTransformKey(encodeTransformKey(augmented))],
    );
    await expectCode(
      openSealed(parts.engine, device.pre.privateKey, opened, AAD, 1),
      'recrypt_decrypt_failed',
    );
  });

  it('cannot rotate the keys back, nor on', async () => {
    const thief = { ...before };
    before = await rotate(parts, before);
    const request = await rotationTo(parts, thief, await newPerson(parts.engine));
    const rotations = rotationsOf(parts);
    await expectCode(rotations.rotate(thief.who, request, contextOf(thief.who)), 'conflict');
    const onward = { ...before, person: thief.person };
    const forged = await rotationTo(parts, onward, await newPerson(parts.engine));
    await expectCode(rotations.rotate(before.who, forged, contextOf(before.who)), 'statement_signature');
  });
});

describe('a rotation is refused', () => {
  const old = () => before.person;
  const other = () => newPerson(parts.engine);

  it('with a factor of another half: what is encrypted to the person would be lost', async () => {
    await expectCode(send({ oldHalf: (await other()).half }), 'rotation_factor');
  });

  it('with a factor of zero', async () => {
    const fresh = { ...(await other()), half: old().half };
    const zero = encodeBase64url(new Uint8Array(32));
    const { engine } = parts;
    const request = await rotationTo(
      { ...parts, engine: { ...engine, subtractPrivateKeys: () => new Uint8Array(32) } },
      before,
      fresh,
    );
    expect(request.factor).toBe(zero);
    await expectCode(
      rotationsOf(parts).rotate(before.who, request, contextOf(before.who)),
      'rotation_factor',
    );
  });

  it('without a proof by the new half, by the new signature key, or over the same request', async () => {
    await expectCode(send({ halfSigner: (await other()).half }), 'rotation_proof');
    await expectCode(send({ sigSigner: (await other()).sig }), 'rotation_proof');
    await expectCode(send({ edit: (request) => ({ ...request, request_id: 'another' }) }), 'rotation_proof');
    const vault = await sealVault(parts.engine, await other(), before.statement);
    const swapped = encodeBase64url(vault);
    await expectCode(send({ edit: (request) => ({ ...request, vault: swapped }) }), 'rotation_proof');
  });

  it('with a proof for another bridge, person, device, statement before, or public key', async () => {
    const faults: RotationFaults['context'][] = [
      { iss: 'https://bridge.globex.example' },
      { sub: 'somebody' },
      { deviceId: (await newDevice(parts.engine)).sig.kid },
      { previous: before.statement.prev ?? 'x'.repeat(43) },
      { personKey: preToJwk((await other()).half.publicKey) },
    ];
    for (const context of faults) if (context) await expectCode(send({ context }), 'rotation_proof');
  });

  it('with a statement that the old key, the new key or nobody but they have signed', async () => {
    const stranger = await generateSigningKey(true);
    const fresh = await other();
    const by = async (...signers: (typeof stranger)[]) =>
      rotationsOf(parts).rotate(
        before.who,
        await rotationTo(parts, before, fresh, { statementSigners: signers }),
        contextOf(before.who),
      );
    await expectCode(by(fresh.sig), 'statement_signature');
    await expectCode(by(old().sig), 'statement_signature');
    await expectCode(by(fresh.sig, stranger), 'statement_signature');
    await expectCode(by(fresh.sig, old().sig, stranger), 'statement_signature');
  });

  it('with a statement that changes anything else', async () => {
    const key = preToJwk((await other()).half.publicKey);
    const fresh = await other();
    for (const statement of [
      { keys: [key, fresh.sig.publicKey] as typeof before.statement.keys },
      { assurance: 'bot' as const },
      { address: 'bob@acme.example' },
      { reason: 're-enrolled' as const },
      { status: 'revoked' as const, reason: 'closed' as const },
      { since: before.statement.since - 1 },
      { since: before.statement.since + 3_600 },
    ]) {
      await expectCode(send({ statement }), 'claims_invalid');
    }
  });

  it('with a statement that skips a version, repeats one, or continues another', async () => {
    for (const statement of [
      { version: 2 },
      { version: 0 },
      { key_version: 2 },
      { prev: statementHash({ ...before.statement, since: 1 }) },
    ]) {
      await expectCode(send({ statement }), 'conflict');
    }
  });

  it('with the signature key that there was, or one of a device', async () => {
    const { half, ...fresh } = await other();
    const vault = await sealVault(parts.engine, { half, ...fresh }, before.statement);
    for (const sig of [old().sig, enrolled.device.sig]) {
      const request = await rotationTo(parts, before, { half, sig }, { vault });
      const work = rotationsOf(parts).rotate(before.who, request, contextOf(before.who));
      await expectCode(work, 'key_invalid');
    }
  });

  it('with a vault that was transformed, or is none', async () => {
    await expectCode(send({ vault: utf8('no vault at all') }), 'recrypt_input_invalid');
  });

  it('unless every device is endorsed, each under the key that it has, and no other', async () => {
    const phone = await addDevice(parts, before);
    const stranger = await newDevice(parts.engine);
    const both = [enrolled.device, phone.device];
    await expectCode(send({ endorsed: [enrolled.device] }), 'conflict');
    await expectCode(send({ endorsed: [...both, stranger] }), 'conflict');
    const swapped = { ...phone.device, pre: stranger.pre };
    await expectCode(send({ endorsed: [enrolled.device, swapped] }), 'endorsement_mismatch');
    await expectCode(send({ endorsed: both, endorser: old().sig }), 'endorsement_mismatch');
    await send({ endorsed: both });
  });

  it('by a device that is none of the person’s', async () => {
    const request = await rotationTo(parts, before, await other());
    const stranger = await newDevice(parts.engine);
    const who = { ...before.who, deviceId: stranger.sig.kid };
    await expectCode(rotationsOf(parts).rotate(who, request, contextOf(who)), 'device_not_endorsed');
    const asking = { ...who, endorsed: false };
    await expectCode(rotationsOf(parts).start(asking), 'forbidden');
  });
});

describe('a rotation that is interrupted', () => {
  it('answers the same to the same request, and refuses its id for another', async () => {
    const fresh = await newPerson(parts.engine);
    const request = await rotationTo(parts, before, fresh);
    const rotations = rotationsOf(parts);
    const context = contextOf(before.who);
    await rotations.rotate(before.who, request, context);
    const again = await rotations.rotate(before.who, request, context);
    expect(again.credential).toBeDefined();
    const other = await rotationTo(parts, before, fresh, { requestId: request.request_id });
    await expectCode(rotations.rotate(before.who, other, context), 'request_id_reused');
    const rotated = (await parts.eventsSoFar()).filter(({ type }) => type === 'person.rotated');
    expect(rotated).toHaveLength(1);
  });

  it('leaves the old state whole when its transaction fails at any write', async () => {
    const untouched = await stored();
    for (const fails of ['stage', 'append'] as const) {
      const broken = () => Promise.reject(new Error('the power is gone'));
      const deps = {
        ...parts,
        ...(fails === 'stage' ? { keyLog: overriding(parts.keyLog, { stage: broken }) } : {}),
        ...(fails === 'append' ? { events: overriding(parts.events, { append: broken }) } : {}),
      };
      const request = await rotationTo(parts, before, await newPerson(parts.engine));
      await expect(rotationsOf(deps).rotate(before.who, request, contextOf(before.who))).rejects.toThrow(
        'the power is gone',
      );
      expect(await stored()).toEqual(untouched);
    }
    await rotate(parts, before);
  });

  it('is whole when nobody heard the answer: served, announced and gone on from', async () => {
    const unheard = { ...parts, keyLog: overriding(parts.keyLog, { published: unavailable }) };
    const person = await newPerson(parts.engine);
    const request = await rotationTo(parts, before, person);
    await expectCode(rotationsOf(unheard).rotate(before.who, request, contextOf(before.who)), 'internal');
    await parts.keyLog.published('address', ALICE, 1);
    await rotationsOf(parts).expire();
    const types = (await parts.eventsSoFar()).map(({ type }) => type);
    expect(types.filter((type) => type === 'statement.published')).toHaveLength(2);
    const start = await rotationsOf(parts).start(before.who);
    expect(start.current.statement).toEqual(request.statement);
    await rotate(parts, { ...before, person, statement: request.statement });
  });

  it('is one of two at once', async () => {
    const [one, other] = await Promise.allSettled([send(), send()]);
    const lost = one.status === 'rejected' ? one : other;
    expect([one.status, other.status].sort()).toEqual(['fulfilled', 'rejected']);
    if (lost.status === 'rejected') expect(lost.reason).toMatchObject({ code: 'conflict' });
    expect((await stored()).keys?.key_version).toBe(1);
  });

  const unavailable = async () => {
    const { CountersignError } = await import('../../protocol/errors.ts');
    throw new CountersignError('internal');
  };
});

describe('before its publication', () => {
  it('look-ups go on to answer the keys before, whose public key is the same', async () => {
    const stopped = await bridgeParts();
    try {
      const sub = await stopped.addPerson({ addresses: [ALICE] });
      const person = rotatable(await enrol(stopped, sub));
      await stopped.keyLog.stop();
      const held = {
        ...stopped,
        keyLog: overriding(stopped.keyLog, { published: () => new Promise(() => undefined) }),
      };
      const request = await rotationTo(stopped, person, await newPerson(stopped.engine));
      void rotationsOf(held).rotate(person.who, request, contextOf(person.who));
      await expect
        .poll(async () => {
          const keys = await stopped.database.read((query) => findPersonKeys(query, sub));
          return keys?.key_version;
        }, SOON)
        .toBe(1);
      const answer = await stopped.credentials.forAddress(ALICE);
      expect(answer.status).toBe('credential');
      await expectCode(stopped.vaults.open(person.who, contextOf(person.who)), 'unavailable');
      expect(await stopped.credentials.deviceBinding(person.who.deviceId)).toBeNull();
    } finally {
      await stopped.remove();
    }
  });
});

describe('a rotation is due', () => {
  const due = async (personKeys = 0) => {
    const { createProfiles } = await import('../../bridge/binding/profiles.ts');
    const policy = testPolicy({ change: withLifetimes({ person_keys: personKeys }) });
    return (await createProfiles({ ...parts, policy }).describe(before.who)).rotation_due;
  };

  it('once a device was removed, until the keys are rotated', async () => {
    const phone = await addDevice(parts, before);
    expect(await due()).toBeUndefined();
    const tokens = { revokePerson: async () => 0, revokeDevice: async () => 0 };
    const lifecycle = createLifecycle({ ...parts, decide: parts.policy.decide, tokens });
    await lifecycle.removeOwnDevice(before.who, phone.device.sig.kid, contextOf(before.who));
    expect(await due()).toBe('device_removed');
    before = await rotate(parts, before);
    expect(await due()).toBeUndefined();
  });

  it('once the keys are as old as policy lets them be', async () => {
    expect(await due(3_600)).toBeUndefined();
    parts.clock.advance(3_600);
    expect(await due(3_600)).toBe('scheduled');
    expect(await due(0)).toBeUndefined();
    before = await rotate(parts, before);
    expect(await due(3_600)).toBeUndefined();
  });
});
