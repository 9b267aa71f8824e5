import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Signer } from '../../bridge/signer/signer.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { openWitnessKey, type WitnessKey } from '../../bridge/tlog/witness-key.ts';
import { createWitness, type SplitView, type Witness } from '../../bridge/tlog/witness-server.ts';
import { originHash } from '../../bridge/tlog/witness-store.ts';
import { parseCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { formatNote, parseNote, parseSignatureLines } from '../../protocol/tlog/signed-note.ts';
import { parseVerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { verifyNote } from '../../protocol/tlog/verify-note.ts';
import { formatAddCheckpoint } from '../../protocol/tlog/witness-protocol.ts';
import { type SignerFixture, signerFixture } from '../signer/signer-fixture.ts';
import { type SmallLog, smallLog } from './small-log.ts';

const NAME = 'bridge.acme.example/witness';

let fixture: SignerFixture;
let signer: Signer;
let key: WitnessKey;
let log: SmallLog;
let witness: Witness;
let splits: SplitView[];

function witnessOn(database: Database, signing = key): Witness {
  return createWitness({
    ...{ database, clock: fixture.clock, key: signing },
    findLogKeys: async (origin) => ({ keys: origin === log.origin ? [log.key] : [] }),
    onSplitView: (found) => void splits.push(found),
  });
}

beforeEach(async () => {
  fixture = await signerFixture();
  signer = await fixture.open();
  const { clock, store } = fixture;
  key = await openWitnessKey({ database: store.database, signer, clock, name: NAME });
  log = await smallLog('log.globex.example/log', 5);
  splits = [];
  witness = witnessOn(store.database);
});
afterEach(() => fixture.store.remove());

async function cosignAll(): Promise<void> {
  expect(await witness.addCheckpoint(await log.request(await known()))).toMatchObject({ kind: 'cosigned' });
}

/** Up to where the witness has cosigned. */
async function known(): Promise<number> {
  const note = await witness.checkpoint(originHash(log.origin));
  return note === undefined ? 0 : parseCheckpoint(parseNote(note).text).size;
}

describe('a witness', () => {
  it('cosigns the first checkpoint of a log that it knows, in its own name and at this time', async () => {
    const answer = await witness.addCheckpoint(await log.request(0));
    if (answer.kind !== 'cosigned') throw new Error('not cosigned');
    const { text } = parseNote(await log.note());
    const signatures = parseSignatureLines(answer.lines);
    const [verified] = await verifyNote({ text, signatures }, [parseVerifierKey(witness.vkey)]);
    expect(verified).toMatchObject({
      key: { name: NAME },
      time: Math.floor(fixture.clock.now() / 1000),
    });
    expect(signatures).toHaveLength(1);
  });

  it('cosigns what continues what it has seen, and the same again at a later time', async () => {
    await cosignAll();
    log.append('a', 'b');
    await cosignAll();
    fixture.clock.advance(60_000);
    await cosignAll();
    expect(await known()).toBe(7);
  });

  it('cosigns the checkpoint of an empty log', async () => {
    log = await smallLog(log.origin);
    witness = witnessOn(fixture.store.database);
    await cosignAll();
    log.append('a');
    await cosignAll();
    expect(await known()).toBe(1);
  });

  it('shows the newest checkpoint with the log’s signature and its own, and no others', async () => {
    const { text, signatures } = parseNote(await log.note());
    const stranger = { name: log.origin, keyId: 7, bytes: new Uint8Array(64) };
    const checkpoint = formatNote({ text, signatures: [stranger, ...signatures] });
    await witness.addCheckpoint(formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint }));
    const shown = parseNote((await witness.checkpoint(originHash(log.origin))) ?? '');
    expect(shown.text).toBe(text);
    expect(shown.signatures.map(({ name, keyId }) => [name, keyId])).toEqual([
      [log.origin, log.key.keyId],
      [NAME, key.verifier.keyId],
    ]);
    await verifyNote(shown, [log.key, key.verifier]);
    expect(await witness.checkpoint(originHash('log.nobody.example/log'))).toBeUndefined();
  });

  it('remembers over a restart', async () => {
    await cosignAll();
    const { clock, store } = fixture;
    const again = await openWitnessKey({ database: store.database, signer, clock, name: NAME });
    expect(again.vkey).toBe(key.vkey);
    key = again;
    witness = witnessOn(await store.openAnother());
    expect(await witness.addCheckpoint(await log.request(0))).toEqual({ kind: 'stale', size: 5 });
  });
});

