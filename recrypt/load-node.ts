import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { CountersignError } from '../protocol/errors.ts';
import { createNativeEngine } from './native-engine.ts';
import { assertEngineCorrect } from './self-test.ts';
import type { TransformEngine } from './transform-engine.ts';
import { createWasmEngine } from './wasm-engine.ts';

const NATIVE_PACKAGE = '@ironcorelabs/recrypt-node-binding';
const WASM_FILE = '@ironcorelabs/recrypt-wasm-binding/recrypt_wasm_binding_bg.wasm';

const requireHere = createRequire(import.meta.url);

/** What the native package exports, and its version. */
export interface NativePackage {
  readonly module: unknown;
  readonly version: string;
}

export interface LoadOptions {
  /** `native` (the default) tries the optional addon first; `wasm` leaves it alone. */
  readonly prefer?: 'native' | 'wasm';
  /** Called with the reason when the native addon was wanted and is not used. */
  readonly onFallback?: (reason: unknown) => void;
  /** Where the native package comes from; throws where it is not installed. */
  readonly requireNative?: () => NativePackage;
}

/**
 * The best engine that this machine has and that passes the self-test: the native addon, else WebAssembly. Throws
 * `recrypt_unavailable` when none does.
 */
export async function loadTransformEngine(options: LoadOptions = {}): Promise<TransformEngine> {
  if (options.prefer !== 'wasm') {
    try {
      return loadNativeEngine(options.requireNative);
    } catch (reason) {
      options.onFallback?.(reason);
    }
  }
  const engine = await createWasmEngine(() => readFile(requireHere.resolve(WASM_FILE)));
  assertEngineCorrect(engine);
  return engine;
}

/** The native addon or nothing. Throws `recrypt_unavailable`, its cause saying why. */
export function loadNativeEngine(requireNative: () => NativePackage = requireInstalled): TransformEngine {
  let found: NativePackage;
  try {
    found = requireNative();
  } catch (cause) {
    throw new CountersignError('recrypt_unavailable', 'the native addon does not load', { cause });
  }
  const engine = createNativeEngine(found.module, found.version);
  assertEngineCorrect(engine);
  return engine;
}

function requireInstalled(): NativePackage {
  const module: unknown = requireHere(NATIVE_PACKAGE);
  const manifest: unknown = requireHere(`${NATIVE_PACKAGE}/package.json`);
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return { module, version: version ? String(manifest.version) : 'unknown' };
}
