import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { SinkHealth, SinkView } from '../../bridge/events/sinks/sinks.ts';
import type { LogStatus } from '../../bridge/keylog/log-status.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { createMetrics } from '../../bridge/metrics/metrics.ts';
import { observeLog } from '../../bridge/metrics/observe-log.ts';
import { observeSinks } from '../../bridge/metrics/observe-sinks.ts';
import { observeState } from '../../bridge/metrics/observe-state.ts';
import { watchKeyLog } from '../../bridge/metrics/watch-key-log.ts';
import { watchParts } from '../../bridge/metrics/watch-parts.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import { movableClock } from '../signer/signer-fixture.ts';
import { samplesOf } from './metrics-reading.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function watched() {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  folders.push(folder);
  const clock = movableClock(Date.now());
  const metrics = createMetrics();
  const database = await openSqlite({ path: join(folder, 'bridge.db'), clock });
  const engine = await loadTransformEngine({ prefer: 'wasm' });
  const parts = watchParts({ database, cache: new MemoryCache({ clock }), engine }, metrics);
  const read = async () => samplesOf((await metrics.read()).text);
  return { clock, metrics, read, ...parts };
}

describe('watched parts', () => {
  it('count what the database cannot do, but not what its callers refuse', async () => {
    const { database, read } = await watched();
    const refuse = () => Promise.reject(new CountersignError('forbidden'));
    await expect(database.transaction(refuse)).rejects.toMatchObject({ code: 'forbidden' });
    await database.close();
    await expect(database.read(async () => 1)).rejects.toMatchObject({ code: 'unavailable' });
    const samples = await read();
    expect(samples.get('countersign_database_errors_total{code="unavailable"}')).toBe(1);
    expect(samples.has('countersign_database_errors_total{code="forbidden"}')).toBe(false);
  });

  it('count what the cache cannot do', async () => {
    const { cache, database, read } = await watched();
    await database.close();
    await cache.close();
    await expect(cache.get('key')).rejects.toMatchObject({ code: 'unavailable' });
    expect((await read()).get('countersign_cache_errors_total{code="unavailable"}')).toBe(1);
  });

  it('time each operation of the engine, refused ones too', async () => {
    const { engine, database, read } = await watched();
    await database.close();
    const { publicKey } = engine.generateKeyPair();
    engine.validatePublicKey(publicKey);
    expect(() => engine.validatePublicKey({ x: new Uint8Array(32), y: new Uint8Array(32) })).toThrow();
    const count = (await read()).get(
      'countersign_transform_duration_seconds_count{operation="validate_public_key",engine="wasm"}',
    );
    expect(count).toBe(2);
  });

  it('leave out gauges of the store while it does not answer, rather than claim 0', async () => {
    const { database, metrics, clock, read } = await watched();
    await database.migrate();
    const signer = { onlineKeys: () => ({ exp: 0 }) };
    observeState(metrics, {
      ...{
        database,
        clock,
        logger: createLogger({ level: 'silent' }),
        signals: async () => ({ queues: [], receivers: [] }),
        sinks: async () => [SINK],
      },
      ...{ signer: signer as never, readiness: async () => ({ status: 'degraded' }) },
      logStatus: async () => STATUS,
    });
    const before = await read();
    expect(before.get('countersign_events_staged')).toBe(0);
    expect([before.get('countersign_ready'), before.get('countersign_degraded')]).toEqual([1, 1]);
    expect((await read()).get('countersign_key_log_size')).toBe(4);
    expect((await read()).get('countersign_event_sink_lag{sink="stdout"}')).toBe(3);
    await database.close();
    const samples = await read();
    expect(samples.has('countersign_events_staged')).toBe(false);
    expect(samples.has('countersign_event_sink_lag{sink="stdout"}')).toBe(false);
    expect(samples.has('countersign_event_sink_delivered_total{sink="stdout"}')).toBe(false);
    expect(samples.has('countersign_key_log_size')).toBe(false);
  });
});