describe('a witness refuses', () => {
  it.each([
    ['nothing', '', 'malformed_request'],
    ['a size with zeros in front', 'old 05\n\n', 'malformed_request'],
    ['a size without an end', 'old 5', 'malformed_request'],
    ['a hash that is none', 'old 5\nAAAA\n\n', 'malformed_request'],
    ['no checkpoint', 'old 0\n\nnothing\n', 'note_malformed'],
    ['64 hashes', `old 1\n${`${'A'.repeat(43)}=\n`.repeat(64)}\nx\n`, 'malformed_request'],
  ])('%s', async (_what, body, code) => {
    await expect(witness.addCheckpoint(body)).rejects.toMatchObject({ code });
  });

  it('a log that it does not know, before it looks at signatures', async () => {
    const other = await smallLog('log.nobody.example/log', 3);
    await expect(witness.addCheckpoint(await other.request(0))).rejects.toMatchObject({
      code: 'witness_log_unknown',
    });
  });

  it('a checkpoint that only others have signed', async () => {
    const impostor = await smallLog(log.origin, 5);
    await expect(witness.addCheckpoint(await impostor.request(0))).rejects.toMatchObject({
      code: 'witness_signature',
    });
    await expect(witness.addCheckpoint(await impostor.request(9))).rejects.toMatchObject({
      code: 'witness_signature',
    });
  });

  it('a wrong signature of a key that it knows, beside a right one', async () => {
    const { text, signatures } = parseNote(await log.note());
    const wrong = { name: log.origin, keyId: log.key.keyId, bytes: new Uint8Array(64) };
    const checkpoint = formatNote({ text, signatures: [...signatures, wrong] });
    const body = formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint });
    await expect(witness.addCheckpoint(body)).rejects.toMatchObject({ code: 'witness_signature' });
    expect(await known()).toBe(0);
  });

  it('an old size above the new one, before it compares with its own', async () => {
    await cosignAll();
    await expect(witness.addCheckpoint(await log.request(6))).rejects.toMatchObject({ code: 'witness_size' });
  });

  it('an older checkpoint, by saying where it stands', async () => {
    await cosignAll();
    const checkpoint = await log.note(3);
    const body = formatAddCheckpoint({ oldSize: 2, proof: log.consistencyProof(2, 3), checkpoint });
    expect(await witness.addCheckpoint(body)).toEqual({ kind: 'stale', size: 5 });
    expect(splits).toEqual([]);
  });

  it('a proof of another tree, of another size, or none', async () => {
    await cosignAll();
    const before = log.fork(5);
    log.append('a', 'b', 'c');
    const checkpoint = await log.note();
    const proofs = [[], log.consistencyProof(4), before.consistencyProof(4), [new Uint8Array(32)]];
    for (const proof of proofs) {
      const body = formatAddCheckpoint({ oldSize: 5, proof, checkpoint });
      await expect(witness.addCheckpoint(body)).rejects.toMatchObject({ code: 'witness_proof' });
    }
    expect(await known()).toBe(5);
  });

  it('a proof where there is nothing to prove', async () => {
    const checkpoint = await log.note();
    const proof = [new Uint8Array(32)];
    const first = formatAddCheckpoint({ oldSize: 0, proof, checkpoint });
    await expect(witness.addCheckpoint(first)).rejects.toMatchObject({ code: 'witness_proof' });
    await cosignAll();
    const same = formatAddCheckpoint({ oldSize: 5, proof, checkpoint });
    await expect(witness.addCheckpoint(same)).rejects.toMatchObject({ code: 'witness_proof' });
    expect(splits).toEqual([]);
  });

  it('a fork', async () => {
    await cosignAll();
    const fork = log.fork(4, 'other', 'more');
    await expect(witness.addCheckpoint(await fork.request(5))).rejects.toMatchObject({
      code: 'witness_proof',
    });
    expect(await known()).toBe(5);
  });

  it('another root of the same size, and reports both checkpoints as the log signed them', async () => {
    await cosignAll();
    const fork = log.fork(4, 'other');
    await expect(witness.addCheckpoint(await fork.request(5))).rejects.toMatchObject({
      code: 'witness_proof',
    });
    expect(await witness.addCheckpoint(await fork.request(0))).toEqual({ kind: 'stale', size: 5 });
    expect(splits).toHaveLength(2);
    for (const { origin, size, seen, offered } of splits) {
      expect({ origin, size }).toEqual({ origin: log.origin, size: 5 });
      expect(parseNote(seen).text).not.toBe(parseNote(offered).text);
      for (const note of [seen, offered]) await verifyNote(parseNote(note), [log.key]);
    }
  });
});

describe('of forks that are shown to a witness at once', () => {
  it('exactly one is cosigned, also where two processes share the store', async () => {
    await cosignAll();
    const together = inStep(4);
    const atOnce = (database: Database) => witnessOn(database, { ...key, sign: together(key.sign) });
    const witnesses = [atOnce(fixture.store.database), atOnce(await fixture.store.openAnother())];
    for (let round = 0; round < 10; round += 1) {
      const size = log.size;
      const forks = [1, 2, 3, 4].map((way) => log.fork(size, `way ${way} of ${round}`));
      const bodies = await Promise.all(forks.map((fork) => fork.request(size)));
      const answers = await Promise.all(
        bodies.map((body, index) => witnesses[index % 2]?.addCheckpoint(body)),
      );
      const kinds = answers.map((answer) => answer?.kind);
      expect(kinds.toSorted()).toEqual(['cosigned', 'stale', 'stale', 'stale']);
      log = forks[kinds.indexOf('cosigned')] ?? log;
      expect(await known()).toBe(size + 1);
    }
    expect(splits).toHaveLength(30);
  });
});

/** Lets calls return only when so many have been made: what follows them happens as much at once as it can. */
function inStep(calls: number) {
  let waiting: (() => void)[] = [];
  return <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      const result = await work(...args);
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length < calls) return;
        for (const release of waiting) release();
        waiting = [];
      });
      return result;
    };
}
