import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadTransformEngine } from '../../recrypt/load-browser.ts';
import { transformEngineContract } from '../contract/transform-engine.ts';

const wasm = await readFile(
  createRequire(import.meta.url).resolve('@ironcorelabs/recrypt-wasm-binding/recrypt_wasm_binding_bg.wasm'),
);
const server = createServer((request, response) => {
  if (request.url === '/recrypt.wasm') response.setHeader('content-type', 'application/wasm').end(wasm);
  else response.writeHead(404).end();
});
let origin: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

describe('loading in a browser', () => {
  // These come first: an instance that runs is not loaded again.
  test('a module that is not there, or is no module, is unavailable and can be loaded later', async () => {
    await expect(loadTransformEngine(`${origin}/missing.wasm`)).rejects.toMatchObject({
      code: 'recrypt_unavailable',
    });
    await expect(loadTransformEngine(new Uint8Array(8))).rejects.toMatchObject({
      code: 'recrypt_unavailable',
    });
    expect((await loadTransformEngine(new URL('/recrypt.wasm', origin))).name).toBe('wasm');
  });

  test('the bundle for browsers imports nothing of Node and computes the pinned answers', async () => {
    const bundle = await build({
      entryPoints: ['recrypt/load-browser.ts'],
      bundle: true,
      format: 'esm',
      platform: 'browser',
      write: false,
      logLevel: 'silent',
    });
    const code = bundle.outputFiles[0]?.text ?? '';
    expect(code).not.toMatch(/\bfrom\s*["']node:/);
    const bundled = await import(
      /* @vite-ignore */ `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`
    );
    expect((await bundled.loadTransformEngine(wasm)).name).toBe('wasm');
  });
});

transformEngineContract('WebAssembly (as a browser loads it)', () => loadTransformEngine(wasm));
