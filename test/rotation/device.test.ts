import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createVaults } from '../../bridge/binding/vaults.ts';
import { findDevice } from '../../bridge/directory/devices.ts';
import { createFileKeyStore } from '../../client/index.ts';
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { verifyDeviceBinding } from '../../protocol/device.ts';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import type { DeviceRotationRequest } from '../../protocol/rotation.ts';
import { vaultContext } from '../../protocol/vault.ts';
import { preToJwk } from '../../recrypt/encoding.ts';
import { openSealed } from '../../recrypt/sealed-box.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { type ClientDevice, contextOf, enrol, newDevice, newPerson } from '../fakes/client-side.ts';
import {
  deviceRotationOf,
  deviceRotationTo,
  expectCode,
  type Rotatable,
  rotatable,
  rotate,
} from './rotating.ts';

let parts: BridgeParts;
let alice: Rotatable;
let device: ClientDevice;
/** The same device with its next key. */
let next: ClientDevice;

beforeEach(async () => {
  parts = await bridgeParts();
  const enrolled = await enrol(parts, await parts.addPerson({ addresses: ['alice@acme.example'] }));
  alice = rotatable(enrolled);
  device = enrolled.device;
  next = { ...device, pre: parts.engine.generateKeyPair() };
});

afterEach(() => parts.remove());

const send = (request: DeviceRotationRequest, who = alice.who) =>
  deviceRotationOf(parts)(who, request, contextOf(who));

async function vaultOpensWith({ pre }: ClientDevice): Promise<void> {
  const { vault, statement } = await parts.vaults.open(alice.who, contextOf(alice.who));
  const context = vaultContext(statement);
  await openSealed(parts.engine, pre.privateKey, decodeBase64url(vault), context, 1);
}

describe('a device that rotates its key', () => {
  it('is transformed for with the new key alone, and keeps its id', async () => {
    await vaultOpensWith(device);
    const { device_binding } = await send(await deviceRotationTo(parts, alice, next));
    await expectCode(vaultOpensWith(device), 'recrypt_decrypt_failed');
    await vaultOpensWith(next);
    const keys = parts.signer.onlineKeys();
    const now = Math.floor(parts.clock.now() / 1000);
    const endorsement = await verifyDeviceBinding(device_binding, keys, alice.statement, now);
    expect(endorsement.device_id).toBe(device.sig.kid);
    expect(thumbprint(endorsement.keys[0])).toBe(thumbprint(preToJwk(next.pre.publicKey)));
  });

  it('leaves nothing of the transform key to the old one in the store', async () => {
    const row = () => parts.database.read((query) => findDevice(query, device.sig.kid));
    const before = await row();
    await send(await deviceRotationTo(parts, alice, next));
    const after = await row();
    expect(after?.transform_key).not.toEqual(before?.transform_key);
    expect(after?.generation).toBe((before?.generation ?? 0) + 1);
    expect(after?.keys[1]).toEqual(before?.keys[1]);
  });

  it('is answered the same when it asks again, and reported once', async () => {
    const request = await deviceRotationTo(parts, alice, next);
    await send(request);
    await send(request);
    const rotated = (await parts.eventsSoFar()).filter(({ type }) => type === 'device.rotated');
    expect(rotated).toHaveLength(1);
    expect(rotated[0]).toMatchObject({ subject: { device: device.sig.kid }, data: { label: device.label } });
  });

  it('is not given what was transformed for the old key while it rotated', async () => {
    const { engine, transforms } = parts;
    let resume = (): void => undefined;
    let transformed = (): void => undefined;
    const resumed = new Promise<void>((resolve) => {
      resume = resolve;
    });
    const done = new Promise<void>((resolve) => {
      transformed = resolve;
    });
    const paused: typeof transforms = {
      ...transforms,
      run: async (job) => {
        const result = await transforms.run(job);
        transformed();
        await resumed;
        return result;
      },
    };
    const opening = createVaults({ ...parts, engine, transforms: paused }).open(
      alice.who,
      contextOf(alice.who),
    );
    await done;
    await send(await deviceRotationTo(parts, alice, next));
    resume();
    await expectCode(opening, 'conflict');
  });

  it('goes on over rotations of its person', async () => {
    await send(await deviceRotationTo(parts, alice, next));
    alice = await rotate(parts, { ...alice, devices: [next] });
    await vaultOpensWith(next);
    const third = { ...next, pre: parts.engine.generateKeyPair() };
    await send(await deviceRotationTo(parts, alice, third));
    await vaultOpensWith(third);
  });
});

