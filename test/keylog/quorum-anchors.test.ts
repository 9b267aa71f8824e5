import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DatabaseKeyLog } from '../../bridge/keylog/database-key-log.ts';
import { pruneMap } from '../../bridge/keylog/map-pruning.ts';
import { newestSigned } from '../../bridge/tlog/checkpoint-store.ts';
import { type CosignerKind, storeCosignature } from '../../bridge/tlog/cosignature-store.ts';
import { createQuorum, parseCosigners, type Quorum } from '../../bridge/tlog/quorum.ts';
import { type WitnessKey, witnessKey } from '../../bridge/tlog/witness-key.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import type { LogTrust } from '../../protocol/keytrans/log-trust.ts';
import { formatCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { cosign } from '../../protocol/tlog/cosignature.ts';
import { formatSignatureLine } from '../../protocol/tlog/signed-note.ts';
import { SOON } from '../fakes/soon.ts';
import { ALICE, type KeyLogFixture, keyLogFixture, ORIGIN } from './key-log-fixture.ts';

const BOB = 'bob@acme.example';
const running = new AbortController().signal;

let fixture: KeyLogFixture;
let witness: WitnessKey;
let auditor: WitnessKey;
let quorum: Quorum;
let trust: LogTrust;

async function open(auditorQuorum: 0 | 1): Promise<DatabaseKeyLog> {
  fixture = await keyLogFixture();
  witness = witnessKey('witness.example/w', await generateSigningKey(false));
  auditor = witnessKey('auditor.example/a', await generateSigningKey(false));
  const settings = { witnesses: [witness.vkey], quorum: 1, auditors: [auditor.vkey], auditorQuorum };
  quorum = createQuorum({
    ...{ log: 'keys', database: fixture.database, cosigners: parseCosigners(settings) },
    ...{ quorum: 1, auditorQuorum },
  });
  trust = {
    ...{ witnesses: [witness.vkey], witnessQuorum: 1 },
    ...{ auditors: [auditor.vkey], auditorQuorum: 1 },
  };
  return fixture.open({ quorum, settings: { witnessWaitMilliseconds: 5_000 } });
}

/** Closes an epoch with one version. */
async function close(log: DatabaseKeyLog, name: string, version = 0): Promise<void> {
  await fixture.stage(log, { name, version });
  await log.stop();
}

/** The newest checkpoint gets a cosignature. */
async function cosigned(log: DatabaseKeyLog, key: WitnessKey, kind: CosignerKind): Promise<void> {
  const newest = await fixture.database.read((query) => newestSigned(query, 'keys'));
  if (newest === undefined) throw new Error('nothing is signed yet');
  const { size, root } = newest;
  const text = formatCheckpoint({ origin: ORIGIN, size, root: decodeBase64url(root, 32) });
  const time = Math.floor(fixture.clock.now() / 1000);
  const line = formatSignatureLine(await cosign(key, text, time));
  await fixture.database.transaction((tx) =>
    storeCosignature(tx, 'keys', size, { key: key.verifier, kind, time, line }),
  );
  quorum.noteCosigned();
  log.cosigned();
}

async function standing(log: DatabaseKeyLog, name: string, version = 0) {
  const staple = await fixture.staple(log, { name, version });
  const { level, epoch } = await fixture.verify(staple, { name, version, trust });
  return { level, epoch };
}

/** The epochs whose root page is stored. */
function rootPages(): Promise<number[]> {
  return fixture.database.read(async (query) => {
    const rows = await query
      .selectFrom('map_pages')
      .select('epoch')
      .where('path', '=', '')
      .orderBy('epoch')
      .execute();
    return rows.map(({ epoch }) => epoch);
  });
}

function keptEpochs(): Promise<number[]> {
  return fixture.database.read(async (query) => {
    const rows = await query
      .selectFrom('log_epochs')
      .select('epoch')
      .where('pages_kept', '=', 1)
      .orderBy('epoch')
      .execute();
    return rows.map(({ epoch }) => epoch);
  });
}

afterEach(() => fixture.remove());

describe('the checkpoint that a proof is anchored in', () => {
  let log: DatabaseKeyLog;

  beforeEach(async () => {
    log = await open(0);
  });

  it('is the newest that the quorum has seen, though there are newer ones', async () => {
    await close(log, ALICE);
    await cosigned(log, witness, 'witness');
    await close(log, BOB);
    expect(await standing(log, ALICE)).toEqual({ level: 'witnessed', epoch: 1 });
  });

  it('is the newest of all for what the quorum has not seen yet', async () => {
    await close(log, ALICE);
    await cosigned(log, witness, 'witness');
    await close(log, BOB);
    expect(await standing(log, BOB)).toEqual({ level: 'logged', epoch: 2 });
    await cosigned(log, witness, 'witness');
    expect(await standing(log, BOB)).toEqual({ level: 'witnessed', epoch: 2 });
    expect(await standing(log, ALICE)).toEqual({ level: 'witnessed', epoch: 2 });
  });

  it('is none that a compromised key alone has signed, though it is the newest that the quorum has seen', async () => {
    await close(log, ALICE);
    await cosigned(log, witness, 'witness');
    await close(log, BOB);
    expect(await standing(log, ALICE)).toEqual({ level: 'witnessed', epoch: 1 });
    await fixture.compromiseLogKey();
    await close(log, 'carol@acme.example');
    expect(await standing(log, ALICE)).toEqual({ level: 'logged', epoch: 3 });
    await cosigned(log, witness, 'witness');
    expect(await standing(log, ALICE)).toEqual({ level: 'witnessed', epoch: 3 });
  });

  it('is kept whole while newer epochs are written, and what nobody needs is pruned', async () => {
    await close(log, ALICE);
    await cosigned(log, witness, 'witness');
    for (let index = 0; index < 12; index++) await close(log, `p${index}@acme.example`);
    const prune = () => pruneMap({ database: fixture.database, quorum, epochsKept: 2 }, running);
    await prune();
    // the root changed in each of the 13 epochs: left are those of the first and of the last three
    expect(await rootPages()).toEqual([1, 11, 12, 13]);
    expect(await keptEpochs()).toEqual([1, 11, 12, 13]);
    const other = fixture.open({ quorum });
    expect(await standing(other, ALICE)).toEqual({ level: 'witnessed', epoch: 1 });
    expect(await standing(other, 'p11@acme.example')).toEqual({ level: 'logged', epoch: 13 });

    await cosigned(log, witness, 'witness');
    await prune();
    expect(await rootPages()).toEqual([11, 12, 13]);
    expect(await standing(fixture.open({ quorum }), ALICE)).toEqual({ level: 'witnessed', epoch: 13 });
  });

  it('is never one whose map is not whole any more', async () => {
    await close(log, ALICE);
    for (let index = 0; index < 5; index++) await close(log, `p${index}@acme.example`);
    await fixture.database.transaction((tx) =>
      tx.updateTable('log_checkpoints').set({ log_signature: null }).where('epoch', '>', 1).execute(),
    );
    await cosigned(log, witness, 'witness');
    await fixture.database.transaction((tx) =>
      tx.updateTable('log_epochs').set({ pages_kept: 0 }).where('epoch', '=', 1).execute(),
    );
    expect(await fixture.staple(fixture.open({ quorum }))).toBeNull();
  });

  it('is waited for by what is published, up to a bound', async () => {
    log.start();
    await fixture.stage(log);
    const publication = log.published('address', ALICE, 0);
    await expect
      .poll(() => fixture.database.read((query) => newestSigned(query, 'keys')), SOON)
      .toBeDefined();
    await cosigned(log, witness, 'witness');
    await publication;
    expect(await standing(log, ALICE)).toEqual({ level: 'witnessed', epoch: 1 });

    const impatient = fixture.open({ quorum, settings: { witnessWaitMilliseconds: 1 } });
    await fixture.stage(log, { name: BOB });
    await impatient.published('address', BOB, 0);
    expect(await standing(impatient, BOB)).toEqual({ level: 'logged', epoch: 2 });
  });
});

describe('where auditors are demanded too, the checkpoint', () => {
  let log: DatabaseKeyLog;

  beforeEach(async () => {
    log = await open(1);
  });

  it('is the newest that they have replayed, and for what is newer that of the witnesses', async () => {
    await close(log, ALICE);
    await cosigned(log, witness, 'witness');
    await cosigned(log, auditor, 'auditor');
    await close(log, BOB);
    await cosigned(log, witness, 'witness');
    expect(await standing(log, ALICE)).toEqual({ level: 'audited', epoch: 1 });
    expect(await standing(log, BOB)).toEqual({ level: 'witnessed', epoch: 2 });
  });

  it('is none that auditors have replayed and no witness has seen', async () => {
    await close(log, ALICE);
    await cosigned(log, witness, 'witness');
    await cosigned(log, auditor, 'auditor');
    await close(log, BOB);
    await cosigned(log, auditor, 'auditor');
    expect(await standing(log, ALICE)).toEqual({ level: 'audited', epoch: 1 });
    expect(await standing(log, BOB)).toEqual({ level: 'logged', epoch: 2 });
  });

  it('stays that of the witnesses when they are long gone too, and says how old it is', async () => {
    await close(log, ALICE);
    await cosigned(log, witness, 'witness');
    fixture.clock.advance(3 * 3_600_000);
    await close(log, BOB);
    expect(await standing(log, ALICE)).toEqual({ level: 'witnessed', epoch: 1 });
  });

  it('is that of the witnesses once the auditors are long gone', async () => {
    await close(log, ALICE);
    await cosigned(log, witness, 'witness');
    await cosigned(log, auditor, 'auditor');
    fixture.clock.advance(3 * 3_600_000);
    await close(log, BOB);
    await cosigned(log, witness, 'witness');
    expect(await standing(log, ALICE)).toEqual({ level: 'witnessed', epoch: 2 });
  });
});
