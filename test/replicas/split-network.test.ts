import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openAuditor } from '../../bridge/keylog/audit/auditor.ts';
import { boundedRequest } from '../../bridge/keylog/audit/bounded-fetch.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { amendConfiguration } from '../../demo/stage/configuration.ts';
import type { Stage } from '../../demo/stage/stage.ts';
import { setTestStage } from '../fakes/test-stage.ts';
import { type NetworkPath, openNetworkPath } from '../faults/network-path.ts';
import { startWholeBridge, type WholeBridge } from '../http/whole-bridge.ts';
import { ALL_LOGGED, type MadeTokens, madeTokens } from './made-tokens.ts';
import { type ReplicaProcess, startReplica } from './replicas.ts';

// The server ends what a silent client began after half a minute, and machines stall.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 240_000 });
const soon = { timeout: 120_000, interval: 100 };

let stage: Stage;
let bridge: WholeBridge;
/** To PostgreSQL, for one of the two replicas; both reach Redis. */
let path: NetworkPath;
let near: ReplicaProcess;
let cutOff: ReplicaProcess;
let tokens: MadeTokens;

beforeAll(async () => {
  stage = await setTestStage();
  bridge = await startWholeBridge(stage, 'bridge.acme.localhost');
  const url = new URL(await readFile(join(dirname(bridge.configPath), 'store-url'), 'utf8'));
  path = await openNetworkPath(Number(url.port));
  stage.onClose(() => path.close());
  cutOff = await startReplica(stage, bridge, await leadingOver(url));
  near = await startReplica(stage, bridge);
  tokens = await madeTokens(bridge, cutOff);
  await bridge.running.stop();
});
afterAll(() => stage?.close());

/** A configuration beside the bridge’s, with the store behind the path. */
async function leadingOver(url: URL): Promise<string> {
  const folder = dirname(bridge.configPath);
  const configPath = join(folder, 'cut-off.yaml');
  await writeFile(
    join(folder, 'cut-off-store-url'),
    Object.assign(new URL(url), { port: `${path.port}` }).href,
  );
  await copyFile(bridge.configPath, configPath);
  await amendConfiguration(configPath, 'storage', { url: { file: './cut-off-store-url' } });
  return configPath;
}

/** Makes tokens until it is told to stop. */
interface Lane {
  /** Those that were answered as made. */
  readonly made: string[];
  /** How many were answered 503. */
  readonly refused: number;
  stop(): Promise<void>;
}

function makeTokens(at: ReplicaProcess, name: string): Lane {
  const made: string[] = [];
  let refused = 0;
  let stopped = false;
  const work = async () => {
    for (let number = 0; !stopped; number += 1) {
      const status = await tokens.make(at, `${name}-${number}`);
      expect(status).toBeOneOf([201, 503]);
      if (status === 201) made.push(`${name}-${number}`);
      else refused += 1;
    }
  };
  const done = work();
  return {
    made,
    get refused() {
      return refused;
    },
    async stop() {
      stopped = true;
      await done;
    },
  };
}

/** Resolves when this one has made as many more. */
async function makes(lane: Lane, count: number): Promise<void> {
  const before = lane.made.length;
  await vi.waitFor(() => expect(lane.made.length).toBeGreaterThanOrEqual(before + count), soon);
}

async function readinessOf(at: ReplicaProcess): Promise<unknown> {
  const response = await at.fetch(`${bridge.issuer}/health/ready`);
  return ((await response.json()) as { status?: string }).status;
}

describe('a replica that PostgreSQL hears nothing of any more, amid its work', () => {
  it('says that it is not ready, the other goes on, and what arrives late does no harm', async () => {
    const auditor = await openAuditor({
      ...{ bridge: bridge.issuer, state: join(stage.folder, 'auditor'), clock: systemClock },
      request: boundedRequest(near.fetch),
    });
    stage.onClose(() => auditor.close());
    const lanes = [0, 1, 2].map((lane) => makeTokens(cutOff, `cut-off-${lane}`));
    const [lost] = lanes;
    if (lost === undefined) throw new Error('there are lanes');
    const other = makeTokens(near, 'near');
    lanes.push(other);
    await Promise.all([makes(lost, 10), makes(other, 10)]);

    path.cut('silence');
    await vi.waitFor(() => expect(lost.refused).toBeGreaterThan(0), soon);
    await vi.waitFor(async () => expect(await readinessOf(cutOff)).toBe('not_ready'), soon);
    await makes(other, 20);
    expect(await readinessOf(near)).toBe('ready');
    expect(await auditor.run()).toMatchObject({ outcome: 'verified' });

    path.restore('goes-on');
    await Promise.all([makes(lost, 10), makes(other, 10)]);
    await Promise.all(lanes.map((lane) => lane.stop()));
    await vi.waitFor(async () => expect(await readinessOf(cutOff)).toBe('ready'), soon);
    await vi.waitFor(async () => expect(await tokens.standOfLog()).toEqual(ALL_LOGGED), soon);
    const made = lanes.flatMap((lane) => lane.made);
    await vi.waitFor(async () => expect(await tokens.reported()).toEqual(expect.arrayContaining(made)), soon);
    const reported = await tokens.reported();
    expect(new Set(reported).size).toBe(reported.length);
    expect(await auditor.run()).toMatchObject({ outcome: 'verified' });
  });
});
