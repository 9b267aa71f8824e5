import { beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../protocol/bytes.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import { openSealed, sealTo, transformSealed } from '../../recrypt/sealed-box.ts';
import type { PreKeyPair, TransformEngine, TransformKey } from '../../recrypt/transform-engine.ts';

const vault = utf8('the private halves of a person');
const aad = utf8('person-1/key-version-1');

let engine: TransformEngine;
beforeAll(async () => {
  engine = await loadTransformEngine({ prefer: 'wasm' });
});

describe('a sealed box', () => {
  test('opens for its recipient and gives back what was sealed', async () => {
    const recipient = engine.generateKeyPair();
    for (const content of [vault, new Uint8Array(), new Uint8Array(100_000).fill(7)]) {
      const box = await sealTo(engine, recipient.publicKey, content, aad);
      expect(box).toHaveLength(1 + 578 + 12 + content.length + 16);
      expect(await openSealed(engine, recipient.privateKey, box, aad)).toEqual(content);
    }
  });

  test('does not open with another key or other associated data', async () => {
    const recipient = engine.generateKeyPair();
    const box = await sealTo(engine, recipient.publicKey, vault, aad);
    const failed = { code: 'recrypt_decrypt_failed' };
    const other = engine.generateKeyPair().privateKey;
    await expect(openSealed(engine, other, box, aad)).rejects.toMatchObject(failed);
    await expect(openSealed(engine, recipient.privateKey, box, utf8('person-2'))).rejects.toMatchObject(
      failed,
    );
  });

  test('does not open after any part was changed', async () => {
    const recipient = engine.generateKeyPair();
    const box = await sealTo(engine, recipient.publicKey, vault, aad);
    const parts = {
      ephemeral: 34,
      message: 98,
      authHash: 451,
      signature: 515,
      nonce: 579,
      body: 591,
      tag: -1,
    };
    for (const [part, offset] of Object.entries(parts)) {
      const changed = box.with(offset, (box.at(offset) ?? 0) ^ 1);
      const opened = openSealed(engine, recipient.privateKey, changed, aad);
      await expect(opened, part).rejects.toMatchObject({ code: 'recrypt_decrypt_failed' });
    }
  });

  test('is refused as malformed with another format, count of blocks, or cut short', async () => {
    const recipient = engine.generateKeyPair();
    const box = await sealTo(engine, recipient.publicKey, vault, aad);
    const faults = [
      new Uint8Array(),
      box.with(0, 2),
      box.with(1, 2),
      box.with(2, 1),
      box.with(2, 255),
      box.subarray(0, 579),
      box.subarray(0, 579 + 27),
    ];
    for (const fault of faults) {
      await expect(openSealed(engine, recipient.privateKey, fault, aad)).rejects.toMatchObject({
        code: 'recrypt_input_invalid',
      });
    }
  });

  test('two boxes of the same content have nothing in common', async () => {
    const recipient = engine.generateKeyPair();
    const first = await sealTo(engine, recipient.publicKey, vault, aad);
    const second = await sealTo(engine, recipient.publicKey, vault, aad);
    expect(first.slice(579)).not.toEqual(second.slice(579));
    expect(first.slice(3, 67)).not.toEqual(second.slice(3, 67));
  });

  test('opens only after exactly the hops that the opener expects', async () => {
    const { person, device, transformKey } = enrol();
    const box = await sealTo(engine, person, vault, aad);
    const moved = transformSealed(engine, box, transformKey);
    expect(await openSealed(engine, device.privateKey, moved, aad, 1)).toEqual(vault);
    for (const hops of [0, 2]) {
      await expect(openSealed(engine, device.privateKey, moved, aad, hops)).rejects.toMatchObject({
        code: 'recrypt_input_invalid',
      });
    }
  });
});

describe('a vault sealed to a person’s augmented key', () => {
  test('opens on a device through its transform, and with neither half of the key', async () => {
    const { person, user, share, device, transformKey } = enrol();
    const box = await sealTo(engine, person, vault, aad);
    expect(
      await openSealed(engine, device.privateKey, transformSealed(engine, box, transformKey), aad),
    ).toEqual(vault);
    for (const half of [user, share, device]) {
      await expect(openSealed(engine, half.privateKey, box, aad)).rejects.toMatchObject({
        code: 'recrypt_decrypt_failed',
      });
    }
  });

  test('after a rotation opens through the old transform key and a new one, not with the stolen old u', async () => {
    const { person, user, share, device, transformKey } = enrol();
    const box = await sealTo(engine, person, vault, aad);

    const newUser = engine.generateKeyPair();
    const factor = engine.subtractPrivateKeys(user.privateKey, newUser.privateKey);
    const newShare = engine.addPrivateKeys(share.privateKey, factor);
    expect(engine.augmentPublicKey(newUser.publicKey, engine.computePublicKey(newShare))).toEqual(person);

    const moved = transformSealed(engine, box, transformKey);
    expect(await openSealed(engine, device.privateKey, moved, aad)).toEqual(vault);

    const added = engine.generateKeyPair();
    const fromNew = transformKeyFor(newUser, newShare, added);
    const movedToAdded = transformSealed(engine, box, fromNew);
    expect(await openSealed(engine, added.privateKey, movedToAdded, aad)).toEqual(vault);

    const thief = engine.generateKeyPair();
    const fromStolen = transformKeyFor(user, newShare, thief);
    const movedToThief = transformSealed(engine, box, fromStolen);
    await expect(openSealed(engine, thief.privateKey, movedToThief, aad)).rejects.toMatchObject({
      code: 'recrypt_decrypt_failed',
    });
  });

  test('a transform leaves the sealed content and the input as they were', async () => {
    const { person, transformKey } = enrol();
    const box = await sealTo(engine, person, vault, aad);
    const before = box.slice();
    const moved = transformSealed(engine, box, transformKey);
    expect(box).toEqual(before);
    expect(moved.slice(1 + 1474)).toEqual(box.slice(1 + 578));
  });
});

function enrol() {
  const user = engine.generateKeyPair();
  const share = engine.generateKeyPair();
  const device = engine.generateKeyPair();
  const person = engine.augmentPublicKey(user.publicKey, share.publicKey);
  return { user, share, device, person, transformKey: transformKeyFor(user, share.privateKey, device) };
}

/** What the person's client makes from its half and the bridge augments with its share. */
function transformKeyFor(user: PreKeyPair, share: Uint8Array, device: PreKeyPair): TransformKey {
  const signing = engine.generateSigningKeyPair().privateKey;
  const half = engine.generateTransformKey(user.privateKey, device.publicKey, signing);
  return engine.augmentTransformKey(half, share);
}
