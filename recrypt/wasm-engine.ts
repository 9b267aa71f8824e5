import * as glue from '@ironcorelabs/recrypt-wasm-binding/recrypt_wasm_binding_bg.js';
import { CountersignError } from '../protocol/errors.ts';
import { createTransformEngine, type RecryptLibrary } from './library-engine.ts';
import type { TransformEngine } from './transform-engine.ts';
import { mapEncryptedValue, mapPublicKey, mapTransformKey, type PublicKeyOf } from './value-mapping.ts';

/** Version of @ironcorelabs/recrypt-wasm-binding that the glue and the self-test's vectors were checked with. */
export const WASM_BINDING_VERSION = '0.7.1';

/**
 * The glue keeps its instance in a module variable and caches views of its memory, so a second instance would read
 * the first one's memory: there is one per process, whoever asks for it.
 */
let started: Promise<void> | undefined;

/**
 * The engine over the WebAssembly package, in Node and browsers alike. `loadBytes` gives the content of its
 * recrypt_wasm_binding_bg.wasm and is called only while no instance runs. Throws `recrypt_unavailable`.
 */
export async function createWasmEngine(
  loadBytes: () => BufferSource | Promise<BufferSource>,
): Promise<TransformEngine> {
  started ??= start(loadBytes);
  const mine = started;
  try {
    await mine;
  } catch (cause) {
    // Only one's own failure is forgotten: another caller may have started anew in the meantime.
    if (started === mine) started = undefined;
    throw new CountersignError('recrypt_unavailable', 'the WebAssembly module does not load', { cause });
  }
  return createTransformEngine('wasm', WASM_BINDING_VERSION, wasmLibrary());
}

async function start(loadBytes: () => BufferSource | Promise<BufferSource>): Promise<void> {
  const module = await WebAssembly.compile(await loadBytes());
  const functions = new Map(Object.entries(glue as Record<string, unknown>));
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const wanted of WebAssembly.Module.imports(module)) {
    const provided = functions.get(wanted.name);
    if (typeof provided !== 'function') throw new Error(`the glue does not provide ${wanted.name}`);
    imports[wanted.module] = { ...imports[wanted.module], [wanted.name]: provided as () => unknown };
  }
  const instance = await WebAssembly.instantiate(module, imports);
  const startFunction = instance.exports.__wbindgen_start;
  if (typeof startFunction !== 'function') throw new Error('the module has no start function');
  glue.__wbg_set_wasm(instance.exports);
  startFunction();
}

function wasmLibrary(): RecryptLibrary {
  let api = new glue.Api256();

  /** A trap leaves the library's object locked for good: the next call gets a new one. */
  function call<Result>(run: () => Result): Result {
    try {
      return run();
    } catch (cause) {
      if (!(cause instanceof WebAssembly.RuntimeError)) throw cause;
      api = new glue.Api256();
      throw new CountersignError('recrypt_unavailable', 'the WebAssembly module trapped', { cause });
    }
  }

  return {
    generateKeyPair: () =>
      call(() => {
        const pair = api.generateKeyPair();
        return { privateKey: toBytes(pair.privateKey), publicKey: mapPublicKey(pair.publicKey, toBytes) };
      }),
    generateSigningKeyPair: () =>
      call(() => {
        const pair = api.generateEd25519KeyPair();
        return { privateKey: toBytes(pair.privateKey), publicKey: toBytes(pair.publicKey) };
      }),
    computePublicKey: (privateKey) => call(() => mapPublicKey(api.computePublicKey(privateKey), toBytes)),
    generatePlaintext: () => call(() => api.generatePlaintext()),
    deriveSymmetricKey: (plaintext) => call(() => api.deriveSymmetricKey(plaintext)),
    encrypt: (plaintext, to, signingKey) =>
      call(() => mapEncryptedValue(api.encrypt(plaintext, pointIn(to), signingKey), toBytes)),
    transform: (value, key, signingKey) =>
      call(() => {
        const valueIn = mapEncryptedValue(value, toNumbers);
        return mapEncryptedValue(
          api.transform(valueIn, mapTransformKey(key, toNumbers), signingKey),
          toBytes,
        );
      }),
    decrypt: (value, privateKey) => call(() => api.decrypt(mapEncryptedValue(value, toNumbers), privateKey)),
    generateTransformKey: (from, to, signingKey) =>
      call(() => mapTransformKey(api.generateTransformKey(from, pointIn(to), signingKey), toBytes)),
    augmentTransformKey: (key, share) =>
      call(() =>
        mapTransformKey(glue.augmentTransformKey256(mapTransformKey(key, toNumbers), share), toBytes),
      ),
    augmentPublicKey: (left, right) =>
      call(() => mapPublicKey(glue.augmentPublicKey256(pointIn(left), pointIn(right)), toBytes)),
    addPrivateKeys: (left, right) => call(() => glue.addPrivateKeys(left, right)),
    subtractPrivateKeys: (left, right) => call(() => glue.subtractPrivateKeys(left, right)),
    schnorrSign: (privateKey, publicKey, message) =>
      call(() => api.schnorrSign(privateKey, pointIn(publicKey), message)),
    schnorrVerify: (publicKey, share, message, signature) =>
      call(() => api.schnorrVerify(pointIn(publicKey), share, message, signature)),
  };
}

/** Records cross into WebAssembly as JSON, in which a typed array would become an object. */
function toNumbers(bytes: Uint8Array): number[] {
  return Array.from(bytes);
}

function toBytes(numbers: number[]): Uint8Array {
  return Uint8Array.from(numbers);
}

function pointIn(key: PublicKeyOf<Uint8Array>): PublicKeyOf<number[]> {
  return mapPublicKey(key, toNumbers);
}
