import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { linesOfFile } from '../../bridge/cli/event-lines.ts';
import { createProgress } from '../../bridge/cli/progress.ts';
import { UsageError } from '../../bridge/cli/usage-error.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function linesOf(content: string | Buffer, name = 'copy.ndjson') {
  const path = join(folder, name);
  await writeFile(path, content);
  const lines: (string | undefined)[] = [];
  for await (const { text } of linesOfFile(path)) lines.push(text);
  return lines;
}

describe('the lines of a file', () => {
  it('end at line feeds alone, and the last one where the file does', async () => {
    expect(await linesOf('a\r\nb\u2028c\u0085d\n\ne')).toEqual(['a', 'b\u2028c\u0085d', '', 'e']);
    expect(await linesOf('')).toEqual([]);
    expect(await linesOf(gzipSync('a\nb\n'), 'copy.ndjson.gz')).toEqual(['a', 'b']);
  });

  it('are put together of all pieces that they are read in', async () => {
    const long = `${'ż'.repeat(200_000)}é`;
    expect(await linesOf(`${long}\nb\n${long}`)).toEqual([long, 'b', long]);
  });

  it('have no text where they are longer than any that the bridge writes', async () => {
    expect(await linesOf(`a\n${'x'.repeat(3_000_000)}\nb\n`)).toEqual(['a', undefined, 'b']);
  });

  it('of a file that is not there, or is damaged, are a fault of the command line', async () => {
    await expect(linesOfFile(join(folder, 'none')).next()).rejects.toThrow(UsageError);
    await expect(linesOf(gzipSync('a\nb\n').subarray(0, 15), 'cut.gz')).rejects.toThrow(UsageError);
  });
});

describe('progress', () => {
  afterEach(() => vi.useRealTimers());

  it('is shown now and then, and taken away at the end', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const shown: string[] = [];
    const progress = createProgress({ progress: (text) => void shown.push(text) });
    for (let passed = 50; passed <= 450; passed += 50) {
      vi.advanceTimersByTime(50);
      progress.tell(() => `after ${passed} ms`);
    }
    progress.end();
    expect(shown).toEqual(['after 200 ms', 'after 400 ms', '']);
  });

  it('is nothing where nobody looks', () => {
    const progress = createProgress({});
    progress.tell(() => {
      throw new Error('it was asked for');
    });
    progress.end();
  });
});
