import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { READY, type SignatureBatch } from '../../bridge/signer/signature-batch.ts';
import { freePort } from '../../demo/stage/free-port.ts';
import { signBytes } from '../../protocol/ed25519.ts';
import { vrfKeyPair, vrfProve } from '../../protocol/keytrans/vrf-prove.ts';
import { PROGRAM_ENTRIES } from '../../scripts/program-bundle.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';
import { testKey } from '../protocol/company.ts';
import { type BuiltProgram, buildProgram, modulesOf } from './built-program.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let program: BuiltProgram;

beforeAll(async () => {
  program = await buildProgram();
}, 120_000);
afterAll(() => program.remove());

describe('the program as it is built', { timeout: 120_000 }, () => {
  it('makes a bridge, serves it until it is told to stop, and has its commands', async () => {
    const { args, ca, origin } = await configure({});
    const made = await program.run(['init', ...args, '--root-key', join(program.folder, 'root.json')]).ended;
    expect(made.stderr).toContain('TAKE THE ROOT KEY OFFLINE');
    expect(made.code).toBe(0);

    const serving = program.run(['serve', ...args]);
    await until(serving, 'the bridge runs');
    const agent = new Agent({ connect: { ca } });
    onTestFinished(() => agent.close());
    const ready = await fetch(`${origin}/health/ready`, { dispatcher: agent });
    expect(ready.status).toBe(200);
    const document = await fetch(`${origin}/v1/openapi.json`, { dispatcher: agent });
    expect(await document.json()).toMatchObject({ openapi: '3.1.0', servers: [{ url: origin }] });

    const link = await program.run(['admin', 'link', ...args]).ended;
    const environment = { NODE_EXTRA_CA_CERTS: join(program.folder, 'ca.pem') };
    const claimed = await program.run(['admin', 'claim', link.stdout.trim(), '--name', 'Ada'], environment)
      .ended;
    expect(claimed.stderr).toBe('');
    expect(claimed.code).toBe(0);

    serving.child.kill('SIGTERM');
    const { code, stdout, stderr } = await serving.ended;
    expect(code).toBe(0);
    // What libraries say while they are loaded is in the log, or nowhere.
    for (const line of stderr.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('level');
    const types = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).type);
    expect(types.at(-1)).toBe('bridge.stopped');
  });

  it('loads the driver of PostgreSQL and says that no server answers', async () => {
    const port = await freePort();
    const storage = { driver: 'postgres', url: { env: 'STORE' }, tls: 'off' };
    const { args } = await configure({ storage });
    const { code, stderr } = await program.run(['admin', 'link', ...args], {
      STORE: `postgres://bridge:secret@127.0.0.1:${port}/bridge`,
    }).ended;
    expect(stderr).toContain('(code unavailable)');
    expect(code).toBe(1);
  });

  it('says which of its modules is missing', async () => {
    const [[path = ''] = []] = Object.entries(program.metafile.outputs).filter(
      ([, { entryPoint }]) => entryPoint === 'bridge/main.ts',
    );
    const name = path.split('/').at(-1) ?? '';
    const { args } = await configure({});
    const whole = readFileSync(program.file(name));
    await rm(program.file(name));
    onTestFinished(() => writeFile(program.file(name), whole));
    const { code, stderr } = await program.run(['serve', ...args]).ended;
    expect(stderr).toContain('Cannot find module');
    expect(stderr).toContain(name);
    expect(code).toBe(1);
  });
});

describe('its threads', () => {
  it('are all in it, by the names that they are started by', () => {
    const started = sourcesOf('bridge').flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/startThread\(import\.meta\.url, '([a-z-]+)'/g)].map(
        ([, name]) => name,
      ),
    );
    expect(['main', ...started].sort()).toEqual(Object.keys(PROGRAM_ENTRIES).sort());
  });

  it('prove as the sources do', async () => {
    const seed = new Uint8Array(32).fill(7);
    const input = new Uint8Array([1, 2, 3]);
    const proved = vrfProve(vrfKeyPair(seed.slice()), input);
    expect(await askThread('vrf-worker.js', seed, { id: 1, input })).toEqual({ id: 1, ...proved });
  });

  it('sign and verify as WebCrypto does, once they have said that they are up', async () => {
    const key = await testKey('one');
    const { privateKey, publicKey } = key;
    const signature = await signBytes(key, new TextEncoder().encode('signed'));
    const jobs = [
      ['signed', 0],
      ['signed', publicKey.x, signature],
      ['other', publicKey.x, signature],
    ] as const;
    const worker = new Worker(program.file('signature-worker.js'));
    onTestFinished(async () => void (await worker.terminate()));
    expect(await once(worker, 'message')).toEqual([READY]);
    worker.postMessage({ id: 7, keys: [privateKey], jobs } satisfies SignatureBatch);
    expect(await once(worker, 'message')).toEqual([{ id: 7, answers: [signature, true, false] }]);
  });

  it('transform with an engine of their own, and refuse what is no ciphertext', async () => {
    const job = { id: 1, keys: [new Uint8Array(1)], input: new Uint8Array(1) };
    const answer = await askThread('transform-worker.js', { prefer: 'wasm' }, job);
    expect(answer).toMatchObject({ id: 1, fault: { code: expect.any(String) } });
  });
});

