import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SOON } from './fakes/soon.ts';

/** Machines stall for a second, and sometimes for more: a test that waits for less fails on them. Milliseconds. */
const SHORTEST = 5_000;

const ROOT = fileURLToPath(new URL('.', import.meta.url));

/** Where something is waited for by asking again and again, with a limit that is one second where none is given. */
const WAIT = /\b(?:vi\s*\.\s*(?:waitFor|waitUntil)|expect\s*\.\s*poll)\s*\(/g;
/** What stands for SOON; the tests of sinks have one of their own, with a shorter interval. */
const PATIENCE = /^(?:SOON|soon)$|\.\.\.(?:SOON|soon)\b/;

/** The arguments of a call, from behind its opening parenthesis. */
function argumentsFrom(code: string): string[] {
  const found = [''];
  let depth = 0;
  let quote = '';
  for (let at = 0; at < code.length; at += 1) {
    const sign = code.charAt(at);
    if (quote !== '') {
      if (sign === '\\') at += 1;
      else if (sign === quote) quote = '';
    } else if (/['"`]/.test(sign)) quote = sign;
    else if (/[([{]/.test(sign)) depth += 1;
    else if (/[)\]}]/.test(sign)) depth -= 1;
    if (depth < 0) break;
    if (depth === 0 && quote === '' && sign === ',') found.push('');
    else found.push((found.pop() ?? '') + sign);
  }
  return found.map((each) => each.trim()).filter((each) => each !== '');
}

function limitOf(options: string | undefined): number {
  if (options === undefined) return 1_000;
  const limit = /^[\d_]+$/.exec(options) ?? /\btimeout:\s*([\d_]+)/.exec(options);
  if (limit !== null) return Number((limit.at(-1) ?? '').replaceAll('_', ''));
  return PATIENCE.test(options) ? SOON.timeout : 0;
}

/** The waits of a file that may end too early, each with its line and the limit in milliseconds. */
function impatientWaits(code: string): string[] {
  return [...code.matchAll(WAIT)].flatMap((wait) => {
    const limit = limitOf(argumentsFrom(code.slice(wait.index + wait[0].length))[1]);
    const line = code.slice(0, wait.index).split('\n').length;
    return limit < SHORTEST ? [`${line}: ${limit} ms`] : [];
  });
}

describe('a wait for what happens by itself', () => {
  it('is seen to be impatient, however it is written', () => {
    const impatient = [
      'await vi.waitFor(() => expect(told).toEqual([1, 2]));',
      "await expect\n  .poll(() => read(')', 1), { interval: 5 })\n  .toBe(1);",
      'await vi.waitUntil(done, 900);',
      'await vi.waitFor(done, { interval: 5, timeout: 4_999 });',
      'await vi.waitFor(done, { ...SOON, timeout: 50 });',
    ];
    expect(impatient.map(impatientWaits)).toEqual([
      ['1: 1000 ms'],
      ['1: 0 ms'],
      ['1: 900 ms'],
      ['1: 4999 ms'],
      ['1: 50 ms'],
    ]);
    const patient = [
      'await vi.waitFor(() => expect(told).toEqual([1, 2]), SOON);',
      'await expect.poll(() => told, { ...SOON, interval: 5 }).toBe(1);',
      'await vi.waitUntil(done, { timeout: 20_000 });',
      'await vi.waitUntil(\n  done,\n  5_000,\n);',
    ];
    expect(patient.flatMap(impatientWaits)).toEqual([]);
  });

  it('lasts longer than a machine stalls', () => {
    const files = readdirSync(ROOT, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => path !== fileURLToPath(import.meta.url));
    expect(files.length).toBeGreaterThan(100);
    const impatient = files.flatMap((path) =>
      impatientWaits(readFileSync(path, 'utf8')).map((found) => `${relative(ROOT, path)}:${found}`),
    );
    expect(impatient).toEqual([]);
  });
});
