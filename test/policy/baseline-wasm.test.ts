import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SOON } from '../fakes/soon.ts';

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

/** Says whether V8 optimizes `f`, which is called often, within this time: in a thread of its own, which may have to wait. */
const script = (withinMs: number) => `
  const module = new WebAssembly.Module(new Uint8Array(${JSON.stringify(MODULE)}));
  const { exports } = new WebAssembly.Instance(module);
  const until = performance.now() + ${withinMs};
  const look = () => {
    for (let times = 0; times < 10; times += 1) exports.f(1_000_000);
    const baseline = %IsLiftoffFunction(exports.f);
    if (baseline && performance.now() < until) setTimeout(look, 50);
    else console.log(baseline ? 'never' : 'optimized');
  };
  look();
`;

function run(withinMs: number, ...imports: string[]): Promise<string> {
  const line = ['--allow-natives-syntax', ...imports.flatMap((each) => ['--import', each])];
  return new Promise((resolve) => {
    const asked = [...line, '--eval', script(withinMs)];
    execFile(process.execPath, asked, { cwd: ROOT }, (_, out) => resolve(out));
  });
}

/** Has the process do this before the script. */
const doing = (what: string) =>
  `data:text/javascript,import * as wasm from '${pathToFileURL(join(ROOT, FILE))}'; ${what}`;

describe('a process that uses Cedar', () => {
  it('spends no time on optimizing WebAssembly before Cedar was called', async () => {
    expect(await run(500, 'tsx', doing('wasm.pauseOptimizing();'))).toBe('never\n');
    expect(await run(SOON.timeout)).toBe('optimized\n');
  });

  it('optimizes what is made once Cedar has been called', async () => {
    const again = doing('wasm.pauseOptimizing(); wasm.optimizeAgain();');
    expect(await run(SOON.timeout, 'tsx', again)).toBe('optimized\n');
  });
});