describe('what a bridge loads to start on the embedded store', () => {
  const loaded = () => modulesOf(program.metafile, ['bridge/cli/main.ts', 'bridge/main.ts']);

  it('holds no driver of another store, no XML, no certificates and no metrics', () => {
    const packages = new Set(
      loaded().flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []),
    );
    for (const name of ['koa', 'zod', 'oidc-provider', 'commander']) expect(packages).toContain(name);
    for (const name of [
      'pg',
      'ioredis',
      '@node-saml/node-saml',
      '@xmldom/xmldom',
      '@peculiar/x509',
      'prom-client',
    ]) {
      expect(packages).not.toContain(name);
    }
  });

  it('holds no other command', () => {
    const commands = loaded().filter((path) => path.startsWith('bridge/cli/commands/'));
    expect(commands).toEqual(['bridge/cli/commands/serve.ts']);
  });

  it('holds the sentences of zod in English alone', () => {
    const languages = loaded().filter((path) => path.includes('/zod/v4/locales/'));
    expect(languages.map((path) => path.split('/').at(-1))).toEqual(['en.js']);
  });
});

describe('a module of it', () => {
  it('is asked for where a file lies only by those that find their way in the bundle too', () => {
    const asking = ['bridge', 'connectors', 'protocol', 'recrypt', 'client']
      .flatMap(sourcesOf)
      .filter((path) => readFileSync(path, 'utf8').includes('import.meta.'))
      .map((path) => path.slice(ROOT.length));
    expect(asking.sort()).toEqual([
      // Threads, which lie in the bundle beside whoever starts them.
      ...['bridge/keylog/vrf-pool.ts', 'bridge/lib/start-thread.ts'],
      // package.json, above both.
      'bridge/lib/version.ts',
      // Packages, which are found from both.
      'bridge/policy/engine/cedar.ts',
      ...['bridge/signer/signatures.ts', 'bridge/transforms/transform-pool.ts'],
      'recrypt/load-node.ts',
    ]);
  });
});

async function configure(given: Record<string, unknown>) {
  const port = await freePort();
  const origin = `https://localhost:${port}`;
  const authority = await createThrowawayCa();
  const { key, cert } = await authority.issue(['localhost']);
  const folder = join(program.folder, `bridge-${port}`);
  await mkdir(folder);
  await writeFile(join(folder, 'bridge.key'), key);
  await writeFile(join(folder, 'bridge.crt'), cert);
  await writeFile(join(program.folder, 'ca.pem'), authority.certificatePem);
  await writeFile(join(folder, 'kek.env'), `COUNTERSIGN_KEK=${randomBytes(32).toString('base64url')}\n`);
  const config = {
    ...{ issuer: origin, organization: { name: 'Acme' } },
    listen: { address: '127.0.0.1', port, tls: { certificate_file: 'bridge.crt', key_file: 'bridge.key' } },
    storage: { driver: 'sqlite', path: 'bridge.db' },
    signer: { driver: 'local', key_encryption_key: { env: 'COUNTERSIGN_KEK' } },
    ...given,
  };
  await writeFile(join(folder, 'countersign.yaml'), JSON.stringify(config));
  const args = ['-c', join(folder, 'countersign.yaml'), '--secrets', join(folder, 'kek.env')];
  return { args, origin, ca: authority.certificatePem };
}

function until({ child, output, ended }: ReturnType<BuiltProgram['run']>, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stderr?.on('data', () => {
      if (output.stderr.includes(text)) resolve();
    });
    void ended.then(({ stderr }) => reject(new Error(`it ended: ${stderr}`)));
  });
}

async function askThread(name: string, workerData: unknown, job: unknown): Promise<unknown> {
  const worker = new Worker(program.file(name), { workerData });
  try {
    return await new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
      worker.postMessage(job);
    });
  } finally {
    await worker.terminate();
  }
}

function sourcesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.path, entry.name));
}
