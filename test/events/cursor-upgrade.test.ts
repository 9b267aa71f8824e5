import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createEventLog, type SequencedEventLog } from '../../bridge/events/database-event-log.ts';
import type { SinkDefinition } from '../../bridge/events/delivery/sink-definition.ts';
import { createDelivery } from '../../bridge/events/delivery.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { MIGRATIONS } from '../../bridge/storage/migrations/index.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';
import { stdoutSink } from '../../connectors/siem/stdout.ts';
import { ISS, movableClock } from '../signer/signer-fixture.ts';
import { appendEach, quiet } from './events-fixture.ts';

const clock = movableClock();
const open = (database: Database) => createEventLog({ database, clock, logger: quiet, iss: ISS });

let folder: string;
let database: Database;
let log: SequencedEventLog;

/** The store of a bridge that knew one sink, standard output, which had taken 3 of its 5 events. */
async function storeOfBefore(path: string): Promise<void> {
  const old = await openSqlite({ path, clock, migrations: MIGRATIONS.filter(({ id }) => id < '025') });
  await old.migrate();
  const events = open(old);
  await appendEach(old, events, ['p1', 'p2', 'p3', 'p4', 'p5']);
  await events.settled();
  await old.transaction(async (tx) => {
    await sql`insert into event_cursors (sink, seq) values ('stdout', 3)`.execute(tx);
  });
  await events.stop();
  await old.close();
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  const path = join(folder, 'bridge.db');
  await storeOfBefore(path);
  database = await openSqlite({ path, clock });
  await database.migrate();
  log = open(database);
});

afterEach(async () => {
  await log.stop();
  await database.close();
  await rm(folder, { recursive: true });
});

it('standard output goes on where it stood in the store of a bridge from before there were other sinks', async () => {
  const stream = new PassThrough();
  const stdout: SinkDefinition = {
    ...{ id: 'stdout', name: 'stdout', revision: 1, status: 'enabled', filter: {}, redaction: 'none' },
    open: async () => ({ sink: stdoutSink(stream) }),
  };
  const delivery = createDelivery({
    ...{ database, log, clock, logger: quiet },
    definitions: { builtin: ['stdout'], list: async () => [stdout] },
  });
  delivery.start();
  await delivery.stop();
  stream.end();
  const written = (await text(stream)).trimEnd().split('\n');
  expect(written.map((line) => JSON.parse(line).subject.sub)).toEqual(['p4', 'p5']);
});
