/**
 * Proves the Dockerfile where Docker does not run: its own steps, one by one, in a clean folder with what is committed,
 * and then the image's own commands, as the image's user where that can be. Only the base image is taken as given.
 *
 *   npx tsx test/helm/prove-image.ts
 *
 * It takes about a minute, most of it `npm ci`, so it is no part of the tests.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../demo/stage/free-port.ts';
import { allowedPaths, parseDockerfile, type Stage, wordsOf } from './dockerfile.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const USER = 1000;
const asUser = process.getuid?.() === 0 ? { uid: USER, gid: USER } : {};

const clean = mkdtempSync(join(tmpdir(), 'countersign-image-'));
try {
  chmodSync(clean, 0o755);
  await prove();
} finally {
  rmSync(clean, { recursive: true, force: true });
}

async function prove(): Promise<void> {
  const context = takeContext();
  const stages = parseDockerfile(readFileSync(join(PROJECT, 'Dockerfile'), 'utf8'));
  for (const stage of stages) buildStage(stage, context);
  const last = stages.at(-1);
  if (last === undefined) throw new Error('The Dockerfile has no stage.');
  await useImage(last);
  say('proven');
}

/** The build context: what is committed, as far as .dockerignore lets it in. */
function takeContext(): string {
  const context = join(clean, 'context');
  mkdirSync(context);
  const allowed = allowedPaths(readFileSync(join(PROJECT, '.dockerignore'), 'utf8'));
  const committed = execFileSync('git', ['ls-tree', '-r', '--name-only', 'HEAD'], { cwd: PROJECT })
    .toString()
    .split('\n')
    .filter((path) => allowed.some((start) => path === start || path.startsWith(`${start}/`)));
  const archive = execFileSync('git', ['archive', 'HEAD', ...committed], {
    cwd: PROJECT,
    maxBuffer: 256 * 1024 * 1024,
  });
  execFileSync('tar', ['-x', '-C', context], { input: archive });
  say(`context: ${committed.length} files`);
  return context;
}

function rootOf(stage: string): string {
  return join(clean, `stage-${stage || 'last'}`);
}

function buildStage(stage: Stage, context: string): void {
  const root = rootOf(stage.name);
  let folder = root;
  for (const { name, rest } of stage.instructions) {
    if (name === 'WORKDIR') {
      folder = join(root, rest);
      mkdirSync(folder, { recursive: true });
    }
    if (name === 'COPY') copy(rest, folder, context);
    if (name === 'RUN') run(rest, folder);
  }
}

function copy(rest: string, folder: string, context: string): void {
  const from = /^--from=(\S+)\s+/.exec(rest);
  const words = rest.slice(from?.[0].length ?? 0).split(/\s+/);
  const target = resolve(folder, words.at(-1) ?? '.');
  for (const source of words.slice(0, -1)) {
    const path = from === null ? join(context, source) : join(rootOf(from[1] ?? ''), source);
    // A folder's content is copied, a file by its name, as COPY does.
    const single = source !== '.' && !words.at(-1)?.match(/[^./]/);
    cpSync(path, single ? join(target, source) : target, { recursive: true, verbatimSymlinks: true });
  }
}

function run(rest: string, folder: string): void {
  const command = rest.replace(/--mount=\S+\s+/g, '');
  say(`RUN ${command}`);
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`It failed (${status}):\n${stdout}${stderr}`);
  say(`    ${Math.round(performance.now() - started)} ms`);
}

/** Its version, a new bridge set up, run, found healthy by HEALTHCHECK, and stopped by SIGTERM. */
async function useImage(stage: Stage): Promise<void> {
  const app = join(rootOf(stage.name), 'app');
  const work = join(clean, 'work');
  mkdirSync(work);
  if ('uid' in asUser) chownSync(work, USER, USER);
  const env = { PATH: `${app}/bin:${process.env.PATH}`, NODE_ENV: 'production', HOME: work };
  const there = { cwd: work, env, ...asUser, encoding: 'utf8' } as const;
  const [entry = ''] = wordsOf(stage, 'ENTRYPOINT');
  const countersign = (...args: string[]) => execFileSync(entry, args, { ...there, stdio: 'pipe' }).trim();

  say(`${entry} --version: ${countersign('--version')}`);
  const port = await freePort();
  writeFileSync(join(work, 'countersign.yaml'), configFor(port));
  countersign('init', '--secrets', 'secrets.env');
  say(countersign('config', 'check', '--secrets', 'secrets.env'));

  const serve = [...wordsOf(stage, 'CMD'), '--secrets', 'secrets.env'];
  const bridge = spawn(entry, serve, { cwd: work, env, ...asUser, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaints = '';
  bridge.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk;
  });
  const ended = new Promise<number | null>((done) => bridge.once('exit', done));
  try {
    const [program = '', ...args] = wordsOf(stage, 'HEALTHCHECK');
    const check = args.map((word) => word.replace('8443', String(port)));
    if (healthy(program, check, there)) throw new Error('HEALTHCHECK is content before the bridge runs.');
    const until = performance.now() + 15_000;
    while (!healthy(program, check, there)) {
      if (performance.now() > until) throw new Error(`HEALTHCHECK never was content.\n${complaints}`);
      await sleep(200);
    }
    say('HEALTHCHECK: healthy');
  } finally {
    bridge.kill('SIGTERM');
  }
  const code = await ended;
  if (code !== 0) throw new Error(`After SIGTERM it ended with ${code}.\n${complaints}`);
  say('SIGTERM: ended with 0');
}

function healthy(program: string, args: readonly string[], there: object): boolean {
  return spawnSync(program, args, there).status === 0;
}

function configFor(port: number): string {
  return `issuer: https://bridge.acme.example
organization: { name: Acme }
listen: { address: 127.0.0.1, port: ${port}, trusted_proxies: [127.0.0.0/8] }
signer: { driver: local, key_encryption_key: { env: COUNTERSIGN_KEK } }
`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
