import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { bundleProgram, PROGRAM_ENTRIES } from './program-bundle.ts';

/**
 * Bundles the program `countersign`: dist/program/, and dist/bridge/cli/main.js, which starts it, in the place of the one
 * module that tsc made of its source. Run in the project's folder after tsc.
 */
const FOLDER = 'dist/program';
const START = 'dist/bridge/cli/main.js';

if (!existsSync(PROGRAM_ENTRIES.main)) {
  console.error(`build-program: there is no ${PROGRAM_ENTRIES.main} here; run this in the project's folder.`);
  process.exit(1);
}

// The modules' names hold hashes of their content: those of the build before would stay.
rmSync(FOLDER, { recursive: true, force: true });
const { metafile } = await bundleProgram({ outdir: FOLDER, write: true });
writeFileSync(START, "#!/usr/bin/env node\nimport '../../program/main.js';\n");
const modules = Object.entries(metafile.outputs).filter(([name]) => name.endsWith('.js'));
const size = modules.reduce((sum, [, { bytes }]) => sum + bytes, 0);
// Not on stdout: see build-browser.ts.
console.error(
  `build-program: ${FOLDER} (${modules.length} modules, ${(size / 1e6).toFixed(1)} MB), ${START}`,
);
