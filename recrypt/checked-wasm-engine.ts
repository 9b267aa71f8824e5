import { assertEngineCorrect } from './self-test.ts';
import type { TransformEngine } from './transform-engine.ts';
import { createWasmEngine } from './wasm-engine.ts';

/**
 * The WebAssembly engine after its self-test: what a browser needs only together with the WebAssembly module, which is
 * many times as large. Throws `recrypt_unavailable` when it does not load or fails the self-test.
 */
export async function createCheckedWasmEngine(
  loadBytes: () => BufferSource | Promise<BufferSource>,
): Promise<TransformEngine> {
  const engine = await createWasmEngine(loadBytes);
  assertEngineCorrect(engine);
  return engine;
}
