import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import { transformEngineContract } from '../contract/transform-engine.ts';

transformEngineContract('WebAssembly', () => loadTransformEngine({ prefer: 'wasm' }));

test('the engine names the version of the package that is installed', async () => {
  const engine = await loadTransformEngine({ prefer: 'wasm' });
  const manifest = createRequire(import.meta.url).resolve('@ironcorelabs/recrypt-wasm-binding/package.json');
  expect(engine.version).toBe(JSON.parse(await readFile(manifest, 'utf8')).version);
  expect(engine.name).toBe('wasm');
});
