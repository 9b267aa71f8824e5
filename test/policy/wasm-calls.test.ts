import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** `f` calls the imported `g` with the reference that it was called with, and answers what `g` answers. */
const MODULE = [
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x06, 0x01, 0x60, 0x01, 0x6f, 0x01, 0x6f],
  ...[0x02, 0x07, 0x01, 0x01, 0x6d, 0x01, 0x67, 0x00, 0x00],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x01],
  ...[0x0a, 0x08, 0x01, 0x06, 0x00, 0x20, 0x00, 0x10, 0x00, 0x0b],
];

/** Has V8 optimize a call of `f`, and drop the optimized code while the call is under way. */
const SCRIPT = `
  let drop = false;
  const g = (value) => { if (drop) %DeoptimizeFunction(call); return value; };
  const module = new WebAssembly.Module(new Uint8Array(${JSON.stringify(MODULE)}));
  const { exports } = new WebAssembly.Instance(module, { m: { g } });
  function call(value) { const answer = exports.f(value); return answer; }
  %PrepareFunctionForOptimization(call);
  for (let times = 0; times < 10; times += 1) call({});
  %OptimizeFunctionOnNextCall(call);
  call({});
  drop = true;
  console.log(call({ survived: true }).survived);
`;

function run(...imports: string[]): Promise<string> {
  const line = ['--allow-natives-syntax', ...imports.flatMap((each) => ['--import', each])];
  return new Promise((resolve) => {
    execFile(process.execPath, [...line, '--eval', SCRIPT], { cwd: ROOT }, (_, out) => resolve(out));
  });
}

describe('a process that uses Cedar', () => {
  it('survives that V8 drops optimized code during a call of WebAssembly', async () => {
    expect(await run('tsx', './bridge/policy/engine/uninlined-wasm-calls.ts')).toBe('true\n');
  });

  // Where this fails, V8 has mended it, and the flag can go.
  it.runIf(process.versions.v8.startsWith('11.'))('would be ended by it otherwise', async () => {
    expect(await run()).toBe('');
  });
});
