import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Metafile } from 'esbuild';
import { bundleProgram } from '../../scripts/program-bundle.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The program as it is installed: its bundle, the packages, the policies, and none of the sources. */
export interface BuiltProgram {
  readonly folder: string;
  readonly metafile: Metafile;
  /** The file of a module in the bundle. */
  file(name: string): string;
  /** Runs it with what `env` adds to the environment. */
  run(args: readonly string[], env?: Record<string, string>): RunningProgram;
  remove(): Promise<void>;
}

export interface RunningProgram {
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** Bundles it anew from the sources. */
export async function buildProgram(): Promise<BuiltProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-program-'));
  const file = (name: string) => join(folder, 'dist/program', name);
  const children = new Set<ChildProcess>();
  await copyFile(join(ROOT, 'package.json'), join(folder, 'package.json'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await symlink(join(ROOT, 'policies'), join(folder, 'policies'));
  const { metafile } = await bundleProgram({ outdir: join(folder, 'dist/program'), write: true });
  return {
    ...{ folder, metafile, file },
    run(args, env = {}) {
      const running = start(file('main.js'), args, { HOME: folder, ...env });
      children.add(running.child);
      return running;
    },
    async remove() {
      for (const child of children) child.kill('SIGKILL');
      await rm(folder, { recursive: true });
    },
  };
}

function start(main: string, args: readonly string[], added: Record<string, string>): RunningProgram {
  const { COUNTERSIGN_URL: _url, COUNTERSIGN_TOKEN: _token, ...env } = process.env;
  const child = spawn(process.execPath, [main, ...args], { env: { ...env, ...added } });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const ended = once(child, 'close').then(([code]) => ({ code, ...output }));
  return { child, output, ended };
}

/** The modules that are loaded for these, as far as they are not loaded by an `import()` of theirs. */
export function modulesOf({ outputs }: Metafile, entries: readonly string[]): string[] {
  const loaded = new Set(
    Object.keys(outputs).filter((path) => entries.includes(outputs[path]?.entryPoint ?? '')),
  );
  for (const path of loaded) {
    for (const { kind, path: imported } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && outputs[imported] !== undefined) loaded.add(imported);
    }
  }
  return [...loaded].flatMap((path) => Object.keys(outputs[path]?.inputs ?? {}));
}
