import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OutboundResponse } from '../../bridge/lib/outbound.ts';
import type { ForgottenCosignature } from '../../bridge/tlog/forgotten-cosignature.ts';
import { type WitnessKey, witnessKey } from '../../bridge/tlog/witness-key.ts';
import { createWitnessMemory, type WitnessMemory } from '../../bridge/tlog/witness-memory.ts';
import { createWitness, type Witness } from '../../bridge/tlog/witness-server.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { formatNote, parseNote, parseSignatureLines } from '../../protocol/tlog/signed-note.ts';
import { quiet } from '../events/events-fixture.ts';
import {
  type MovableClock,
  movableClock,
  type TemporaryStore,
  temporaryStore,
} from '../signer/signer-fixture.ts';
import { type SmallLog, smallLog } from './small-log.ts';

const ORIGIN = 'bridge.globex.example/log';
const URL_OF_LOG = `https://${ORIGIN}/checkpoint`;

let clock: MovableClock;
let key: WitnessKey;
let log: SmallLog;
let stores: TemporaryStore[];
/** What the log publishes; an error: it does not answer. */
let published: { status: number; text: string } | CountersignError;
let asked: string[];
let told: ForgottenCosignature[];

beforeEach(async () => {
  clock = movableClock();
  key = witnessKey('bridge.acme.example/witness', await generateSigningKey(false));
  log = await smallLog(ORIGIN, 5);
  [stores, asked, told] = [[], [], []];
  published = { status: 404, text: '' };
});
afterEach(async () => {
  for (const store of stores) await store.remove();
});

/** A process with this key, on a store that is empty unless one is given. */
async function start(given?: TemporaryStore): Promise<{ store: TemporaryStore; witness: Witness }> {
  const store = given ?? (await temporaryStore(clock));
  if (given === undefined) stores.push(store);
  const { database } = store;
  const memory: WitnessMemory = createWitnessMemory({
    ...{ database, clock, logger: quiet, key: key.verifier, outbound: { request: answer } },
    checkpointUrl: (origin) => (origin === ORIGIN ? URL_OF_LOG : undefined),
    onForgotten: (forgotten) => void told.push(forgotten),
  });
  const findLogKeys = async (origin: string) => ({
    keys: [log, other].flatMap((each) => keysOf(each, origin)),
  });
  return { store, witness: createWitness({ database, clock, key, findLogKeys, memory }) };
}

let other: SmallLog | undefined;
const keysOf = (each: SmallLog | undefined, origin: string) => (each?.origin === origin ? [each.key] : []);

async function answer(url: string | URL): Promise<OutboundResponse> {
  asked.push(String(url));
  if (published instanceof CountersignError) throw published;
  return { status: published.status, headers: new Headers(), body: utf8(published.text) };
}

/** Lets the log publish its checkpoint with what the witness has cosigned. */
async function publish(witness: Witness, oldSize: number): Promise<void> {
  const cosigned = await witness.addCheckpoint(await log.request(oldSize));
  if (cosigned.kind !== 'cosigned') throw new Error('it was not cosigned');
  const { text, signatures } = parseNote(await log.note());
  const lines = parseSignatureLines(cosigned.lines);
  published = { status: 200, text: formatNote({ text, signatures: [...signatures, ...lines] }) };
}

describe('a witness with a restored backup', () => {
  it('cosigns nothing once a log shows what it has forgotten, of no log', async () => {
    const { witness } = await start();
    await publish(witness, 0);
    const restored = await start();
    const fork = log.fork(3, 'other');
    await expect(restored.witness.addCheckpoint(await fork.request(0))).rejects.toMatchObject({
      code: 'state_refused',
      detail: expect.stringContaining(`5 entries of ${ORIGIN}`),
    });
    other = await smallLog('log.initech.example/log', 2);
    await expect(restored.witness.addCheckpoint(await other.request(0))).rejects.toMatchObject({
      code: 'state_refused',
    });
    other = undefined;
  });

  it('says so, keeps the evidence, and cosigns nothing after a restart either, until its key is another', async () => {
    const { witness } = await start();
    expect(await witness.reasons()).toEqual([]);
    await publish(witness, 0);
    const restored = await start();
    const attempt = async (by: Witness, of: SmallLog) => by.addCheckpoint(await of.request(0));
    await expect(attempt(restored.witness, log)).rejects.toMatchObject({ code: 'state_refused' });
    expect(told).toMatchObject([
      { origin: ORIGIN, size: 5, vkey: key.vkey, note: (published as { text: string }).text },
    ]);
    const again = await start(restored.store);
    expect(await again.witness.reasons()).toMatchObject([expect.stringContaining(`5 entries of ${ORIGIN}`)]);
    other = await smallLog('log.initech.example/log', 2);
    await expect(attempt(again.witness, other)).rejects.toMatchObject({ code: 'state_refused' });
    key = witnessKey(key.name, await generateSigningKey(false));
    const renewed = await start(restored.store);
    expect(await renewed.witness.reasons()).toEqual([]);
    expect(await attempt(renewed.witness, other)).toMatchObject({ kind: 'cosigned' });
    other = undefined;
    expect(told).toHaveLength(1);
  });

  it('cosigns nothing of a log that does not show its checkpoint, until it does', async () => {
    published = new CountersignError('outbound_timeout');
    const { witness, store } = await start();
    const cosigning = async () => witness.addCheckpoint(await log.request(0));
    await expect(cosigning()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(cosigning()).rejects.toMatchObject({ code: 'unavailable' });
    expect(asked).toEqual([URL_OF_LOG]);
    published = { status: 404, text: '' };
    const later = await start(store);
    expect(await later.witness.addCheckpoint(await log.request(0))).toMatchObject({ kind: 'cosigned' });
  });
});

describe('a witness whose store is whole', () => {
  it('goes on after a restart, and looks once for each log', async () => {
    const { witness, store } = await start();
    await publish(witness, 0);
    asked = [];
    const again = await start(store);
    log.append('a');
    await publish(again.witness, 5);
    log.append('b');
    await publish(again.witness, 6);
    expect(asked).toEqual([URL_OF_LOG]);
  });

  it('goes on where the log publishes an older checkpoint, or one that others cosigned', async () => {
    const { witness, store } = await start();
    await publish(witness, 0);
    const older = published;
    log.append('a');
    await publish(witness, 5);
    published = older;
    const again = await start(store);
    log.append('b');
    expect(await again.witness.addCheckpoint(await log.request(6))).toMatchObject({ kind: 'cosigned' });
    published = { status: 200, text: await log.note() };
    const empty = await start();
    expect(await empty.witness.addCheckpoint(await log.request(0))).toMatchObject({ kind: 'cosigned' });
  });

  it('is not stopped by a cosignature that is not its own, though under its name', async () => {
    const { witness, store } = await start();
    await publish(witness, 0);
    const { text, signatures } = parseNote(await log.fork(3, 'x', 'y', 'z').note());
    const forged = { name: key.name, keyId: key.verifier.keyId, bytes: new Uint8Array(72) };
    published = { status: 200, text: formatNote({ text, signatures: [...signatures, forged] }) };
    const again = await start(store);
    log.append('a');
    // not believed, and no answer either
    await expect(again.witness.addCheckpoint(await log.request(5))).rejects.toMatchObject({
      code: 'unavailable',
    });
    other = await smallLog('log.initech.example/log', 2);
    expect(await again.witness.addCheckpoint(await other.request(0))).toMatchObject({ kind: 'cosigned' });
    other = undefined;
  });
});