describe('a rotation of a device is refused', () => {
  it('without a proof by the new key, or with one of another device', async () => {
    const another = parts.engine.generateKeyPair();
    await expectCode(
      deviceRotationTo(parts, alice, next, { halfSigner: another }).then((r) => send(r)),
      'rotation_proof',
    );
    await expectCode(
      deviceRotationTo(parts, alice, next, { halfSigner: device.pre }).then((r) => send(r)),
      'rotation_proof',
    );
    await expectCode(
      deviceRotationTo(parts, alice, next, { deviceId: 'x' }).then((r) => send(r)),
      'rotation_proof',
    );
  });

  it('with an endorsement by another key, by the keys before a rotation, or for another device', async () => {
    const endorser = await generateSigningKey(true);
    await expectCode(
      deviceRotationTo(parts, alice, next, { endorser }).then((r) => send(r)),
      'endorsement_mismatch',
    );
    const stranger = { ...(await newDevice(parts.engine)), pre: next.pre };
    await expectCode(
      deviceRotationTo(parts, alice, stranger).then((r) => send(r)),
      'endorsement_mismatch',
    );
    const stolen = alice;
    alice = await rotate(parts, alice);
    await expectCode(
      deviceRotationTo(parts, stolen, next).then((r) => send(r)),
      'endorsement_mismatch',
    );
  });

  it('with a transform key to another key, or by another person', async () => {
    const transformTo = parts.engine.generateKeyPair();
    await expectCode(
      deviceRotationTo(parts, alice, next, { transformTo }).then((r) => send(r)),
      'transform_key_mismatch',
    );
    const { sig } = await newPerson(parts.engine);
    const forged = { ...alice, person: { ...alice.person, sig } };
    const request = await deviceRotationTo(parts, forged, next, { endorser: alice.person.sig });
    await expectCode(send(request), 'transform_key_mismatch');
  });

  it('with the person’s own key', async () => {
    const [device_key] = alice.statement.keys;
    const request = await deviceRotationTo(parts, alice, next);
    await expectCode(send({ ...request, device_key }), 'key_invalid');
  });

  it('by whoever is no device of the person', async () => {
    const request = await deviceRotationTo(parts, alice, next);
    const stranger = { ...alice.who, deviceId: (await newDevice(parts.engine)).sig.kid };
    await expectCode(send(request, stranger), 'device_not_endorsed');
    await expectCode(send(request, { ...stranger, endorsed: false }), 'forbidden');
  });

  it('of two at once, one', async () => {
    const other = { ...device, pre: parts.engine.generateKeyPair() };
    const both = await Promise.all([
      deviceRotationTo(parts, alice, next),
      deviceRotationTo(parts, alice, other),
    ]);
    const results = await Promise.allSettled(both.map((request) => send(request)));
    const lost = results.filter(({ status }) => status === 'rejected');
    expect(lost.map((result) => (result.status === 'rejected' ? result.reason.code : ''))).toEqual([
      'conflict',
    ]);
  });
});

it('a device’s next key rests in its file beside the one in use', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  try {
    const store = createFileKeyStore(join(folder, 'device.json'));
    const secrets = {
      ...{ issuer: 'https://bridge.acme.example', sig: await generateSigningKey(true), tokens: null },
      ...{ pre: device.pre.privateKey, next: next.pre.privateKey },
    };
    await store.save(secrets);
    const loaded = await store.load();
    expect(encodeBase64url(loaded?.next ?? new Uint8Array())).toBe(encodeBase64url(secrets.next));
    const { next: _taken, ...rest } = secrets;
    await store.save(rest);
    expect((await store.load())?.next).toBeUndefined();
  } finally {
    await rm(folder, { recursive: true });
  }
});
