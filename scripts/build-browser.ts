import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { BROWSER_MODULE, bundleBrowserClient, modulesAtOnce, WASM_FILE } from './browser-bundle.ts';

/**
 * Bundles the client for browsers: dist/browser/client.js, an ES module, with the modules that it imports beside it,
 * and recrypt's WebAssembly, which the page serves and names when it loads the engine. Run in the project's folder
 * after tsc.
 */
const ENTRY = 'client/browser.ts';
const FOLDER = 'dist/browser';
/** TypeScript looks for types beside the bundle, where its condition `browser` is set. */
const TYPES_OUTPUT = `${FOLDER}/client.d.ts`;
const WASM_OUTPUT = `${FOLDER}/recrypt.wasm`;

if (!existsSync(ENTRY)) {
  console.error(`build-browser: there is no ${ENTRY} here; run this in the project's folder.`);
  process.exit(1);
}

// The modules' names hold hashes of their content: those of the build before would stay.
rmSync(FOLDER, { recursive: true, force: true });
const { metafile } = await bundleBrowserClient({ entry: ENTRY, outdir: FOLDER, write: true });
writeFileSync(TYPES_OUTPUT, "export * from '../client/browser.js';\n");
copyFileSync(WASM_FILE, WASM_OUTPUT);
const code = modulesAtOnce(metafile).map((name) => readFileSync(join(FOLDER, name)));
const size = `${kilobytes(code)} kB, ${kilobytes(code.map((module) => gzipSync(module)))} kB gzip at once`;
// Not on stdout: what is built may be a program whose output is read (`npm run --silent demo -- --json`).
console.error(`build-browser: ${join(FOLDER, BROWSER_MODULE)} (${size}), ${WASM_OUTPUT}`);

function kilobytes(modules: readonly Uint8Array[]): string {
  return (modules.reduce((sum, { length }) => sum + length, 0) / 1000).toFixed(1);
}
