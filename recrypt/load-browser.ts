import { CountersignError } from '../protocol/errors.ts';
import type { TransformEngine } from './transform-engine.ts';

/**
 * The WebAssembly engine, given the content of the package's recrypt_wasm_binding_bg.wasm or the URL that it is
 * served at. A page with a content security policy needs `script-src 'wasm-unsafe-eval'`. Throws
 * `recrypt_unavailable` when it does not load or fails the self-test.
 */
export async function loadTransformEngine(wasm: string | URL | BufferSource): Promise<TransformEngine> {
  const { createCheckedWasmEngine } = await import('./checked-wasm-engine.ts').catch((cause: unknown) => {
    throw new CountersignError('recrypt_unavailable', 'the module that runs it does not load', { cause });
  });
  return createCheckedWasmEngine(() =>
    typeof wasm === 'string' || wasm instanceof URL ? download(wasm) : wasm,
  );
}

async function download(url: string | URL): Promise<ArrayBuffer> {
  const response = await fetch(url);
  if (!response.ok) {
    throw new CountersignError('recrypt_unavailable', `the WebAssembly module: HTTP ${response.status}`);
  }
  return response.arrayBuffer();
}
