import { copyFileSync, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { build } from 'esbuild';

/**
 * Bundles the client for browsers: dist/browser/client.js, one ES module, with recrypt's WebAssembly as a file beside
 * it, which the page serves and names when it loads the engine. Run in the project's folder after tsc.
 */
const ENTRY = 'client/browser.ts';
const OUTPUT = 'dist/browser/client.js';
const WASM = createRequire(import.meta.url).resolve(
  '@ironcorelabs/recrypt-wasm-binding/recrypt_wasm_binding_bg.wasm',
);
const WASM_OUTPUT = 'dist/browser/recrypt.wasm';

if (!existsSync(ENTRY)) {
  console.error(`build-browser: there is no ${ENTRY} here; run this in the project's folder.`);
  process.exit(1);
}

const result = await build({
  entryPoints: [ENTRY],
  outfile: OUTPUT,
  bundle: true,
  minify: true,
  sourcemap: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  legalComments: 'linked',
  logLevel: 'warning',
  metafile: true,
});

copyFileSync(WASM, WASM_OUTPUT);
const bytes = result.metafile.outputs[OUTPUT]?.bytes ?? 0;
// Not on stdout: what is built may be a program whose output is read (`npm run --silent demo -- --json`).
console.error(`build-browser: ${OUTPUT} (${Math.round(bytes / 1024)} KiB), ${WASM_OUTPUT}`);