describe('sinks', () => {
  it('are told apart by name, each as it stands', async () => {
    const { metrics, database, read } = await watched();
    await database.close();
    observeSinks(metrics, [
      SINK,
      { ...SINK, name: 'soc', health: { ...HEALTH, lag_seconds: null, behind: 0 } },
    ]);
    const samples = await read();
    const of = (name: string, sink: string) => samples.get(`countersign_event_sink_${name}{sink="${sink}"}`);
    expect(of('lag', 'stdout')).toBe(3);
    expect(of('lag_seconds', 'stdout')).toBe(7.5);
    expect(of('lag_seconds', 'soc')).toBe(0);
    expect(of('buffer_ratio', 'stdout')).toBe(0.25);
    expect(of('failures', 'stdout')).toBe(4);
    expect(of('dead_letters', 'stdout')).toBe(1);
    expect(of('dead_letters_forgotten_total', 'stdout')).toBe(3);
    expect(of('delivered_total', 'soc')).toBe(10);
  });

  it('are counted as the store has it, however often one looks, and not once they are removed', async () => {
    const { metrics, database, read } = await watched();
    await database.close();
    const delivered = 'countersign_event_sink_delivered_total{sink="stdout"}';
    observeSinks(metrics, [SINK]);
    observeSinks(metrics, [SINK]);
    expect((await read()).get(delivered)).toBe(10);
    observeSinks(metrics, []);
    expect((await read()).has(delivered)).toBe(false);
  });
});

const HEALTH: SinkHealth = {
  ...{ state: 'failing', settled: 7, behind: 3, lag_seconds: 7.5, buffer_percent: 25, failures: 4 },
  ...{
    last_success: null,
    last_error: null,
    delivered: 10,
    dead_letters: 1,
    dead_letters_forgotten: 3,
    replays: [],
  },
};
const SINK: SinkView = {
  ...{ id: 'stdout', name: 'stdout', kind: 'stdout', format: 'plain', status: 'enabled', builtin: true },
  ...{ settings: {}, filter: {}, redaction: 'none', original: false, created: '2026-11-22T00:00:00.000Z' },
  ...{ changed: '2026-11-22T00:00:00.000Z', health: HEALTH },
};

/** A log that one witness and no auditor has cosigned, and no longer does. Seconds. */
const STATUS: LogStatus = {
  origin: 'bridge.acme.example/log',
  checkpoint: { size: 4, root: 'A'.repeat(43), epoch: 2, time: 1_000 },
  staged: 0,
  witnesses: [
    {
      ...{ name: 'w.example/w1', url: 'https://w.example', state: 'failing', size: 2, cosigned: 990 },
      error: 'outbound_timeout',
    },
  ],
  quorum: { needed: 1, size: 2, time: 990, missingSince: 1_000 },
  auditors: [
    { name: 'a.example/a1', size: 2, cosigned: 900 },
    { name: 'a.example/a2', size: null, cosigned: null },
  ],
  auditorQuorum: null,
  headFile: null,
  reasons: [],
};

describe('the gauges of the key log', () => {
  it('say how old what stands is, and in which state each witness is', async () => {
    const metrics = createMetrics();
    observeLog(metrics, STATUS, 1_060);
    const samples = samplesOf((await metrics.read()).text);
    const expected = {
      countersign_key_log_size: 4,
      countersign_key_log_epoch_age_seconds: 60,
      countersign_key_log_quorum_age_seconds: 70,
      countersign_key_log_quorum_missing_seconds: 60,
      'countersign_key_log_witness_state{witness="w.example/w1",state="failing"}': 1,
      'countersign_key_log_witness_state{witness="w.example/w1",state="cosigning"}': 0,
      'countersign_key_log_auditor_age_seconds{auditor="a.example/a1"}': 160,
    };
    for (const [key, value] of Object.entries(expected))
      expect([key, samples.get(key)]).toEqual([key, value]);
    expect(samples.has('countersign_key_log_auditor_age_seconds{auditor="a.example/a2"}')).toBe(false);
  });

  it('count proofs by whether the quorum has cosigned what is handed out', async () => {
    const metrics = createMetrics();
    const { stapled } = watchKeyLog(metrics, { witnesses: ['w.example/w1', 'w.example/w2'], quorum: 2 });
    const log = 'bridge.acme.example/log\n4\nroot\n\n— bridge.acme.example/log AAAA\n';
    stapled(log);
    stapled(`${log}— w.example/w1 AAAA\n`);
    stapled(`${log}— w.example/w1 AAAA\n— w.example/w2 AAAA\n`);
    watchKeyLog(metrics, { witnesses: [], quorum: 0 }).stapled(log);
    const samples = samplesOf((await metrics.read()).text);
    const of = (quorum: string) => samples.get(`countersign_key_log_proofs_total{quorum="${quorum}"}`);
    expect([of('met'), of('missed'), of('none')]).toEqual([1, 2, 1]);
  });
});
