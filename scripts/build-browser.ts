import { existsSync } from 'node:fs';
import { build } from 'esbuild';

/**
 * Bundles the client for browsers: dist/browser/client.js, one ES module. Run in the project's folder after tsc.
 * The WebAssembly of recrypt is not put inside: the page loads it beside the bundle.
 */
const ENTRY = 'client/browser.ts';
const OUTPUT = 'dist/browser/client.js';

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
  loader: { '.wasm': 'file' },
  legalComments: 'linked',
  logLevel: 'warning',
  metafile: true,
});

const bytes = result.metafile.outputs[OUTPUT]?.bytes ?? 0;
console.log(`build-browser: ${OUTPUT}, ${Math.round(bytes / 1024)} KiB`);
