import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { systemClock } from '../../bridge/lib/clock.ts';
import { initializeKeys } from '../../bridge/signer/key-ceremony.ts';
import { createRootKey, openRootKey } from '../../bridge/signer/root-key.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { readSaid, type Said } from './sequencing-work.ts';

/** What befalls a call: it fails and is not made, or the process is killed before it. */
export const FATES = { fails: 'error=EIO', kills: 'signal=KILL' } as const;
export type Fate = keyof typeof FATES;

/** Files of a bridge, by who reads and writes them: each on one thread, so that calls can be counted. */
export type Files = 'store' | 'head';

export interface Fault {
  readonly files: Files;
  /** The name of a system call. */
  readonly call: string;
  /** Which of the calls by this name on these files, from 1. */
  readonly nth: number;
  readonly fate: Fate;
}

/** How a process ended. */
export interface Ended {
  readonly said: readonly Said[];
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What strace and the process wrote to stderr. */
  readonly trace: string;
}

/** Where bridges are run, each on a new store whose keys are made. */
export interface FaultBench {
  room(): Promise<Room>;
  remove(): Promise<void>;
}

/** One store, and all the processes that were ever run on it. */
export interface Room {
  readonly folder: string;
  /** Runs the work to its end, or that of the process. */
  run(given?: { readonly strace?: readonly string[]; readonly check?: boolean }): Promise<Ended>;
  remove(): Promise<void>;
}

const PREFIX = 'alice';
/** Epochs: that with the first entries of all, and one on top of it. After a fault there is one more. */
const EPOCHS = 2;
/** A process to which something happens is not waited for longer; one to which nothing does has stopped by then. */
const LONGEST_RUN_MS = { hindered: 45_000, free: 120_000 };

export async function openFaultBench(): Promise<FaultBench> {
  const program = await bundle();
  const base = await mkdtemp(join(tmpdir(), 'countersign-faults-'));
  const template = join(base, 'template.db');
  const keyEncryptionKey = crypto.getRandomValues(new Uint8Array(32));
  await createStore(template, keyEncryptionKey);
  return {
    async room() {
      const folder = await mkdtemp(join(base, 'room-'));
      await mkdir(join(folder, 'head'));
      await copyFile(template, join(folder, 'bridge.db'));
      return roomIn(folder, program, encodeBase64url(keyEncryptionKey));
    },
    async remove() {
      await rm(base, { recursive: true });
      await rm(program);
    },
  };
}

/** The options of strace that let this fault happen. `$$` is the process. */
export function injection({ files, call, nth, fate }: Fault): string[] {
  return [...tracing(files, call), '-e', `inject=${call}:${FATES[fate]}:when=${nth}`];
}

/** The options of strace that show calls on some files alone. */
export function tracing(files: Files, calls: string): string[] {
  const paths = {
    store: ['bridge.db', 'bridge.db-wal', 'bridge.db-shm'],
    head: ['head/log-head.json', 'head/log-head.json.$(uname -n)-$$.new', 'head'],
  };
  return ['-e', `trace=${calls}`, ...paths[files].flatMap((path) => ['-P', `$PWD/${path}`])];
}

function roomIn(folder: string, program: string, secret: string): Room {
  const saidPath = join(folder, 'said');
  return {
    folder,
    async run({ strace, check = false } = {}) {
      const reached = [join(folder, 'bridge.db'), secret, join(folder, 'head/log-head.json')];
      const work = check ? [PREFIX, String(EPOCHS + 1), saidPath] : [PREFIX, String(EPOCHS)];
      const command = [process.execPath, program, ...reached, ...work];
      const said = openSync(saidPath, 'a');
      // the tracer steps aside (-D), so that the process that is started is the bridge, whose id is in a file's name
      const traced = strace?.map((option) => `"${option}"`).join(' ');
      const script =
        traced === undefined
          ? 'exec "$@"'
          : `exec strace -D -f -qq -e signal=none -o "|cat >&2" ${traced} "$@"`;
      const child = spawn('sh', ['-c', script, 'sh', ...command], {
        cwd: folder,
        // one thread beside the main one for files
        env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
        stdio: ['ignore', said, 'pipe'],
      });
      closeSync(said);
      const overdue = setTimeout(() => child.kill('SIGKILL'), LONGEST_RUN_MS[strace ? 'hindered' : 'free']);
      const [trace, [code, signal]] = await Promise.all([traceOf(child), once(child, 'exit')]);
      clearTimeout(overdue);
      return { said: readSaid(saidPath), code, signal, trace };
    },
    remove: () => rm(folder, { recursive: true }),
  };
}

async function traceOf({ stderr }: ChildProcess): Promise<string> {
  return stderr === null ? '' : text(stderr);
}

async function createStore(path: string, keyEncryptionKey: Uint8Array): Promise<void> {
  const database = await openSqlite({ path, clock: systemClock });
  await database.migrate();
  const root = await openRootKey(await createRootKey());
  const keys = { iss: 'https://bridge.acme.example', root, keyEncryptionKey, clock: systemClock };
  await database.transaction((tx) => initializeKeys(tx, keys));
  await database.close();
}

/** The program as one file: it is started a thousand times. It lies where it finds the native addon. */
async function bundle(): Promise<string> {
  const source = fileURLToPath(new URL('sequencing-bridge.ts', import.meta.url));
  const outfile = join(dirname(source), '../../node_modules/.cache', `countersign-faults-${process.pid}.mjs`);
  await build({
    ...{ entryPoints: [source], outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'warning' },
    external: ['libsql'],
    banner: {
      js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`,
    },
  });
  return outfile;
}
