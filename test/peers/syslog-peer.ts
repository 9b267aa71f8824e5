import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from '../../demo/stage/free-port.ts';
import { assemble } from './assemble.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import type { TlsIdentity } from './peer.ts';
import { makeStateDirectory, type StateDirectory } from './state-directory.ts';

/** A receiver of syslog over TLS that demands a certificate of the CA that its own is from. */
export interface SyslogPeer {
  readonly port: number;
  /** What it made of the messages that it has taken, in their order: one object of its own kind for each. */
  received(): readonly Readonly<Record<string, unknown>>[];
  /** Kills it as a crash does, and starts it again on the same port. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

/** Where a program finds its files, and where it writes what it takes, as lines of JSON. */
export interface SyslogPeerFiles {
  readonly port: number;
  readonly output: string;
  readonly key: string;
  readonly certificate: string;
  readonly ca: string;
}

export interface SyslogPeerProgram {
  readonly name: string;
  /** Writes its configuration; answers how it is started. */
  prepare(
    state: StateDirectory,
    files: SyslogPeerFiles,
  ): { command: readonly [string, ...string[]]; env?: Readonly<Record<string, string>> };
}

export function startSyslogPeer(program: SyslogPeerProgram, tls: TlsIdentity): Promise<SyslogPeer> {
  return assemble(async (undo) => {
    const state = makeStateDirectory(program.name);
    undo(() => state.remove());
    const port = await freePort();
    const files = {
      key: state.write('key.pem', tls.key),
      certificate: state.write('certificate.pem', tls.cert),
      ca: state.write('ca.pem', tls.ca),
    };
    const outputs: string[] = [];
    let daemon: Daemon | undefined;
    undo(() => daemon?.stop());

    // Each time into another file: a line that a crash cut off must not run into the next.
    async function start(): Promise<void> {
      const output = join(state.path, `messages-${outputs.length + 1}.jsonl`);
      outputs.push(output);
      const started = program.prepare(state, { port, output, ...files });
      state.handOver();
      daemon = await startDaemon(program.name, { state, ...started, ready: () => isListening(port) });
    }

    await start();
    return {
      port,
      received: () => outputs.flatMap(wholeLines),
      async crash() {
        await daemon?.kill();
        await start();
      },
    };
  });
}

function wholeLines(file: string): Record<string, unknown>[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}
