import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Stage } from '../../demo/stage/stage.ts';
import { createNamedFetch } from '../fakes/named-fetch.ts';
import type { WholeBridge } from '../http/whole-bridge.ts';

/** One process of a bridge, as clients reach it whose balancer has chosen it. */
export interface Replica {
  readonly fetch: typeof fetch;
}

/** One that runs in a process of its own. */
export interface ReplicaProcess extends Replica {
  /** As a machine dies. */
  kill(): Promise<void>;
  /** As an operator stops it. */
  stop(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL('replica-process.ts', import.meta.url));

/** Addresses of this machine, so that all processes of a bridge can listen on its port. */
let nextAddress = 2;

/**
 * Starts another process of this bridge, on its configuration and so on its stores; the stage kills it. `configPath`:
 * another configuration, which has something in the way to the stores.
 */
export async function startReplica(
  stage: Stage,
  bridge: Pick<WholeBridge, 'host' | 'configPath'>,
  configPath = bridge.configPath,
): Promise<ReplicaProcess> {
  const address = `127.0.0.${nextAddress}`;
  nextAddress += 1;
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, configPath, address], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const end = async (how: () => void) => {
    if (child.exitCode === null && child.signalCode === null) how();
    await ended;
  };
  stage.onClose(() => end(() => child.kill('SIGKILL')));
  await untilRunning(child);
  const toAddress = {
    lookup: async (host: string) => (host === bridge.host ? [address] : stage.names.lookup(host)),
    txt: stage.names.txt,
  };
  const named = createNamedFetch(toAddress, stage.ca.certificatePem);
  stage.onClose(() => named.close());
  return {
    fetch: named.fetch,
    kill: () => end(() => child.kill('SIGKILL')),
    stop: () => end(() => child.stdin?.end()),
  };
}

async function untilRunning(child: ChildProcess): Promise<void> {
  if (child.stdout === null) throw new Error('the process says nothing');
  for await (const line of createInterface(child.stdout)) if (line === 'runs') return;
  throw new Error('the process did not start');
}
