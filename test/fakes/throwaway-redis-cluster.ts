import { expect, vi } from 'vitest';
import { freePort } from '../../demo/stage/free-port.ts';
import { SOON } from './soon.ts';
import { startRedis, type ThrowawayRedis } from './throwaway-redis.ts';

/** A real Redis Cluster: three primaries with a third of the slots each, and in time a replica of each. */
export interface ThrowawayRedisCluster {
  /** Names the primaries that it began with. */
  readonly url: string;
  /** Until every node knows them. */
  addReplicas(): Promise<void>;
  /** Runs one command on the primary that has the slot of this key. */
  command(key: string, name: string, ...args: string[]): Promise<unknown>;
  /** The primary that has the slot of this key dies, and its replica takes over. */
  failOver(key: string): Promise<void>;
  stop(): Promise<void>;
}

const SLOTS = 16_384;
const PRIMARIES = 3;
/** A node that says nothing for so long has failed. Half as often they tell each other what they know. */
const [JOINING_MS, JOINED_MS] = [1_000, 60_000];

interface Node extends ThrowawayRedis {
  readonly busPort: number;
}

interface Third {
  readonly primary: Node;
  readonly replica?: Node;
}

export async function startRedisCluster(): Promise<ThrowawayRedisCluster> {
  const started: Node[] = [];
  const startNode = async () => {
    const node = await startClusterNode();
    started.push(node);
    return node;
  };
  const thirds: Third[] = [];
  for (let count = 0; count < PRIMARIES; count += 1) thirds.push({ primary: await startNode() });
  await joining(started, () => joinPrimaries(thirds.map(({ primary }) => primary)));
  const addresses = thirds.map(({ primary }) => `127.0.0.1:${primary.port}`);

  /** Which third has the slot of this key. */
  async function placeOf(key: string): Promise<number> {
    const slot = Number(await started.at(-1)?.command('cluster', 'keyslot', key));
    return Math.floor((slot * PRIMARIES) / SLOTS);
  }

  return {
    url: `redis://:${started[0]?.password}@${addresses.join(',')}`,
    async addReplicas() {
      for (const [place, { primary }] of thirds.entries()) {
        thirds[place] = { primary, replica: await startNode() };
      }
      await joining(started, () => joinReplicas(thirds));
    },
    command: async (key, ...command) => thirds[await placeOf(key)]?.primary.command(...command),
    async failOver(key) {
      const place = await placeOf(key);
      const { primary, replica } = thirds[place] ?? {};
      if (replica === undefined) throw new Error('nobody can take over');
      await primary?.kill();
      await replica.command('cluster', 'failover', 'takeover');
      thirds[place] = { primary: replica };
    },
    async stop() {
      await Promise.all(started.map((node) => node.stop()));
    },
  };
}

async function startClusterNode(): Promise<Node> {
  const busPort = await freePort();
  const settings = [
    'cluster-enabled yes',
    'cluster-announce-ip 127.0.0.1',
    `cluster-port ${busPort}`,
    // A replica counts once it has heard something.
    'repl-ping-replica-period 1',
    `cluster-node-timeout ${JOINING_MS}`,
    // They are told to fail over: those that decide by themselves would do so when the machine stalls.
    'cluster-replica-no-failover yes',
  ];
  return { ...(await startRedis({ settings })), busPort };
}

async function joining(nodes: readonly Node[], join: () => Promise<void>): Promise<void> {
  const setTimeouts = async (ms: number) => {
    for (const node of nodes) await node.command('config', 'set', 'cluster-node-timeout', `${ms}`);
  };
  await setTimeouts(JOINING_MS);
  await join();
  await setTimeouts(JOINED_MS);
}

const meet = (node: Node, other: Node) =>
  node.command('cluster', 'meet', '127.0.0.1', `${other.port}`, `${other.busPort}`);

async function joinPrimaries(primaries: readonly Node[]): Promise<void> {
  for (const [place, primary] of primaries.entries()) {
    const from = Math.ceil((place * SLOTS) / PRIMARIES);
    const to = Math.ceil(((place + 1) * SLOTS) / PRIMARIES) - 1;
    await primary.command('cluster', 'set-config-epoch', `${place + 1}`);
    await primary.command('cluster', 'addslotsrange', `${from}`, `${to}`);
  }
  const [first, ...others] = primaries;
  for (const other of others) if (first !== undefined) await meet(first, other);
  await vi.waitFor(async () => {
    for (const primary of primaries) {
      expect(String(await primary.command('cluster', 'info'))).toContain('cluster_state:ok');
    }
  }, SOON);
}

async function joinReplicas(thirds: readonly Third[]): Promise<void> {
  const replicas = thirds.flatMap(({ replica }) => replica ?? []);
  const nodes = [...thirds.map(({ primary }) => primary), ...replicas];
  for (const { primary, replica } of thirds) {
    if (replica === undefined) continue;
    const id = String(await primary.command('cluster', 'myid'));
    await meet(primary, replica);
    // Not before it has heard of the one that it is to copy.
    await vi.waitFor(() => replica.command('cluster', 'replicate', id), SOON);
  }
  await vi.waitFor(async () => {
    for (const replica of replicas) {
      const info = String(await replica.command('info', 'replication'));
      expect(info).toContain('master_link_status:up');
    }
    for (const node of nodes) {
      expect(String(await node.command('cluster', 'info'))).toContain('cluster_state:ok');
      const slots = JSON.stringify(await node.command('cluster', 'slots'));
      for (const { port } of nodes) expect(slots).toContain(`${port}`);
    }
  }, SOON);
}
