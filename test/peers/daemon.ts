import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { StateDirectory } from './state-directory.ts';

export interface Daemon {
  /** What it has printed so far, for the message of a failure. */
  output(): string;
  /** Ends it and everything that it started. */
  stop(): Promise<void>;
  /** The same at once and without a word to it, as a crash does. */
  kill(): Promise<void>;
}

interface DaemonOptions {
  readonly state: StateDirectory;
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** Resolves when the daemon answers; asked again until it does. */
  readonly ready: () => Promise<boolean>;
}

const READY_WITHIN_MS = 30_000;
const ASK_EVERY_MS = 50;
const STOP_WITHIN_MS = 5_000;

/**
 * Starts a program in the foreground and waits until it answers. It runs as the owner of its state directory, in a
 * process group of its own, and the kernel ends it should this process die without calling `stop`.
 */
export async function startDaemon(name: string, options: DaemonOptions): Promise<Daemon> {
  const { state } = options;
  const logFile = join(state.path, `${name}.log`);
  const log = openSync(logFile, 'a');
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', ...state.asOwner, ...options.command], {
    cwd: state.path,
    env: { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', ...options.env },
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  const daemon: Daemon = {
    output: () => readFileSync(logFile, 'utf8'),
    stop: () => endGroup(child, 'SIGTERM'),
    kill: () => endGroup(child, 'SIGKILL'),
  };
  try {
    await untilReady(name, child, options.ready);
    return daemon;
  } catch (cause) {
    await daemon.stop();
    throw new Error(`${name} did not start:\n${daemon.output().slice(-4_000)}`, { cause });
  }
}

async function untilReady(name: string, child: ChildProcess, ready: () => Promise<boolean>): Promise<void> {
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    if (failure !== undefined) throw failure;
    if (hasEnded(child)) throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode}`);
    if (await ready().catch(() => false)) return;
    await pause(ASK_EVERY_MS);
  }
  throw new Error(`${name} did not answer within ${READY_WITHIN_MS} ms`);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function endGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.pid === undefined) return;
  const ended = hasEnded(child) ? Promise.resolve() : new Promise((resolve) => child.once('exit', resolve));
  signalGroup(child.pid, signal);
  await Promise.race([ended, pause(STOP_WITHIN_MS, undefined, { ref: false })]);
  signalGroup(child.pid, 'SIGKILL');
  await ended;
}

/** The group may be gone already, which is what was wanted. */
function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
