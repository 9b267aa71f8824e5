import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTransforms } from '../../bridge/transforms/transform-pool.ts';
import type { TransformJob, Transforms } from '../../bridge/transforms/transforms.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { isCountersignError } from '../../protocol/errors.ts';
import { decodeEncryptedValue, encodeEncryptedValue, encodeTransformKey } from '../../recrypt/encoding.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import { openSealed, sealTo } from '../../recrypt/sealed-box.ts';
import type { PreKeyPair, TransformEngine } from '../../recrypt/transform-engine.ts';

let engine: TransformEngine;
let pool: Transforms;

beforeAll(async () => {
  engine = await loadTransformEngine({ prefer: 'wasm' });
  pool = createTransforms({ workers: 2, queue: 100, engine: 'wasm' });
});

afterAll(() => pool.stop());

const keyTo = (from: PreKeyPair, to: PreKeyPair) =>
  encodeTransformKey(
    engine.generateTransformKey(from.privateKey, to.publicKey, engine.generateSigningKeyPair().privateKey),
  );

function encryptedTo(recipient: PreKeyPair) {
  const plaintext = engine.generatePlaintext();
  const signing = engine.generateSigningKeyPair().privateKey;
  return {
    plaintext,
    encrypted: encodeEncryptedValue(engine.encrypt(plaintext, recipient.publicKey, signing)),
  };
}

function run(job: Pick<TransformJob, 'encrypted' | 'keys'> & Partial<TransformJob>): Promise<Uint8Array> {
  return pool.run({ maxBlocks: 0, priority: 'join', turn: ['company', 'meeting', 'person'], ...job });
}

async function codeOf(running: Promise<unknown>): Promise<string> {
  return running.then(
    () => 'done',
    (error: unknown) => (isCountersignError(error) ? error.code : String(error)),
  );
}

describe('a job in a thread', () => {
  it('takes a ciphertext over three hops at once', async () => {
    const [group, durable, user, device] = [1, 2, 3, 4].map(() => engine.generateKeyPair());
    if (!group || !durable || !user || !device) throw new Error('no keys');
    const { plaintext, encrypted } = encryptedTo(group);
    const keys = [keyTo(group, durable), keyTo(durable, user), keyTo(user, device)];
    const transformed = decodeEncryptedValue(await run({ encrypted, keys }), { maxBlocks: 3 });
    expect(transformed.transformBlocks).toHaveLength(3);
    expect(engine.decrypt(transformed, device.privateKey)).toEqual(plaintext);
  });

  it('takes a sealed box too', async () => {
    const [user, device] = [engine.generateKeyPair(), engine.generateKeyPair()];
    const box = await sealTo(engine, user.publicKey, utf8('a vault'), utf8('alice'));
    const moved = await run({ encrypted: box, box: true, keys: [keyTo(user, device)] });
    expect(await openSealed(engine, device.privateKey, moved, utf8('alice'), 1)).toEqual(utf8('a vault'));
    expect(await codeOf(run({ encrypted: moved, box: true, keys: [keyTo(user, device)] }))).toBe(
      'recrypt_input_invalid',
    );
  });

  it('refuses any other number of transforms than it was told', async () => {
    const [group, user, device] = [1, 2, 3].map(() => engine.generateKeyPair());
    if (!group || !user || !device) throw new Error('no keys');
    const { encrypted } = encryptedTo(group);
    const once = await run({ encrypted, keys: [keyTo(group, user)] });
    const more = { encrypted: once, keys: [keyTo(user, device)], maxBlocks: 2 };
    expect(await codeOf(run({ ...more, exactBlocks: 0 }))).toBe('recrypt_input_invalid');
    expect(await codeOf(run({ ...more, keys: [keyTo(user, device)], exactBlocks: 2 }))).toBe(
      'recrypt_input_invalid',
    );
    expect(await codeOf(run({ ...more, keys: [keyTo(user, device)], exactBlocks: 1 }))).toBe('done');
  });

  it('refuses what is malformed, and the thread goes on', async () => {
    const [user, device] = [engine.generateKeyPair(), engine.generateKeyPair()];
    const { encrypted } = encryptedTo(user);
    const bad = Uint8Array.from(encrypted, (byte, index) => (index === 40 ? byte ^ 1 : byte));
    expect(await codeOf(run({ encrypted: bad, keys: [keyTo(user, device)] }))).toBe('recrypt_input_invalid');
    expect(await codeOf(run({ encrypted, keys: [Uint8Array.of(1)] }))).toBe('recrypt_input_invalid');
    expect(await codeOf(run({ encrypted, keys: [keyTo(user, device)] }))).toBe('done');
  });

  it('leaves the event loop free: it turns on and on while the threads work', async () => {
    const [user, device] = [engine.generateKeyPair(), engine.generateKeyPair()];
    const { encrypted } = encryptedTo(user);
    const key = keyTo(user, device);
    let turns = 0;
    let working = true;
    const turn = () => {
      turns += 1;
      if (working) setImmediate(turn);
    };
    turn();
    await Promise.all(Array.from({ length: 24 }, () => run({ encrypted, keys: [Uint8Array.from(key)] })));
    working = false;
    // One for each, if they were done in it.
    expect(turns).toBeGreaterThan(24 * 10);
  });
});
