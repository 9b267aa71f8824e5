import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const READY_WITHIN_MS = 120_000;
const ASK_EVERY_MS = 25;

/** The first of `names` that is in `folders` or on the PATH. */
export function findBinary(names: readonly string[], folders: readonly string[] = []): string | undefined {
  const places = [...folders, ...(process.env.PATH ?? '').split(delimiter)];
  return names.flatMap((name) => places.map((place) => join(place, name))).find((path) => existsSync(path));
}

/** Folders below `parent` whose names are numbers, the largest first. */
export function versionsIn(parent: string): string[] {
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .filter((name) => /^\d+$/.test(name))
    .toSorted((a, b) => Number(b) - Number(a))
    .map((name) => join(parent, name));
}

/** A folder for a server's files, and whom it runs as. */
export interface ServerFolder {
  readonly path: string;
  /** Writes a file that only the owner may read; answers its path. */
  write(name: string, content: string): string;
  /** Runs a program to its end, as the owner. */
  run(command: string, args: readonly string[]): void;
  /** Starts a server in the foreground, as the owner; the kernel ends it with `signal` should this process die. */
  start(command: string, args: readonly string[], signal: 'SIGINT' | 'SIGKILL'): ChildProcess;
  log(): string;
  remove(): void;
}

/** @param account - who owns the folder where we are root, if there is such an account; else it is nobody's */
export function serverFolder(name: string, account: string): ServerFolder {
  const path = mkdtempSync(join(tmpdir(), `countersign-${name}-`));
  const owner = process.getuid?.() === 0 ? (existing(account) ?? 'nobody') : undefined;
  const group =
    owner === undefined ? undefined : execFileSync('id', ['-gn', owner], { encoding: 'utf8' }).trim();
  if (owner !== undefined) execFileSync('chown', [`${owner}:${group}`, path]);
  const asOwner =
    owner === undefined
      ? []
      : ['--reuid', owner, '--regid', group ?? owner, '--clear-groups', '--no-new-privs'];
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', LANG: 'C.UTF-8', HOME: path };
  const logFile = join(path, 'log');
  return {
    path,
    write(file, content) {
      const target = join(path, file);
      const script = ['sh', '-c', 'umask 077; cat > "$0"', target];
      execFileSync('setpriv', [...asOwner, ...script], { input: content, env });
      return target;
    },
    run(command, args) {
      execFileSync('setpriv', [...asOwner, command, ...args], { cwd: path, env, stdio: 'pipe' });
    },
    start(command, args, signal) {
      const log = openSync(logFile, 'a');
      const options = ['--pdeathsig', signal.slice(3), ...asOwner];
      const child = spawn('setpriv', [...options, command, ...args], {
        ...{ cwd: path, env, detached: true },
        stdio: ['ignore', log, log],
      });
      closeSync(log);
      return child;
    },
    log: () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : ''),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

function existing(account: string): string | undefined {
  return spawnSync('id', ['-u', account]).status === 0 ? account : undefined;
}

/** Why no server can be started here, apart from the lack of its binary. */
export function cannotStart(): string | undefined {
  return findBinary(['setpriv']) === undefined ? 'setpriv (util-linux) is not installed' : undefined;
}

/** Resolves when `ready` answers true; throws with the log when the server ends before that. */
export async function untilReady(
  child: ChildProcess,
  folder: ServerFolder,
  ready: () => Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline && child.exitCode === null && child.signalCode === null) {
    if (await ready().catch(() => false)) return;
    await pause(ASK_EVERY_MS);
  }
  throw new Error(`the server did not start:\n${folder.log().slice(-4_000)}`);
}

/** Ends the server and waits for it. */
export async function endServer(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}
