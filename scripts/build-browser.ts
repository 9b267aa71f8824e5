import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { bundleBrowserClient, WASM_FILE } from './browser-bundle.ts';

/**
 * Bundles the client for browsers: dist/browser/client.js, one ES module, with recrypt's WebAssembly as a file beside
 * it, which the page serves and names when it loads the engine. Run in the project's folder after tsc.
 */
const ENTRY = 'client/browser.ts';
const OUTPUT = 'dist/browser/client.js';
/** TypeScript looks for types beside the bundle, where its condition `browser` is set. */
const TYPES_OUTPUT = 'dist/browser/client.d.ts';
const WASM_OUTPUT = 'dist/browser/recrypt.wasm';

if (!existsSync(ENTRY)) {
  console.error(`build-browser: there is no ${ENTRY} here; run this in the project's folder.`);
  process.exit(1);
}

await bundleBrowserClient({ entry: ENTRY, outfile: OUTPUT, write: true });
writeFileSync(TYPES_OUTPUT, "export * from '../client/browser.js';\n");
copyFileSync(WASM_FILE, WASM_OUTPUT);
const code = readFileSync(OUTPUT);
const size = `${kilobytes(code)} kB, ${kilobytes(gzipSync(code))} kB gzip`;
// Not on stdout: what is built may be a program whose output is read (`npm run --silent demo -- --json`).
console.error(`build-browser: ${OUTPUT} (${size}), ${WASM_OUTPUT}`);

function kilobytes(bytes: Uint8Array): string {
  return (bytes.length / 1000).toFixed(1);
}
