import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../demo/stage/free-port.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';

const MAIN = fileURLToPath(new URL('../../bridge/cli/main.ts', import.meta.url));

let folder: string;
let local: string[];
let issuer: string;
const children = new Set<ChildProcess>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-serve-'));
  const port = await freePort();
  issuer = `https://localhost:${port}`;
  const ca = await createThrowawayCa();
  const { key, cert } = await ca.issue(['localhost']);
  await writeFile(join(folder, 'bridge.key'), key);
  await writeFile(join(folder, 'bridge.crt'), cert);
  await writeFile(join(folder, 'ca.pem'), ca.certificatePem);
  const config = {
    ...{ issuer, organization: { name: 'Acme' } },
    listen: {
      ...{ address: '127.0.0.1', port },
      tls: { certificate_file: 'bridge.crt', key_file: 'bridge.key' },
    },
    storage: { driver: 'sqlite', path: 'bridge.db' },
    signer: { driver: 'local', key_encryption_key: { env: 'COUNTERSIGN_KEK' } },
  };
  await writeFile(join(folder, 'countersign.yaml'), JSON.stringify(config));
  local = ['-c', join(folder, 'countersign.yaml'), '--secrets', join(folder, 'kek.env')];
  const { code, stderr } = await run('init', ...local, '--root-key', join(folder, 'root.json'));
  expect(stderr).toContain('TAKE THE ROOT KEY OFFLINE');
  expect(code).toBe(0);
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  await rm(folder, { recursive: true });
});

function start(...args: string[]) {
  const { COUNTERSIGN_URL: _url, COUNTERSIGN_TOKEN: _token, ...env } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], {
    env: {
      ...env,
      HOME: folder,
      XDG_CONFIG_HOME: join(folder, 'config'),
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
    },
  });
  children.add(child);
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...output }));
  return { child, output, ended };
}

function run(...args: string[]) {
  return start(...args).ended;
}

/** A bridge that takes requests. */
async function serve() {
  const started = start('serve', ...local);
  await new Promise<void>((resolve, reject) => {
    const look = () => {
      if (started.output.stderr.includes('the bridge runs')) resolve();
    };
    started.child.stderr.on('data', look);
    started.ended.then(({ stderr }) => reject(new Error(`it ended: ${stderr}`)));
  });
  return started;
}

/** Of events, line by line; the log's own come with time, and not by what is done. */
function typesOf(lines: readonly { type: string }[]): string[] {
  return lines.map(({ type }) => type).filter((type) => type !== 'log.checkpointed');
}

async function claimLink(): Promise<void> {
  const { stdout } = await run('admin', 'link', ...local);
  const claimed = await run('admin', 'claim', stdout.trim(), '--name', 'Ada');
  expect(claimed.stderr).toBe('');
  expect(claimed.code).toBe(0);
}

/** Each starts the command several times, from its sources. */
describe('countersign serve', { timeout: 300_000 }, () => {
  it('runs until SIGTERM, says everything to the event stream, and ends with 0', async () => {
    const { child, ended } = await serve();
    await claimLink();
    const added = await run('domain', 'add', 'acme.example');
    expect(added.stdout).toContain('_countersign-challenge.acme.example');
    child.kill('SIGTERM');
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    const lines = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
    expect(typesOf(lines)).toEqual([
      ...['keys.initialized', 'policy.activated', 'bridge.started', 'admin.bootstrapped'],
      ...['domain.added', 'bridge.stopped'],
    ]);
  });

  it('writes JSON lines alone, also where a library warns of the runtime and nobody administers it', async () => {
    const text = JSON.parse(await readFile(join(folder, 'countersign.yaml'), 'utf8'));
    await writeFile(join(folder, 'countersign.yaml'), JSON.stringify({ ...text, log: { level: 'debug' } }));
    const { child, ended } = await serve();
    child.kill('SIGTERM');
    const { stderr } = await ended;
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ msg }) => msg)).toContain(
      'nobody administers this bridge now: run `countersign admin link` on this machine',
    );
    for (const { level } of lines.filter(({ msg }) => msg.includes('oidc-provider'))) {
      expect(level).toBe('debug');
    }
  });

  it('warns of a certificate that is not for the issuer’s host, at its key and line', async () => {
    const { key, cert } = await (await createThrowawayCa()).issue(['elsewhere.example']);
    await writeFile(join(folder, 'bridge.key'), key);
    await writeFile(join(folder, 'bridge.crt'), cert);
    const { child, ended } = await serve();
    child.kill('SIGTERM');
    const { stderr } = await ended;
    const warning = stderr.split('\n').find((line) => line.includes('listen.tls.certificate_file (line 1)'));
    expect(JSON.parse(warning ?? '')).toMatchObject({ level: 'warn' });
    expect(warning).toContain(
      'the certificate is not for localhost (the issuer) but for DNS:elsewhere.example',
    );
  });

  it('has everything that it acknowledged after kill -9, and takes up the log where it was', async () => {
    const first = await serve();
    await claimLink();
    await run('domain', 'add', 'acme.example');
    first.child.kill('SIGKILL');
    expect((await first.ended).signal).toBe('SIGKILL');

    const second = await serve();
    const domains = await run('domain', 'list', '--json');
    expect(JSON.parse(domains.stdout).domains).toMatchObject([{ domain: 'acme.example', status: 'pending' }]);
    const events = await run('events', '--json');
    const lines = events.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, index) => index + 1));
    expect(typesOf(lines)).toEqual([
      ...['keys.initialized', 'policy.activated', 'bridge.started', 'admin.bootstrapped'],
      ...['domain.added', 'bridge.started'],
    ]);
    second.child.kill('SIGTERM');
    expect((await second.ended).code).toBe(0);
  });

  it('does not start under another key-encryption key, and says what is wrong', async () => {
    const other = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
    await writeFile(join(folder, 'kek.env'), `COUNTERSIGN_KEK=${other}\n`);
    const { code, stderr } = await run('serve', ...local);
    expect(code).toBe(1);
    expect(stderr).toContain('state_refused');
    expect(stderr).not.toContain(other);
  });
});
