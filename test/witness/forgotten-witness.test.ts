import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../bridge/storage/open-storage.ts';
import { type ForgottenCosignature, keepForgotten } from '../../bridge/tlog/forgotten-cosignature.ts';
import { bridgeFixture } from '../administration/bridge-fixture.ts';
import { type SetUpBridge, setUpBridge } from '../cli/set-up-bridge.ts';
import { movableClock } from '../signer/signer-fixture.ts';

const forgottenBy = (vkey: string): ForgottenCosignature => ({
  ...{ vkey, origin: 'bridge.globex.example/log', size: 5, note: 'as the log shows it\n', found: 1 },
});

describe('a bridge whose witness has forgotten what it cosigned', () => {
  it('is degraded, and says so to administrators and in its metrics', async () => {
    const bridge = await bridgeFixture({
      settings: { witness: { partners: true }, metrics: { address: '127.0.0.1', port: 0 } },
    });
    const token = await bridge.administrator();
    const status = async () => (await bridge.ask('GET', '/admin/v1/log', undefined, token)).body.witness;
    const metric = async () => {
      const text = await (await fetch(`http://127.0.0.1:${bridge.running.metricsPort}/metrics`)).text();
      return /^countersign_witness_refusing (\d)$/m.exec(text)?.[1];
    };
    const { vkey } = (await status()) as { vkey: string };
    expect(await status()).toEqual({ vkey, reasons: [] });
    expect(await metric()).toBe('0');
    await bridge.inStore((database) => database.transaction((tx) => keepForgotten(tx, forgottenBy(vkey))));
    const why = [expect.stringContaining('5 entries of bridge.globex.example/log')];
    expect(await status()).toEqual({ vkey, reasons: why });
    expect(await metric()).toBe('1');
    await bridge.restart();
    const ready = await bridge.ask('GET', '/health/ready');
    expect(ready).toMatchObject({ status: 200, body: { status: 'degraded', reasons: why } });
    await bridge.remove();
  });
});

describe('countersign witness replace-key', () => {
  let bridge: SetUpBridge;
  afterEach(() => bridge?.remove());

  const run = (...args: string[]) => bridge.terminal.run([...args, ...bridge.local]);
  const at = (file: string) => join(bridge.terminal.home, file);

  async function store() {
    const path = at('data/countersign.db');
    return openDatabase({ driver: 'sqlite', path }, movableClock(Date.now()));
  }

  async function forgetful(): Promise<string> {
    bridge = await setUpBridge();
    await bridge.init();
    const vkey = (await run('witness', 'key')).out;
    const database = await store();
    await database.transaction((tx) => keepForgotten(tx, forgottenBy(vkey)));
    await database.close();
    return vkey;
  }

  it('makes another key, and keeps what the one before has forgotten', async () => {
    const before = await forgetful();
    const { code, out, said } = await run('witness', 'replace-key', '--yes', '--evidence', at('forgot.json'));
    expect(code).toBe(0);
    expect(said).toContain('First look for the newest store');
    const now = (await run('witness', 'key')).out;
    expect(now).not.toBe(before);
    expect(now.split('+')[0]).toBe(before.split('+')[0]);
    expect(out).toContain(now);
    expect(JSON.parse(await readFile(at('forgot.json'), 'utf8'))).toEqual(forgottenBy(before));
    const database = await store();
    const row = await database.read((query) =>
      query
        .selectFrom('events')
        .select('body')
        .orderBy('event_id', 'desc')
        .limit(1)
        .executeTakeFirstOrThrow(),
    );
    await database.close();
    expect(JSON.parse(String(row.body))).toMatchObject({
      type: 'log.witness_key_replaced',
      data: { previous: before, key: now },
    });
  });

  it('replaces nothing unasked, nor where the evidence cannot be kept', async () => {
    const before = await forgetful();
    expect((await run('witness', 'replace-key')).code).toBe(2);
    await writeFile(at('taken.json'), '');
    const { code, said } = await run('witness', 'replace-key', '--yes', '--evidence', at('taken.json'));
    expect(code).toBe(2);
    expect(said).toContain('is there already');
    expect((await run('witness', 'key')).out).toBe(before);
  });

  it('has nothing to replace at a bridge that is no witness', async () => {
    bridge = await setUpBridge();
    await bridge.init();
    const { code, said } = await run('witness', 'replace-key', '--yes');
    expect(code).toBe(2);
    expect(said).toContain('is no witness');
  });
});
