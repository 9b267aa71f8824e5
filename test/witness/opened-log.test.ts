import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keyLog as keyLogSettings } from '../../bridge/config/key-log-schema.ts';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import { type Closing, createClosing } from '../../bridge/lib/closing.ts';
import { startThread } from '../../bridge/lib/start-thread.ts';
import { type KeyLogParts, openKeyLog } from '../../bridge/main/open-key-log.ts';
import type { Signer } from '../../bridge/signer/signer.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { logNoteSigner, logVerifierKeys } from '../../bridge/tlog/note-signer.ts';
import { verifyLogStaple } from '../../protocol/keytrans/log-proof.ts';
import { checkpointNote, logOrigin, signCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { formatVerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { TREE_SIZE_TYPE } from '../../protocol/tlog/witness-protocol.ts';
import { quiet } from '../events/events-fixture.ts';
import { SOON } from '../fakes/soon.ts';
import { ALICE, loggedValue, ORIGIN } from '../keylog/key-log-fixture.ts';
import { ISS, type SignerFixture, signerFixture } from '../signer/signer-fixture.ts';
import { type WitnessHost, witnessHost } from './witness-host.ts';

// Witnesses are asked when they are told of a checkpoint, and by themselves not within any test.
vi.mock('../../bridge/lib/limits.ts', async (original) => ({
  ...(await original<typeof import('../../bridge/lib/limits.ts')>()),
  WITNESS_LOOK_MS: 600_000,
}));
vi.mock('../../bridge/lib/start-thread.ts', async (original) => {
  const { startThread } = await original<typeof import('../../bridge/lib/start-thread.ts')>();
  return { startThread: vi.fn(startThread) };
});

/** Longer than any witness of these tests takes. */
const PATIENT_MS = 30_000;

let closing: Closing;
let fixture: SignerFixture;
let signer: Signer;
let host: WitnessHost;
let open: (settings?: object) => Promise<KeyLogParts>;
let logged: (log: KeyLogParts) => Promise<string>;

beforeEach(async () => {
  vi.mocked(startThread).mockClear();
  closing = createClosing(quiet);
  fixture = await signerFixture();
  const { clock, store } = fixture;
  const { database } = store;
  signer = await fixture.open();
  const logKeys = logVerifierKeys(signer.onlineKeys().all('log'), logOrigin(ISS));
  host = await witnessHost('witness.example/w1', logKeys, clock);
  const cosigner = formatVerifierKey(host.key);
  const cache = new MemoryCache({ clock });
  const events = createEventLog({ database, clock, logger: quiet, iss: ISS, cache });
  const needs = { database, signer, clock, logger: quiet, cache, outbound: host.outbound, events };

  open = (settings = {}) => {
    const witnesses = [{ vkey: cosigner, url: host.url }];
    const parsed = keyLogSettings.parse({ witnesses, epoch_milliseconds: 0, ...settings });
    const config = { key_log: { ...parsed, quorum: 1, auditor_quorum: 0 } };
    return openKeyLog(needs, { ...config, storage: { driver: 'sqlite', path: 'not-looked-at' } }, closing);
  };
  logged = async ({ keyLog }) => {
    const version = { kind: 'address', name: ALICE, version: 0 } as const;
    await database.transaction((tx) => keyLog.stage(tx, { ...version, value: loggedValue(version) }));
    await keyLog.published('address', ALICE, 0);
    const staple = await database.read((query) => keyLog.staple(query, 'address', ALICE, 0));
    const trust = { witnesses: [cosigner], witnessQuorum: 1, auditors: [], auditorQuorum: 0 };
    const { level } = await verifyLogStaple({
      ...{ ...version, staple: staple ?? '', value: loggedValue(version), origin: ORIGIN, trust },
      ...{ logKeys: signer.onlineKeys().all('log'), now: Math.floor(clock.now() / 1000) },
    });
    return level;
  };
});

afterEach(async () => {
  await closing.close();
  await host.close();
  await fixture.store.remove();
});

describe('the key log of a bridge, as it is configured', () => {
  it('tells its witnesses of a new checkpoint at once, and is cosigned before it is answered', async () => {
    const log = await open({ witness_wait_milliseconds: PATIENT_MS });
    expect(await logged(log)).toBe('witnessed');
  });

  it('waits for a witness that never answers no longer than it is told to, and says less then', async () => {
    const log = await open({ witness_wait_milliseconds: 200 });
    host.answerWith(() => {});
    const began = performance.now();
    expect(await logged(log)).toBe('logged');
    expect(performance.now() - began).toBeLessThan(PATIENT_MS);
  });

  it('has its newest checkpoint cosigned anew as often as it is told to', async () => {
    const log = await open({ witness_wait_milliseconds: PATIENT_MS, refresh_minutes: 30 });
    await logged(log);
    expect(host.asked).toHaveLength(1);
    fixture.clock.advance(30 * 60_000);
    log.witnesses.wake();
    await vi.waitFor(() => expect(host.asked).toHaveLength(2), SOON);
  });

  it('goes no further once a witness shows more than the store has, signed by this log', async () => {
    const log = await open();
    await logged(log);
    const more = { origin: ORIGIN, size: 99, root: new Uint8Array(32).fill(1) };
    const note = checkpointNote(more, [await signCheckpoint(logNoteSigner(signer, ORIGIN), more)]);
    host.answerWith(({ method }, response) => {
      if (method === 'GET') response.end(note);
      else response.writeHead(409, { 'content-type': TREE_SIZE_TYPE }).end('99\n');
    });
    fixture.clock.advance(60 * 60_000);
    log.witnesses.wake();
    await vi.waitFor(
      () => expect(log.headTrust.reasons()).toEqual([expect.stringContaining('99 entries')]),
      SOON,
    );
    await expect(log.headTrust.assertTrusted()).rejects.toMatchObject({ code: 'state_refused' });
  });

  it('has its proofs computed by a thread', async () => {
    const log = await open();
    await logged(log);
    expect(vi.mocked(startThread).mock.calls.map(([, name]) => name)).toEqual(['vrf-worker']);
  });
});
