import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { type BuildResult, build, type Metafile } from 'esbuild';
import { clientErrorTitles } from './client-error-titles.ts';

/** recrypt's WebAssembly module, which stays a file of its own. */
export const WASM_FILE = createRequire(import.meta.url).resolve(
  '@ironcorelabs/recrypt-wasm-binding/recrypt_wasm_binding_bg.wasm',
);

/** The module that a page imports; the others begin with `client-` and are imported by it. */
export const BROWSER_MODULE = 'client.js';

/**
 * The client for browsers as ES modules in one folder: `client.js`, what it imports at once, and what it imports when
 * it is needed. Run in the project's folder: `entry` is relative to it.
 */
export function bundleBrowserClient<Write extends boolean>(options: {
  entry: string;
  outdir: string;
  write: Write;
}): Promise<BuildResult<{ write: Write; metafile: true }>> {
  return build({
    entryPoints: { client: options.entry },
    outdir: options.outdir,
    chunkNames: 'client-[name]-[hash]',
    write: options.write,
    bundle: true,
    splitting: true,
    minify: true,
    sourcemap: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'linked',
    logLevel: 'warning',
    metafile: true,
    plugins: [clientErrorTitles],
  });
}

/** Names of the files that a page loads at once: `client.js` and all that is imported from there, not by `import()`. */
export function modulesAtOnce({ outputs }: Metafile): string[] {
  const loaded = new Set(Object.keys(outputs).filter((path) => basename(path) === BROWSER_MODULE));
  for (const path of loaded) {
    for (const { kind, path: imported } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement') loaded.add(imported);
    }
  }
  return [...loaded].map((path) => basename(path));
}
