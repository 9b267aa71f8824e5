import { createRequire } from 'node:module';
import { type BuildResult, build } from 'esbuild';

/** recrypt's WebAssembly module, which stays a file of its own. */
export const WASM_FILE = createRequire(import.meta.url).resolve(
  '@ironcorelabs/recrypt-wasm-binding/recrypt_wasm_binding_bg.wasm',
);

/** The client for browsers as one ES module. Run in the project's folder: `entry` is relative to it. */
export function bundleBrowserClient<Write extends boolean>(options: {
  entry: string;
  outfile: string;
  write: Write;
}): Promise<BuildResult<{ write: Write; metafile: true }>> {
  return build({
    entryPoints: [options.entry],
    outfile: options.outfile,
    write: options.write,
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
}
