import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MODULE = new URL('second-run.ts', import.meta.url).href;

// Each run starts a process, and a thread for every file.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-second-run-'));
  await mkdir(join(folder, 'marks'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A file whose tests share what its set-up made, and in whose first run one of them comes too early. */
const RACING = `
  const { existsSync, writeFileSync } = await import('node:fs');
  const mark = process.cwd() + '/marks/ran';
  const early = !existsSync(mark);
  let enrolled = false;
  beforeAll(() => writeFileSync(mark, ''));
  it('enrols', () => {
    expect(enrolled).toBe(false);
    enrolled = true;
    expect(early).toBe(false);
  });`;
const RACING_SET_UP = `
  const { existsSync, writeFileSync } = await import('node:fs');
  const mark = process.cwd() + '/marks/set-up';
  beforeAll(() => {
    if (existsSync(mark)) return;
    writeFileSync(mark, '');
    throw new Error('too late');
  });
  it('passes', () => {});`;
const BROKEN = `it('is broken', () => expect(1).toBe(2));`;

/** Runs these files, by name, as all tests are run. */
async function run(files: Record<string, string>, again = true): Promise<{ well: boolean; told: string }> {
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const script = `
    const { createVitest } = await import('vitest/node');
    const { runTests } = await import('${MODULE}');
    const { folder, again } = JSON.parse(process.env.ASKED);
    process.chdir(folder);
    const options = { root: folder, config: false, watch: false, globals: true, pool: 'threads', reporters: [] };
    const vitest = await createVitest('test', { ...options, include: ['*.test.js'] });
    let told = '';
    const well = await runTests(vitest, { paths: [], again, write: (text) => { told += text; } });
    await vitest.close();
    console.log(JSON.stringify({ well, told }));
    process.exit(0);`;
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'));
  const env = { ...Object.fromEntries(inherited), ASKED: JSON.stringify({ folder, again }) };
  const out = await new Promise<string>((resolve, reject) => {
    const line = ['--import', 'tsx', '--input-type=module', '--eval', script];
    execFile(process.execPath, line, { cwd: ROOT, env }, (error, said, complaint) =>
      error === null ? resolve(said) : reject(new Error(said + complaint, { cause: error })),
    );
  });
  return JSON.parse(out.trim().split('\n').at(-1) ?? '');
}

const passing = `it('passes', () => {});`;

describe('a file that failed in continuous integration', () => {
  it('passes at a second run as a whole, and is named with what it said', async () => {
    const files = { 'racing.test.js': RACING, 'set-up.test.js': RACING_SET_UP, 'fine.test.js': passing };
    const { well, told } = await run(files);
    expect(well).toBe(true);
    const [, named = ''] = told.split('Passed at the second run only');
    expect(named).toContain('(2 files)');
    expect(named).toContain('racing.test.js > enrols: expected true to be false');
    expect(named).toContain('set-up.test.js > its set-up or clean-up: too late');
    expect(named).not.toContain('fine.test.js');
  });

  it('fails the run where it fails again', async () => {
    const { well, told } = await run({ 'broken.test.js': BROKEN, 'racing.test.js': RACING });
    expect(well).toBe(false);
    expect(told).toContain('broken.test.js > is broken: expected 1 to be 2');
    expect(told).not.toContain('Passed at the second run only');
  });

  it('is not run again where many others failed too', async () => {
    const many = Object.fromEntries(Array.from({ length: 13 }, (_, n) => [`${n}.test.js`, BROKEN]));
    expect(await run(many)).toEqual({
      well: false,
      told: '\n13 files failed: too many for a second run.\n',
    });
  });
});

it('elsewhere a file that failed is not run again', async () => {
  expect(await run({ 'racing.test.js': RACING }, false)).toEqual({ well: false, told: '' });
});
