import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DatabaseKeyLog } from '../../bridge/keylog/database-key-log.ts';
import { CHECKPOINTS_KEPT_MS } from '../../bridge/lib/limits.ts';
import { pruneCheckpoints } from '../../bridge/tlog/checkpoint-pruning.ts';
import { newestSigned } from '../../bridge/tlog/checkpoint-store.ts';
import { createCheckpoints } from '../../bridge/tlog/checkpoints.ts';
import { storeCosignature } from '../../bridge/tlog/cosignature-store.ts';
import type { KeptHead } from '../../bridge/tlog/head-file.ts';
import { createQuorum, parseCosigners, type Quorum } from '../../bridge/tlog/quorum.ts';
import { type WitnessKey, witnessKey } from '../../bridge/tlog/witness-key.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import { formatCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { cosign } from '../../protocol/tlog/cosignature.ts';
import { formatSignatureLine } from '../../protocol/tlog/signed-note.ts';
import { quiet } from '../events/events-fixture.ts';
import { type KeyLogFixture, keyLogFixture, ORIGIN } from './key-log-fixture.ts';

let fixture: KeyLogFixture;
let witness: WitnessKey;
let quorum: Quorum;
let log: DatabaseKeyLog;
/** The newest checkpoint after each epoch. */
let closed: { readonly size: number; readonly root: string }[];

beforeEach(async () => {
  fixture = await keyLogFixture();
  witness = witnessKey('witness.example/w', await generateSigningKey(false));
  const settings = { witnesses: [witness.vkey], quorum: 1, auditors: [], auditorQuorum: 0 };
  quorum = createQuorum({
    ...{ log: 'keys', database: fixture.database, cosigners: parseCosigners(settings) },
    ...{ quorum: 1, auditorQuorum: 0 },
  });
  log = fixture.open({ quorum, settings: { witnessWaitMilliseconds: 5_000 } });
  closed = [];
});
afterEach(() => fixture.remove());

/** Closes an epoch with one version. */
async function close(): Promise<void> {
  fixture.clock.advance(1_000);
  await fixture.stage(log, { name: `person${closed.length}@acme.example` });
  await log.stop();
  const newest = await fixture.database.read((query) => newestSigned(query, 'keys'));
  if (newest === undefined) throw new Error('nothing is signed');
  closed.push(newest);
}

async function cosignNewest(): Promise<void> {
  const newest = closed.at(-1);
  if (newest === undefined) throw new Error('nothing is closed');
  const { size, root } = newest;
  const text = formatCheckpoint({ origin: ORIGIN, size, root: decodeBase64url(root, 32) });
  const time = Math.floor(fixture.clock.now() / 1000);
  const line = formatSignatureLine(await cosign(witness, text, time));
  await fixture.database.transaction((tx) =>
    storeCosignature(tx, 'keys', size, { key: witness.verifier, kind: 'witness', time, line }),
  );
  quorum.noteCosigned();
  log.cosigned();
}

const prune = () =>
  pruneCheckpoints({ log: 'keys', database: fixture.database, quorum }, new AbortController().signal);

/** Which of the closed epochs still have rows in a table. */
async function left(table: 'log_checkpoints' | 'log_cosignatures'): Promise<number[]> {
  const rows = await fixture.database.read((query) =>
    query.selectFrom(table).select('size').where('log', '=', 'keys').orderBy('size').execute(),
  );
  return rows.map(({ size }) => closed.findIndex((each) => each.size === size));
}

describe('old checkpoints', () => {
  it('go a week behind the newest, but for what is handed out and what says since when something is missing', async () => {
    for (let epoch = 0; epoch < 3; epoch += 1) {
      await close();
      await cosignNewest();
    }
    for (let epoch = 0; epoch < 3; epoch += 1) await close();
    fixture.clock.advance(CHECKPOINTS_KEPT_MS);
    await close();
    await prune();
    // the first of all; the newest with the quorum, and the one behind it; the newest of all
    expect(await left('log_checkpoints')).toEqual([0, 2, 3, 6]);
    expect(await left('log_cosignatures')).toEqual([0, 2]);
  });

  it('leave every proof as it was, and every epoch', async () => {
    await close();
    await cosignNewest();
    for (let epoch = 0; epoch < 3; epoch += 1) await close();
    fixture.clock.advance(CHECKPOINTS_KEPT_MS);
    await close();
    const name = 'person0@acme.example';
    const before = await fixture.staple(log, { name });
    await prune();
    log.cosigned();
    expect(await fixture.staple(log, { name })).toBe(before);
    expect((await fixture.verify(before, { name })).epoch).toBe(1);
    const epochs = await fixture.database.read((query) =>
      query.selectFrom('log_epochs').select('epoch').execute(),
    );
    expect(epochs).toHaveLength(5);
  });

  it('stay for a week, however often it is looked', async () => {
    for (let epoch = 0; epoch < 4; epoch += 1) await close();
    fixture.clock.advance(CHECKPOINTS_KEPT_MS - 10_000);
    await close();
    await prune();
    await prune();
    expect(await left('log_checkpoints')).toEqual([0, 1, 2, 3, 4]);
  });

  it('are not missed by a replica whose head file is of one of them: the tree says whether it was of this log', async () => {
    for (let epoch = 0; epoch < 4; epoch += 1) await close();
    fixture.clock.advance(CHECKPOINTS_KEPT_MS);
    await close();
    await prune();
    expect(await left('log_checkpoints')).toEqual([0, 4]);
    const publishBehind = async (kept: KeptHead) => {
      const { database, signer } = fixture;
      const headFile = { read: async () => kept, write: async () => undefined };
      await createCheckpoints({
        ...{ log: 'keys' as const, origin: ORIGIN, database, logger: quiet, signer },
        headFile: headFile as never,
      }).publish();
    };
    const { size, root } = closed[2] as { size: number; root: string };
    await publishBehind({ origin: ORIGIN, size, root } as KeptHead);
    const other = { origin: ORIGIN, size, root: 'A'.repeat(43) } as KeptHead;
    await expect(publishBehind(other)).rejects.toMatchObject({ code: 'state_refused' });
  });
});
