import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';
import { NO_STRACE } from '../fakes/find-strace.ts';
import { parseTrace, type SystemCall } from './system-calls.ts';

const SERVER = fileURLToPath(new URL('acknowledging-server.ts', import.meta.url));

describe('What is acknowledged is on disk', () => {
  let folder: string;
  let path: string;
  let children: ChildProcess[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-durability-'));
    path = join(folder, 'records.db');
    children = [];
  });

  afterEach(async () => {
    for (const child of children) {
      await kill(child);
    }
    rmSync(folder, { recursive: true });
  });

  /** Starts the server, under `tracer` if given, and waits until it listens. */
  const start = async (tracer: string[] = []): Promise<{ child: ChildProcess; url: string }> => {
    const [command = '', ...rest] = [...tracer, process.execPath, '--import', 'tsx', SERVER, path];
    const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    const lines = createInterface({ input: child.stdout });
    const [port] = await Promise.race([
      once(lines, 'line'),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`the server ended with ${code}`))),
    ]);
    return { child, url: `http://127.0.0.1:${port}` };
  };

  const stored = async (): Promise<string[]> => {
    const database = await openSqlite({ path, clock: systemClock });
    const rows = await database.read((query) => query.selectFrom('meta').select('key').execute());
    await database.close();
    return rows.map((row) => row.key);
  };

  it('when the process is killed between the acknowledgement and the next request, twenty times', async () => {
    const acknowledged: string[] = [];
    for (let life = 1; life <= 20; life++) {
      const { child, url } = await start();
      for (const request of ['first', 'second', 'last']) {
        const response = await fetch(`${url}/${life}-${request}`, { method: 'POST' });
        acknowledged.push(await response.text());
      }
      await kill(child);
      expect((await stored()).toSorted()).toEqual(acknowledged.toSorted());
    }
    expect(acknowledged).toHaveLength(60);
  }, 180_000);

  it.skipIf(NO_STRACE !== undefined)(
    `because the log is synced before the first byte of the answer leaves${NO_STRACE ? ` (skipped: ${NO_STRACE})` : ''}`,
    async () => {
      const trace = join(folder, 'trace');
      const calls = 'trace=fsync,fdatasync,write,writev,pwrite64,pwritev,sendto,sendmsg';
      const { child, url } = await start(['strace', '-f', '-y', '-s', '64', '-e', calls, '-o', trace]);
      const requests = { first: 'POST', second: 'PUT', third: 'POST', fourth: 'PUT', fifth: 'PUT' };
      for (const [request, method] of Object.entries(requests)) {
        const response = await fetch(`${url}/${request}`, { method });
        expect(await response.text()).toBe(request);
      }
      child.stdin?.end();
      await once(child, 'exit');

      // what was done to the log before each answer, since the answer before
      const steps = logStepsBeforeAnswers(parseTrace(readFileSync(trace, 'utf8')));
      expect(steps).toHaveLength(5);
      for (const before of steps) {
        expect(before).toContain('written');
        expect(before.at(-1)).toBe('synced');
      }
    },
    120_000,
  );

  it.skipIf(NO_STRACE !== undefined)(
    `even where the log cannot be opened beside SQLite, which syncs it then${NO_STRACE ? ` (skipped: ${NO_STRACE})` : ''}`,
    async () => {
      const trace = join(folder, 'trace');
      // Of the file's path, which SQLite does not ask for: it is no link.
      const fault = ['-P', path, '-P', `${path}-wal`];
      const calls = ['-e', 'trace=readlink,fsync,fdatasync', '-e', 'inject=readlink:error=EMFILE'];
      const { child, url } = await start(['strace', '-f', '-y', ...fault, ...calls, '-o', trace]);
      for (const request of ['first', 'second']) {
        const response = await fetch(`${url}/${request}`, { method: 'PUT' });
        expect([response.status, await response.text()]).toEqual([200, request]);
      }
      await kill(child);
      const text = readFileSync(trace, 'utf8');
      expect(text).toContain('(INJECTED)');
      const synced = parseTrace(text).filter(({ name, failed }) => name === 'fdatasync' && !failed);
      expect(synced).toEqual([]);
      expect(await stored()).toEqual(expect.arrayContaining(['first', 'second']));
    },
    120_000,
  );

  it.skipIf(NO_STRACE !== undefined)(
    `or it is told to nobody, and the store is not believed any more${NO_STRACE ? ` (skipped: ${NO_STRACE})` : ''}`,
    async () => {
      // SQLite itself calls fsync; strace counts the calls of each thread
      const fault = ['-e', 'trace=fdatasync', '-e', 'inject=fdatasync:error=EIO:when=2'];
      const one = ['-E', 'UV_THREADPOOL_SIZE=1'];
      const { child, url } = await start(['strace', '-f', ...one, ...fault, '-o', join(folder, 'trace')]);
      const answers: [number, string][] = [];
      for (const [request, method] of Object.entries({
        first: 'PUT',
        second: 'PUT',
        third: 'PUT',
        fourth: 'POST',
      })) {
        const response = await fetch(`${url}/${request}`, { method });
        answers.push([response.status, await response.text()]);
      }
      expect(answers).toEqual([
        [200, 'first'],
        [503, 'unavailable'],
        [503, 'unavailable'],
        [503, 'unavailable'],
      ]);
      await kill(child);
      const after = await stored();
      expect(after).toContain('first');
      expect(after).not.toContain('third');
      expect(after).not.toContain('fourth');
    },
    60_000,
  );
});

function logStepsBeforeAnswers(calls: SystemCall[]): string[][] {
  const answers: string[][] = [];
  let steps: string[] = [];
  for (const call of calls) {
    if (call.arguments.includes('HTTP/1.1 200')) {
      answers.push(steps);
      steps = [];
    } else if (/records\.db-wal>/.test(call.arguments) && !call.failed) {
      steps.push(/sync$/.test(call.name) ? 'synced' : 'written');
    }
  }
  return answers;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}
