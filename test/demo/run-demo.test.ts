import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { finding, must } from '../../demo/finding.ts';
import { parseOptions } from '../../demo/options.ts';
import { shorten, wrap } from '../../demo/report/fit-text.ts';
import { runDemo } from '../../demo/run-demo.ts';
import type { Step } from '../../demo/step.ts';
import { STORY } from '../../demo/story.ts';
import { CountersignError } from '../../protocol/errors.ts';

const ONCE = { once: true, json: false };
const ONCE_AS_JSON = { once: true, json: true };
const ESCAPE = '\u001b[';

interface Told {
  status: number;
  out: string;
  err: string;
}

async function tell(
  steps: readonly Step[],
  options = ONCE,
  more: { isTTY?: boolean; columns?: number; env?: NodeJS.ProcessEnv; signal?: AbortSignal } = {},
): Promise<Told> {
  const written = { out: '', err: '' };
  const status = await runDemo(steps, options, {
    out: { isTTY: more.isTTY ?? false, columns: more.columns ?? 100, write: (text) => (written.out += text) },
    err: { write: (text) => (written.err += text) },
    env: more.env ?? {},
    signal: more.signal ?? new AbortController().signal,
  });
  return { status, ...written };
}

function step(name: string, run: Step['run']): Step {
  return { name, title: `The step ${name}`, story: 'Plain words. '.repeat(20).trim(), run };
}

const holds = step('holds', async () => [finding('a hash', 'x'.repeat(43))]);

describe('a story of which a step fails', () => {
  const fails = step('fails', async () => {
    throw new CountersignError('jws_signature', 'by nobody we know');
  });

  it('ends there with status 1, naming the step and the reason', async () => {
    let reached = false;
    const after = step('after', async () => {
      reached = true;
      return [];
    });
    const told = await tell([holds, fails, after]);
    expect(told.status).toBe(1);
    expect(told.out).toContain('✗ failed');
    expect(told.out).toContain('jws_signature: by nobody we know');
    expect(told.err).toBe('The story ends at step fails.\n');
    expect(reached).toBe(false);
  });

  it('ends there as JSON too, with the code', async () => {
    const told = await tell([holds, fails], ONCE_AS_JSON);
    const lines = told.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(told.status).toBe(1);
    expect(lines.map(({ name, ok }) => [name, ok])).toEqual([
      ['holds', true],
      ['fails', false],
    ]);
    expect(lines[1].error).toEqual({
      code: 'jws_signature',
      message: 'jws_signature: by nobody we know',
    });
  });

  it('fails when a claim of the story does not hold', async () => {
    const claims = step('claims', async () => {
      must(false, 'the attack succeeded');
      return [];
    });
    const told = await tell([claims]);
    expect(told.status).toBe(1);
    expect(told.out).toContain('the attack succeeded');
  });
});

describe('a story that the person ends', () => {
  it('stops with status 130 after the step under way, and tells no more', async () => {
    const ended = new AbortController();
    const interrupted = step('interrupted', async () => {
      ended.abort();
      return [];
    });
    const told = await tell([interrupted, holds], ONCE, { signal: ended.signal });
    expect(told.status).toBe(130);
    expect(told.out).not.toContain('The step holds');
  });

  it('removes its folder however it ends', async () => {
    const folders: string[] = [];
    const looks = step('looks', async ({ folder }) => {
      folders.push(folder);
      expect(existsSync(folder)).toBe(true);
      throw new Error('and breaks');
    });
    await tell([looks]);
    expect(folders.map((folder) => existsSync(folder))).toEqual([false]);
  });

  it('ends the other things although one of them cannot be ended', async () => {
    const ended: string[] = [];
    const leaves = step('leaves', async (stage) => {
      stage.onClose(() => ended.push('first'));
      stage.onClose(() => {
        throw new Error('cannot be ended');
      });
      return [];
    });
    await tell([leaves]);
    expect(ended).toEqual(['first']);
  });
});

describe('the text', () => {
  it.each([80, 100, 200])('fits a terminal of %i columns, and is never wider than 100', async (columns) => {
    const { out } = await tell([holds], ONCE, { columns });
    const lines = out.split('\n').filter((line) => !line.includes('files and logs'));
    const widest = Math.max(...lines.map((line) => line.length));
    expect(widest).toBeLessThanOrEqual(Math.min(columns, 100));
  });

  it('has titles that leave room for their marks in 80 columns', () => {
    for (const { title } of STORY) expect(title.length).toBeLessThanOrEqual(66);
  });

  it('has colour on a terminal alone, and not where NO_COLOR is set', async () => {
    expect((await tell([holds])).out).not.toContain(ESCAPE);
    expect((await tell([holds], ONCE, { isTTY: true })).out).toContain(`${ESCAPE}32m✓`);
    const plain = await tell([holds], ONCE, { isTTY: true, env: { NO_COLOR: '1' } });
    expect(plain.out).not.toContain(`${ESCAPE}32m`);
  });

  it('shortens keys, hashes and signed objects, but no address or URL', () => {
    expect(shorten(`key ${'A'.repeat(37)}bcdefg`)).toBe('key AAAAAAAAAAAA…bcdefg');
    const jws = `${'h'.repeat(60)}.${'p'.repeat(200)}.${'s'.repeat(80)}tailed`;
    expect(shorten(jws)).toBe('hhhhhhhhhhhh…tailed');
    const plain =
      'https://bridge.globex.localhost:40583 ada@acme.example 01a202c9-c5a3-743c-a8e7-d33d3d942784';
    expect(shorten(plain)).toBe(plain);
  });

  it('wraps between words', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('overlong', 3)).toEqual(['overlong']);
  });
});

describe('the arguments', () => {
  it('takes --once and --json', () => {
    expect(parseOptions([])).toMatchObject({ once: false, json: false });
    expect(parseOptions(['--once', '--json'])).toMatchObject({ once: true, json: true });
  });

  it('refuses what it does not know', () => {
    expect(() => parseOptions(['--onse'])).toThrow(/--onse/);
  });
});
