import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import type { StoredEvent } from '../../bridge/events/event.ts';
import { createEventCheckpoints } from '../../bridge/events/log-checkpoints.ts';
import { createEventProofs } from '../../bridge/events/log-proofs.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';
import { formatProofLine } from '../../protocol/events/copied-line.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';
import { appendEach, quiet } from '../events/events-fixture.ts';
import { ISS } from '../signer/signer-fixture.ts';
import { hashesOf } from './copy-fixture.ts';
import { type EventProofFixture, eventProofFixture } from './event-proof-fixture.ts';

describe.skipIf(process.env.COUNTERSIGN_TEST_STORE === 'postgres')('a restored backup', () => {
  let fixture: EventProofFixture;
  let auditor: RecordedTerminal;
  const path = (name: string) => join(auditor.home, name);

  /** What the log of this store has, as an export. */
  async function exportOf(events: readonly StoredEvent[], proofs: EventProofFixture['proofs']) {
    const proof = await proofs.prove({ from: 1, to: events.length });
    return [formatProofLine(proof), ...events.map((event) => JSON.stringify(event)), hashesOf(events)];
  }

  /** The bridge goes on from what the store was when 5 events were signed, as if nothing had come after. */
  async function exportOfRestored(backup: string): Promise<string[]> {
    const { clock, signer } = fixture;
    const database = await openSqlite({ path: backup, clock });
    const log = createEventLog({ database, clock, logger: quiet, iss: ISS });
    const checkpoints = createEventCheckpoints({ database, events: log, signer, clock, logger: quiet });
    await appendEach(database, log, ['somebody', 'else', 'and', 'others', 'more']);
    await log.settled();
    await checkpoints.checkpoint();
    const events = (await log.page({ since: 0, limit: 1_000 })).slice(0, 11);
    const lines = await exportOf(events, createEventProofs({ database, signer, signed: checkpoints.signed }));
    await log.stop();
    await database.close();
    return lines;
  }

  beforeAll(async () => {
    fixture = await eventProofFixture();
    auditor = await recordedTerminal(() => Promise.reject(new TypeError('no network')));
    await fixture.reportSigned(5);
    for (const suffix of ['', '-wal'])
      await copyFile(fixture.store.reach + suffix, path(`backup.db${suffix}`));
    await fixture.reportSigned(5);
    const siem = await fixture.events();
    await writeFile(path('siem.ndjson'), siem.map((event) => `${JSON.stringify(event)}\n`).join(''));
    await writeFile(path('checkpoint'), String(siem.at(-1)?.data.checkpoint));
    await writeFile(path('export.ndjson'), (await exportOfRestored(path('backup.db'))).join('\n'));
  });
  afterAll(async () => {
    await auditor.remove();
    await fixture.remove();
  });

  const verify = async (...args: string[]) => {
    const { code, out } = await auditor.run(['events', 'verify', ...args, '--json']);
    return { code, report: JSON.parse(out) };
  };

  it('signs what is proven by itself', async () => {
    expect(await verify(path('export.ndjson'))).toMatchObject({ code: 0, report: { outcome: 'proven' } });
  });

  it('is found by a checkpoint that went to the SIEM', async () => {
    expect(await verify(path('export.ndjson'), '--checkpoint', path('checkpoint'))).toMatchObject({
      ...{ code: 3, report: { outcome: 'refuted', forked: [11], proven: 0 } },
    });
  });

  it('is found by the copy that the SIEM has', async () => {
    expect(await verify(path('export.ndjson'), path('siem.ndjson'))).toMatchObject({
      ...{ code: 3, report: { outcome: 'refuted', forked: [11], added: [{ from: 7, to: 11 }] } },
    });
  });
});
