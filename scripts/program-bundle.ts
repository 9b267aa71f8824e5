import { type BuildResult, build } from 'esbuild';

/**
 * What a process of the bridge, or a thread of it, begins with. They lie in one folder: a thread is started from the file
 * of its name beside whoever starts it (bridge/lib/start-thread.ts).
 */
export const PROGRAM_ENTRIES = {
  main: 'bridge/cli/main.ts',
  'signature-worker': 'bridge/signer/signature-worker.ts',
  'vrf-worker': 'bridge/keylog/vrf-worker.ts',
  'transform-worker': 'bridge/transforms/transform-worker.ts',
};

/** Chooses its binary by the machine, from packages beside it. */
const FROM_NODE_MODULES = ['libsql'];

/** Modules of CommonJS load Node's own by this name. */
const REQUIRE =
  "import { createRequire as createRequireHere } from 'node:module'; const require = createRequireHere(import.meta.url);";

/**
 * The program `countersign` with the packages that it uses, as a few ES modules in one folder (decision 36). Run in the
 * project's folder: entries are relative to it.
 */
export function bundleProgram<Write extends boolean>(options: {
  outdir: string;
  write: Write;
}): Promise<BuildResult<{ write: Write; metafile: true }>> {
  return build({
    entryPoints: PROGRAM_ENTRIES,
    outdir: options.outdir,
    chunkNames: '[name]-[hash]',
    write: options.write,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: FROM_NODE_MODULES,
    banner: { js: REQUIRE },
    // Comments and blanks are read at every start, and kept in memory. Stacks name functions still, and files and lines
    // under `node --enable-source-maps`.
    minifyWhitespace: true,
    sourcemap: 'linked',
    sourcesContent: false,
    // oidc-provider stores the names of its classes, and asn1-schema goes by them.
    keepNames: true,
    legalComments: 'linked',
    logLevel: 'warning',
    metafile: true,
  });
}
