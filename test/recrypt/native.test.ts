import { describe, expect, test } from 'vitest';
import { type LoadOptions, loadNativeEngine, loadTransformEngine } from '../../recrypt/load-node.ts';
import type { NativeModule } from '../../recrypt/native-engine.ts';
import { transformEngineContract } from '../contract/transform-engine.ts';
import { bufferModule, packaged } from './buffer-module.ts';

const real = await loadTransformEngine({ prefer: 'wasm' });

transformEngineContract('native', installedAddon());

transformEngineContract('native (over a module that takes and gives Buffers)', async () =>
  loadNativeEngine(packaged(bufferModule(real))),
);

describe('choosing an engine', () => {
  test('the native addon is taken when it gives the pinned answers', async () => {
    const engine = await loadTransformEngine({ requireNative: packaged(bufferModule(real)) });
    expect([engine.name, engine.version]).toEqual(['native', '0.0.0-test']);
  });

  test('it is left alone when WebAssembly is preferred', async () => {
    const requireNative = () => {
      throw new Error('must not be asked for');
    };
    expect((await loadTransformEngine({ prefer: 'wasm', requireNative })).name).toBe('wasm');
  });

  const honest = bufferModule(real);
  const faults: Record<string, [unknown, RegExp]> = {
    'adds points wrongly': [
      { ...honest, augmentPublicKey256: (left: unknown) => left } satisfies Record<
        keyof NativeModule,
        unknown
      >,
      /augmented public key/,
    ],
    'augments transform keys by nothing': [
      { ...honest, augmentTransformKey256: (key: unknown) => key },
      /augmented transform key/,
    ],
    'takes every signature': [withApi({ schnorrVerify: () => true }), /Schnorr/],
    'decrypts to something else': [
      withApi({ decrypt: () => Buffer.alloc(384) }),
      /decryption after 0, 1 and 2 transforms/,
    ],
    'crashes in a call': [
      withApi({
        deriveSymmetricKey: () => {
          throw new Error('internal error in Neon module');
        },
      }),
      /symmetric key/,
    ],
    'lacks a function': [{ ...honest, addPrivateKeys: undefined }, /lacks functions/],
    'exports nothing': [undefined, /lacks functions/],
  };
  test.each(Object.entries(faults))('WebAssembly is taken when the addon %s', async (_, [module, reason]) => {
    const reasons: unknown[] = [];
    const options: LoadOptions = {
      requireNative: packaged(module),
      onFallback: (why) => void reasons.push(why),
    };
    expect((await loadTransformEngine(options)).name).toBe('wasm');
    expect(reasons).toEqual([
      expect.objectContaining({ code: 'recrypt_unavailable', message: expect.stringMatching(reason) }),
    ]);
  });

  test('WebAssembly is taken, with the reason, when the addon is not installed', async () => {
    const reasons: unknown[] = [];
    const requireNative = () => {
      throw new Error('Cannot find module');
    };
    const engine = await loadTransformEngine({ requireNative, onFallback: (why) => void reasons.push(why) });
    expect(engine.name).toBe('wasm');
    expect(reasons).toMatchObject([
      { code: 'recrypt_unavailable', cause: { message: 'Cannot find module' } },
    ]);
  });
});

/** The honest module with some methods of its API replaced. */
function withApi(methods: Record<string, () => unknown>): unknown {
  const module = bufferModule(real);
  class Api256 {
    constructor() {
      Object.assign(this, new module.Api256(), methods);
    }
  }
  return { ...module, Api256 };
}

function installedAddon(): Parameters<typeof transformEngineContract>[1] {
  try {
    const engine = loadNativeEngine();
    return async () => engine;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { skip: cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause) };
  }
}
