import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILE = 'bridge/policy/engine/baseline-wasm.ts';

/** `f` counts down from its argument. */
const MODULE = [
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x05, 0x01, 0x60, 0x01, 0x7f, 0x00],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00],
  ...[0x0a, 0x10, 0x01, 0x0e, 0x00, 0x03, 0x40],
  ...[0x20, 0x00, 0x41, 0x01, 0x6b, 0x22, 0x00, 0x0d, 0x00, 0x0b, 0x0b],
];

/** Says whether V8 has optimized `f` after it was called often. */
const SCRIPT = `
  const module = new WebAssembly.Module(new Uint8Array(${JSON.stringify(MODULE)}));
  const { exports } = new WebAssembly.Instance(module);
  for (let times = 0; times < 10; times += 1) exports.f(1_000_000);
  setTimeout(() => { exports.f(1); console.log(%IsLiftoffFunction(exports.f)); }, 500);
`;

function run(...imports: string[]): Promise<string> {
  const line = ['--allow-natives-syntax', ...imports.flatMap((each) => ['--import', each])];
  return new Promise((resolve) => {
    execFile(process.execPath, [...line, '--eval', SCRIPT], { cwd: ROOT }, (_, out) => resolve(out));
  });
}

/** Has the process do this before the script. */
const doing = (what: string) =>
  `data:text/javascript,import * as wasm from '${pathToFileURL(join(ROOT, FILE))}'; ${what}`;

describe('a process that uses Cedar', () => {
  it('spends no time on optimizing WebAssembly before Cedar was called', async () => {
    expect(await run('tsx', doing('wasm.pauseOptimizing();'))).toBe('true\n');
    expect(await run()).toBe('false\n');
  });

  it('optimizes what is made once Cedar has been called', async () => {
    expect(await run('tsx', doing('wasm.pauseOptimizing(); wasm.optimizeAgain();'))).toBe('false\n');
  });
});
