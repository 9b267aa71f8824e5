import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { FormatName } from '../../connectors/siem/formats/formatter.ts';
import { freePort } from '../../demo/stage/free-port.ts';
import type { ThrowawayCa } from '../fakes/throwaway-ca.ts';
import { readKeptIds } from './kept-ids.ts';
import { type NetworkPath, openNetworkPath } from './network-path.ts';

/** A sink of the bridge that is killed. */
export interface ChaosSink {
  readonly kind: 'syslog' | 'splunk-hec';
  readonly format: FormatName;
  readonly host: string;
  readonly settings: object;
}

/** A receiver in a process of its own, behind a network of its own. */
export interface ChaosReceiver {
  readonly sink: ChaosSink;
  readonly path: NetworkPath;
  /** What came against the specifications, in words. */
  readonly breaches: readonly string[];
  /** Ids that it has on disk, in the order in which they came. */
  held(): readonly string[];
  /** Resolves when it listens, on the same port each time. */
  start(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL('./chaos-receiver.ts', import.meta.url));

/** A syslog server over TLS, and a HEC with indexer acknowledgement: they keep what they have in `folder`. */
export async function openChaosReceivers(ca: ThrowawayCa, folder: string): Promise<ChaosReceiver[]> {
  const receivers: ChaosReceiver[] = [];
  for (const kind of ['syslog', 'splunk-hec'] as const) {
    const receiver = await openChaosReceiver(ca, folder, kind);
    await receiver.start();
    receivers.push(receiver);
  }
  return receivers;
}

async function openChaosReceiver(
  ca: ThrowawayCa,
  folder: string,
  kind: ChaosSink['kind'],
): Promise<ChaosReceiver> {
  const host = `${kind}.example.net`;
  const [port, file, tlsFile] = [await freePort(), join(folder, kind), join(folder, `${kind}.json`)];
  await writeFile(tlsFile, JSON.stringify(await ca.issue([host])));
  const path = await openNetworkPath(port);
  const breaches: string[] = [];
  let running: ChildProcess | undefined;

  async function kill(): Promise<void> {
    const child = running;
    running = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    path.bereave();
    child.kill('SIGKILL');
    await gone;
  }

  return {
    ...{ path, breaches, kill, held: () => readKeptIds(file) },
    sink: { kind, format: 'plain', host, settings: settingsOf(kind, host, path.port) },
    start() {
      const args = ['--import', 'tsx', PROGRAM, kind, String(port), file, tlsFile];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      running = child;
      return new Promise((resolve, reject) => {
        child.once('exit', () => reject(new Error(`the receiver ${kind} ended by itself`)));
        createInterface(child.stdout).on('line', (line) => {
          if (line === 'listening') resolve();
          else breaches.push(line);
        });
      });
    },
    async close() {
      await kill();
      await path.close();
    },
  };
}

function settingsOf(kind: ChaosSink['kind'], host: string, port: number): object {
  if (kind === 'syslog') return { host, port };
  const acknowledgement = { acknowledgement: true, acknowledgement_timeout_seconds: 3 };
  return { url: `https://${host}:${port}`, token: 'token', ...acknowledgement };
}
