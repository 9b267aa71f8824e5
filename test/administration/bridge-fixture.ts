import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, parseConfig } from '../../bridge/config/index.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { type BridgeOverrides, type RunningBridge, startBridge } from '../../bridge/main.ts';
import { initializeKeys } from '../../bridge/signer/key-ceremony.ts';
import { createRootKey, openRootKey } from '../../bridge/signer/root-key.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { openDatabase } from '../../bridge/storage/open-storage.ts';
import type { SigningKey } from '../../protocol/ed25519.ts';
import { configuredStores } from '../fakes/configured-stores.ts';
import { createNamedFetch } from '../fakes/named-fetch.ts';
import { createNames, type Names } from '../fakes/names.ts';
import { createThrowawayCa, type ThrowawayCa } from '../fakes/throwaway-ca.ts';
import { type MovableClock, movableClock } from '../signer/signer-fixture.ts';

export const HOST = 'bridge.acme.example';

/** One company's bridge over real TLS, with names that only it and its clients know. */
export interface BridgeFixture {
  readonly folder: string;
  readonly config: Config;
  readonly clock: MovableClock;
  readonly names: Names;
  readonly ca: ThrowawayCa;
  readonly root: SigningKey;
  readonly issuer: string;
  readonly running: RunningBridge;
  /** Asks the bridge at its issuer. */
  readonly fetch: typeof fetch;
  /** Asks with an administrator's token and JSON. */
  ask(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  /** A token by a new one-time link. */
  administrator(name?: string): Promise<string>;
  /** Events so far, in order, but for the bridge's own and those of the log itself, which come with time. */
  events(): Promise<readonly { type: string; code: string | null; [name: string]: unknown }[]>;
  /** Runs work on another connection to the same store. */
  inStore<T>(work: (database: Database) => Promise<T>): Promise<T>;
  restart(): Promise<void>;
  remove(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export async function bridgeFixture(
  overrides: BridgeOverrides & { host?: string; settings?: object; env?: Record<string, string> } = {},
): Promise<BridgeFixture> {
  const host = overrides.host ?? HOST;
  const folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  const clock = movableClock(Date.now());
  const ca = await createThrowawayCa();
  const names = createNames();
  names.addHost(host, '127.0.0.1');
  const { key, cert } = await ca.issue([host]);
  await writeFile(join(folder, 'bridge.crt'), cert);
  await writeFile(join(folder, 'bridge.key'), key);
  await writeFile(join(folder, 'ca.pem'), ca.certificatePem);

  const issuer = `https://${host}`;
  const keyEncryptionKey = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
  const stores = await configuredStores();
  for (const [file, content] of Object.entries(stores.files)) await writeFile(join(folder, file), content);
  const config = parseConfig(configText(issuer, { ...stores.settings, ...overrides.settings }), {
    env: { COUNTERSIGN_KEK: keyEncryptionKey, ...overrides.env },
    readFile: (path) => readFileSync(path, 'utf8'),
    directory: folder,
  });
  const root = await openRootKey(await createRootKey());
  await initialize(config, clock, root);
  const start = () =>
    startBridge(config, { resolver: names, clock, logger: createLogger({ level: 'silent' }), ...overrides });
  let running = await start();
  const named = createNamedFetch(names, ca.certificatePem);
  const portFetch: typeof fetch = (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.hostname === host) url.port = String(running.port);
    return named.fetch(url.href, init);
  };

  async function ask(method: string, path: string, body?: unknown, token?: string): Promise<Answer> {
    const response = await portFetch(`${issuer}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = /^application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : { text } };
  }

  return {
    ...{ folder, config, clock, names, ca, root, issuer, ask },
    fetch: portFetch,
    get running() {
      return running;
    },
    async administrator(name = 'Ada') {
      const { url } = await running.services.administrators.createLink();
      const answer = await ask('POST', '/admin/v1/bootstrap', { token: new URL(url).hash.slice(1), name });
      return String(answer.body.token);
    },
    async events() {
      await running.services.events.settled();
      const page = await running.services.events.page({ since: 0, limit: 1_000 });
      const own = (type: string) => type.startsWith('bridge.') || type === 'log.checkpointed';
      return page.filter(({ type }) => !own(type)) as never;
    },
    async inStore(work) {
      const database = await openDatabase(config.storage, clock);
      try {
        return await work(database);
      } finally {
        await database.close();
      }
    },
    async restart() {
      await running.stop();
      running = await start();
    },
    async remove() {
      await named.close();
      await running.stop();
      await stores.remove();
      await rm(folder, { recursive: true });
    },
  };
}

function configText(issuer: string, settings: object = {}): string {
  return JSON.stringify({
    issuer,
    organization: { name: 'Acme' },
    listen: {
      address: '127.0.0.1',
      port: 0,
      tls: { certificate_file: 'bridge.crt', key_file: 'bridge.key' },
    },
    signer: { driver: 'local', key_encryption_key: { env: 'COUNTERSIGN_KEK' } },
    outbound: { allowed_networks: ['127.0.0.0/8'], ca_file: 'ca.pem' },
    events: { stdout: false },
    ...settings,
  });
}

async function initialize(config: Config, clock: MovableClock, root: SigningKey): Promise<void> {
  const database = await openDatabase(config.storage, clock);
  await database.migrate();
  const keyEncryptionKey = new Uint8Array(
    Buffer.from(config.signer.key_encryption_key.reveal(), 'base64url'),
  );
  await database.transaction((tx) =>
    initializeKeys(tx, { iss: config.issuer, root, keyEncryptionKey, clock }).then(() => undefined),
  );
  await database.close();
}
