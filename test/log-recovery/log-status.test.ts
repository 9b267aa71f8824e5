import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { logReasons } from '../../bridge/keylog/log-reasons.ts';
import { type LogStatus, logWarnings } from '../../bridge/keylog/log-status.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type BridgeFixture, bridgeFixture, HOST } from '../administration/bridge-fixture.ts';
import { recordedTerminal } from '../cli/recorded-terminal.ts';
import { SOON } from '../fakes/soon.ts';
import { movableClock } from '../signer/signer-fixture.ts';

const AUDITOR = 'auditor.example/countersign+92f3c1dd+BGvASp3Cxyb7U9Rh6oZoRc5Gqo/RUD2VwcZQqHwhbrDf';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('how the log of a bridge stands', () => {
  let folder: string;
  let heads: string;
  let bridge: BridgeFixture;
  let token: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
    heads = join(folder, 'heads');
    await mkdir(heads);
    bridge = await bridgeFixture({
      settings: { key_log: { head_file: join(heads, 'head.json'), auditors: [AUDITOR] } },
    });
    token = await bridge.administrator();
    await settled();
  });
  afterAll(async () => {
    await bridge.remove();
    await rm(folder, { recursive: true });
  });

  const ready = async () => (await bridge.ask('GET', '/health/ready')).body;
  const status = async () => (await bridge.ask('GET', '/admin/v1/log', undefined, token)).body;
  const settled = () =>
    vi.waitFor(
      async () => expect(await status()).toMatchObject({ staged: 0, head_file: { state: 'current' } }),
      SOON,
    );
  /** Something to be logged: every link and token is. */
  const stage = () => bridge.running.services.administrators.createLink();

  it('is told to administrators alone', async () => {
    expect(await bridge.ask('GET', '/admin/v1/log')).toMatchObject({ status: 401 });
    expect(await status()).toMatchObject({
      origin: `${HOST}/log`,
      checkpoint: {
        size: expect.any(Number),
        epoch: expect.any(Number),
        root: expect.stringMatching(/^[\w-]{43}$/),
      },
      ...{ witnesses: [], quorum: null, reasons: [] },
      head_file: { path: join(heads, 'head.json'), state: 'current' },
      auditors: [{ name: 'auditor.example/countersign', size: null, cosigned: null }],
      auditor_quorum: { needed: 1, size: null, time: null, missing_since: expect.any(Number) },
    });
  });

  it('is shown by countersign log status, as a table and as JSON', async () => {
    const terminal = await recordedTerminal(bridge.fetch);
    const env = { COUNTERSIGN_URL: bridge.issuer, COUNTERSIGN_TOKEN: token };
    const { out } = await terminal.run(['log', 'status'], { env });
    expect(out).toContain('none is demanded: nobody cosigns this log');
    expect(out).toMatch(/^AUDITOR +ENTRIES +COSIGNED$/m);
    const json = JSON.parse((await terminal.run(['log', 'status', '--json'], { env })).out);
    expect(json).toEqual(await status());
    await terminal.remove();
  });

  it('warns of an auditor that has not cosigned for a day', async () => {
    expect((await ready()).warnings).toEqual([]);
    bridge.clock.advance(DAY_MS + 1_000);
    expect((await ready()).warnings).toEqual([
      expect.stringContaining('auditor.example/countersign has never cosigned'),
    ]);
    bridge.clock.advance(-DAY_MS - 1_000);
  });

  it('is degraded while the clock has gone back, and says what to do', async () => {
    bridge.clock.advance(HOUR_MS);
    await stage();
    await settled();
    bridge.clock.advance(-HOUR_MS);
    await stage();
    await vi.waitFor(
      async () =>
        expect(await ready()).toMatchObject({
          status: 'degraded',
          reasons: [expect.stringContaining('The clock of this machine is behind')],
        }),
      SOON,
    );
    bridge.clock.advance(HOUR_MS);
    await settled();
    await vi.waitFor(async () => expect(await ready()).toMatchObject({ reasons: [] }), SOON);
  });

  it('takes back what was granted while the head file cannot be written, and does not say in public where it is', async () => {
    const spare = await bridge.ask('POST', '/admin/v1/tokens', { name: 'Spare' }, token);
    await settled();
    await rename(heads, `${heads}-away`);
    await stage();
    const unwritable = expect.stringContaining('The log’s head file cannot be written');
    await vi.waitFor(async () => expect((await ready()).reasons).toContainEqual(unwritable), SOON);
    expect(JSON.stringify(await ready())).not.toContain(folder);
    // Revocations wait for no log (PROTOCOL §8): it must stay reachable for them.
    expect(await bridge.ask('GET', '/health/ready')).toMatchObject({
      status: 200,
      body: { status: 'degraded' },
    });
    const revoked = await bridge.ask('DELETE', `/admin/v1/tokens/${spare.body.id}`, undefined, token);
    expect(revoked.status).toBe(204);
    await rename(`${heads}-away`, heads);
    await vi.waitFor(async () => expect(await ready()).toMatchObject({ reasons: [] }), SOON);
  });
});

describe('the warnings about a log', () => {
  const clock = movableClock(1_000_000_000);
  const now = 1_000_000;
  const nothing: LogStatus = {
    ...{ origin: `${HOST}/log`, checkpoint: null, staged: 0, witnesses: [], quorum: null },
    ...{ auditors: [], auditorQuorum: null, headFile: null, reasons: [] },
  };

  it('are none where nothing is demanded', () => {
    expect(logWarnings(nothing, clock)).toEqual([]);
  });

  it('name a quorum that is missing for minutes, and not for moments', () => {
    const since = (missingSince: number | null) => ({
      ...nothing,
      quorum: { needed: 2, size: 4, time: now - 10, missingSince },
    });
    expect(logWarnings(since(null), clock)).toEqual([]);
    expect(logWarnings(since(now - 60), clock)).toEqual([]);
    expect(logWarnings(since(now - 600), clock)).toEqual([expect.stringContaining('Fewer than 2 witnesses')]);
  });
});

describe('why nothing is logged', () => {
  it('is said once, where a doubt is the failure too', () => {
    const doubt = 'Whether the key log is the newest is not known.';
    expect(logReasons(new CountersignError('unavailable', doubt), [doubt])).toEqual([doubt]);
    expect(logReasons(undefined, [])).toEqual([]);
  });

  it('is not said of what is tried again at once, nor of the database, which is named by itself', () => {
    expect(logReasons(new CountersignError('storage_busy'), [])).toEqual([]);
    expect(logReasons(new CountersignError('unavailable'), [])).toEqual([]);
    expect(logReasons(new CountersignError('storage_full', 'The log’s head file is full.'), [])).toEqual([
      'Nothing is logged: The log’s head file is full.',
    ]);
  });
});
