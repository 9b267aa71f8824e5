import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'libsql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeFailure } from '../../bridge/cli/failure.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-failure-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('A failure at the command line', () => {
  it('of a file that is not there is one line that names it and who asked', async () => {
    const path = join(folder, 'missing', 'e.ndjson');
    const error = await open(path, 'w').catch((thrown: unknown) => thrown);
    const { text, exitCode } = describeFailure(error);
    expect(text).toMatch(/e\.ndjson: there is no such file or folder \(ENOENT, as user \S+\)\.$/);
    expect(text).not.toContain('\n');
    expect(exitCode).toBe(1);
  });

  it('of a file that cannot be there says so', async () => {
    const error = await open('/dev/null/x', 'w').catch((thrown: unknown) => thrown);
    expect(describeFailure(error).text).toMatch(/^\/dev\/null\/x: a part of the path is no folder \(ENOTDIR/);
  });

  it('of a database that cannot be written says so', () => {
    const database = new Sqlite(join(folder, 'read-only.db'));
    database.exec('create table t (x)');
    database.exec('pragma query_only = 1');
    let error: unknown;
    try {
      database.exec('insert into t values (1)');
    } catch (thrown) {
      error = thrown;
    }
    database.close();
    expect(describeFailure(error).text).toMatch(/cannot be written \(SQLITE_READONLY/);
  });

  it('that nobody foresaw keeps its stack', () => {
    const { text } = describeFailure(new TypeError('x is not a function'));
    expect(text).toMatch(/^This should not have happened:\nTypeError: x is not a function\n\s+at /);
  });
});
