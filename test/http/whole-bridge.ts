import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Config, loadConfig } from '../../bridge/config/index.ts';
import type { StoredEvent } from '../../bridge/events/event.ts';
import type { Clock } from '../../bridge/lib/clock.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { type RunningBridge, startBridge } from '../../bridge/main.ts';
import { initializeKeys } from '../../bridge/signer/key-ceremony.ts';
import { createRootKey, openRootKey } from '../../bridge/signer/root-key.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { openDatabase } from '../../bridge/storage/open-storage.ts';
import { type Administrator, bootstrapAdministrator } from '../../demo/stage/administrator.ts';
import { amendConfiguration, writeConfiguration } from '../../demo/stage/configuration.ts';
import type { Domain } from '../../demo/stage/domain.ts';
import { freePort } from '../../demo/stage/free-port.ts';
import type { Stage } from '../../demo/stage/stage.ts';
import { ageKeys } from '../fakes/aged-keys.ts';

/** The machine's clock, ahead by what it was moved. */
export interface MovableClock extends Clock {
  advance(seconds: number): void;
  /** Stops it until the answer is called: for what has to happen within so many seconds, on a slow machine too. */
  stand(): () => void;
}

export function createMovableClock(): MovableClock {
  let ahead = 0;
  let stood: { readonly now: number; readonly elapsed: number } | undefined;
  return {
    now: () => (stood?.now ?? Date.now()) + ahead,
    elapsed: () => (stood?.elapsed ?? performance.now()) + ahead,
    advance: (seconds) => {
      ahead += seconds * 1000;
    },
    stand() {
      stood ??= { now: Date.now(), elapsed: performance.now() };
      return () => {
        stood = undefined;
      };
    },
  };
}

/** A bridge as a company runs it, over TLS under its own name, with its administrator. */
export interface WholeBridge {
  readonly issuer: string;
  readonly host: string;
  readonly clock: MovableClock;
  readonly configPath: string;
  readonly config: Config;
  readonly rootThumbprint: string;
  readonly running: RunningBridge;
  readonly administrator: Administrator;
  /** Another connection to its store. */
  readonly store: Database;
  /** For the bridge, and for what its cache keeps. */
  passTime(seconds: number): Promise<void>;
  /** On what it had stored. */
  restart(): Promise<void>;
  /** All events so far, in order, but for those of the log itself, which come with time and not by what is done. */
  events(): Promise<StoredEvent[]>;
  /** Names a domain, publishes the TXT record that proves it, and has the bridge look. */
  proveDomain(domain: string): Promise<void>;
}

/** The app that people of every bridge here sign in with. */
export const APP_ID = 'test-app';

/** Keys of the configuration’s sections in the place of the stage’s. */
export type Amended = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Starts one on the stage, which ends it. */
export async function startWholeBridge(
  stage: Stage,
  host: string,
  amended: Amended = {},
): Promise<WholeBridge> {
  const clock = createMovableClock();
  const port = await freePort();
  const issuer = `https://${host}:${port}`;
  stage.names.addHost(host, '127.0.0.1');
  const tls = await stage.ca.issue([host]);
  const folder = join(stage.folder, randomUUID());
  const given = { issuer, port, caFile: stage.caFile, tls, stores: await stage.newStores() };
  const configPath = await writeConfiguration(folder, { name: host }, given);
  for (const [section, keys] of Object.entries(amended)) await amendConfiguration(configPath, section, keys);
  const config = loadConfig({ path: configPath, env: {} });

  const store = await openDatabase(config.storage, clock);
  stage.onClose(() => store.close());
  await store.migrate();
  const rootThumbprint = await holdKeyCeremony(store, config, clock);

  const logger = createLogger({ level: 'silent' });
  const start = () => startBridge(config, { resolver: stage.names, clock, engine: stage.engine, logger });
  let running = await start();
  stage.onClose(() => running.stop());
  const { url } = await running.services.administrators.createLink();
  const administrator = await bootstrapAdministrator(issuer, url, stage.fetch);
  await administrator.post('/admin/v1/apps', {
    id: APP_ID,
    name: 'Test app',
    redirectUris: ['http://127.0.0.1/callback'],
    corsOrigins: ['https://app.example'],
  });

  return {
    ...{ issuer, host, clock, configPath, config, rootThumbprint, administrator, store },
    get running() {
      return running;
    },
    async passTime(seconds) {
      clock.advance(seconds);
      const { cache } = config;
      if (cache.driver === 'redis') await ageKeys(cache.url.reveal(), cache.prefix, seconds * 1_000);
    },
    async restart() {
      await running.stop();
      running = await start();
    },
    async events() {
      await running.services.events.settled();
      const events: StoredEvent[] = [];
      for (;;) {
        const since = events.at(-1)?.seq ?? 0;
        const page = await running.services.events.page({ since, limit: 1000 });
        if (page.length === 0) return events.filter(({ type }) => type !== 'log.checkpointed');
        events.push(...page);
      }
    },
    async proveDomain(domain) {
      const { record } = await administrator.post<Domain>('/admin/v1/domains', { domain });
      stage.names.setTxt(record.name, [record.value]);
      await administrator.post(`/admin/v1/domains/${domain}/verify`);
    },
  };
}

/** Answers the root's fingerprint. */
async function holdKeyCeremony(store: Database, config: Config, clock: Clock): Promise<string> {
  const file = await createRootKey();
  const root = await openRootKey(file);
  const keyEncryptionKey = new Uint8Array(
    Buffer.from(config.signer.key_encryption_key.reveal(), 'base64url'),
  );
  await store.transaction((tx) => initializeKeys(tx, { iss: config.issuer, root, keyEncryptionKey, clock }));
  return file.thumbprint;
}
