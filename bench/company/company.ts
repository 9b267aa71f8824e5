import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { loadConfig } from '../../bridge/config/index.ts';
import { insertDomain, setDomainCheck } from '../../bridge/directory/domains.ts';
import { createKeyLog } from '../../bridge/keylog/database-key-log.ts';
import { seconds, systemClock } from '../../bridge/lib/clock.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { initializeKeys } from '../../bridge/signer/key-ceremony.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { createRootKey, openRootKey } from '../../bridge/signer/root-key.ts';
import { openDatabase } from '../../bridge/storage/open-storage.ts';
import { freePort } from '../../demo/stage/free-port.ts';
import { createThrowawayCa } from '../../test/fakes/throwaway-ca.ts';
import { type Asker, insertAsker } from './asker.ts';
import { DOMAIN } from './domain.ts';
import { insertPeople } from './people.ts';

const HOST = 'bridge.bench.localhost';

/** A company whose bridge can be started: keys, a verified domain, people whose statements are published. */
export interface Company {
  readonly folder: string;
  readonly configPath: string;
  readonly issuer: string;
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: string };
  /** PEM. */
  readonly ca: string;
  readonly rootThumbprint: string;
  /** Of everybody but the asker. */
  readonly addresses: readonly string[];
  /** Somebody with an endorsed device and an access token. */
  readonly asker: Asker;
  remove(): Promise<void>;
}

/** Founds a company of `size` people and an asker, on the embedded store. */
export async function foundCompany(size: number): Promise<Company> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-'));
  const port = await freePort();
  const issuer = `https://${HOST}:${port}`;
  const authority = await createThrowawayCa();
  const tls = await authority.issue([HOST]);
  const configPath = await writeConfiguration(folder, { issuer, port, tls });
  const config = loadConfig({ path: configPath, env: {} });
  const clock = systemClock;
  const root = await openRootKey(await createRootKey());
  const keyEncryptionKey = new Uint8Array(
    Buffer.from(config.signer.key_encryption_key.reveal(), 'base64url'),
  );
  const database = await openDatabase(config.storage, clock);
  try {
    await database.migrate();
    await database.transaction((tx) => initializeKeys(tx, { iss: issuer, root, keyEncryptionKey, clock }));
    const keyLog = createKeyLog({
      ...{ database, clock, logger: createLogger({ level: 'silent' }) },
      signer: await openLocalSigner({ database, keyEncryptionKey, iss: issuer, clock }),
      settings: { vrfWorkers: availableParallelism() },
    });
    await database.transaction(async (tx) => {
      const now = seconds(clock);
      await insertDomain(tx, { domain: DOMAIN, challenge: 'bench', added: now });
      await setDomainCheck(tx, DOMAIN, { status: 'verified', verified: now, checked: now, failures: 0 });
    });
    const people = await insertPeople({ database, keyLog, iss: issuer, clock }, size + 1);
    const [first, ...others] = people;
    if (first === undefined) throw new RangeError('a company has people');
    const asker = await insertAsker({ database, iss: issuer, clock }, first);
    // Gives what is staged its place, as the bridge would.
    await keyLog.stop();
    return {
      ...{ folder, configPath, issuer, host: HOST, port, tls, ca: authority.certificatePem, asker },
      rootThumbprint: root.kid,
      addresses: others.map(({ statement }) => statement.address),
      remove: () => rm(folder, { recursive: true, force: true }),
    };
  } finally {
    await database.close();
  }
}

async function writeConfiguration(
  folder: string,
  given: { issuer: string; port: number; tls: { cert: string; key: string } },
): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, 'bridge.crt'), given.tls.cert);
  await writeFile(join(folder, 'bridge.key'), given.tls.key, { mode: 0o600 });
  await writeFile(join(folder, 'kek'), randomBytes(32).toString('base64url'), { mode: 0o600 });
  const path = join(folder, 'countersign.yaml');
  const settings = {
    issuer: given.issuer,
    organization: { name: 'Bench' },
    listen: {
      address: '127.0.0.1',
      port: given.port,
      tls: { certificate_file: './bridge.crt', key_file: './bridge.key' },
      // Requests are limited per client address: the load says that it is a whole company.
      trusted_proxies: ['127.0.0.1/32'],
    },
    storage: { driver: 'sqlite', path: './countersign.db' },
    signer: { driver: 'local', key_encryption_key: { file: './kek' } },
    events: { stdout: false },
    log: { level: 'error' },
  };
  await writeFile(path, stringify(settings));
  return path;
}
