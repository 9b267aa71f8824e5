import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type BuildResult, build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';

let bundled: BuildResult<{ write: false; metafile: true }>;

beforeAll(async () => {
  bundled = await build({
    entryPoints: ['client/browser.ts'],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
});

describe('the client for browsers', () => {
  it('bundles, needs nothing of Node, and stays below 420 KiB', () => {
    const code = bundled.outputFiles[0]?.text ?? '';
    expect(code).not.toMatch(/\bfrom\s*["']node:/);
    expect(code.length).toBeLessThan(420 * 1024);
    const inputs = Object.keys(bundled.metafile.inputs);
    expect(inputs.filter((path) => path.startsWith('client/node-'))).toEqual([]);
  });

  it('loads, and makes a client with an engine of its own', async () => {
    const code = Buffer.from(bundled.outputFiles[0]?.text ?? '').toString('base64');
    const client = await import(/* @vite-ignore */ `data:text/javascript;base64,${code}`);
    const wasm = createRequire(import.meta.url).resolve(
      '@ironcorelabs/recrypt-wasm-binding/recrypt_wasm_binding_bg.wasm',
    );
    const made = client.createClient({
      issuer: 'https://bridge.acme.example',
      clientId: 'app',
      keyStore: client.createMemoryKeyStore(),
      pinStore: client.createMemoryPinStore(),
      engine: await client.loadTransformEngine(await readFile(wasm)),
    });
    expect(await made.signedIn()).toBe(false);
    await expect(made.me()).rejects.toMatchObject({ code: 'sign_in_required' });
  });
});
