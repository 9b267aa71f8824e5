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
import type { Signer } from '../../bridge/signer/signer.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { openDatabase } from '../../bridge/storage/open-storage.ts';
import { currentLogKey } from '../../bridge/tlog/note-signer.ts';
import { freePort } from '../../demo/stage/free-port.ts';
import { logOrigin } from '../../protocol/tlog/checkpoint.ts';
import { formatVerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { createThrowawayCa } from '../../test/fakes/throwaway-ca.ts';
import { type Asker, insertAsker } from './asker.ts';
import { DOMAIN } from './domain.ts';
import { insertPeople } from './people.ts';

const DATABASE = 'countersign.db';
const HOST = 'bridge.bench.localhost';

/** What is another way than usual. */
export interface CompanyOptions {
  /** A name of this machine. */
  readonly host?: string;
  /** Sections of the configuration, with the paths of files that stand in its folder. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Such files, by their names. */
  readonly files?: Readonly<Record<string, string>>;
  /** Puts something into the log before the people. */
  readonly fill?: (log: EmptyLog) => Promise<void>;
}

/** A key log that has not begun. */
export interface EmptyLog {
  /** Of the database, which other processes may write to as well. */
  readonly path: string;
  readonly database: Database;
  readonly signer: Signer;
}

/** A company whose bridge can be started: keys, a verified domain, people whose statements are published. */
export interface Company {
  readonly folder: string;
  readonly configPath: string;
  readonly databasePath: string;
  readonly issuer: string;
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: string };
  /** PEM. */
  readonly ca: string;
  readonly rootThumbprint: string;
  /** The vkey of its log. */
  readonly logKey: string;
  /** Of everybody but the asker. */
  readonly addresses: readonly string[];
  /** Somebody with an endorsed device and an access token. */
  readonly asker: Asker;
  remove(): Promise<void>;
}

/** Founds a company of `size` people and an asker, on the embedded store. */
export async function foundCompany(size: number, options: CompanyOptions = {}): Promise<Company> {
  const { host = HOST } = options;
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-'));
  const databasePath = join(folder, DATABASE);
  const port = await freePort();
  const issuer = `https://${host}:${port}`;
  const authority = await createThrowawayCa();
  const tls = await authority.issue([host]);
  const configPath = await writeConfiguration(folder, { issuer, port, tls }, options);
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
    const signer = await openLocalSigner({ database, keyEncryptionKey, iss: issuer, clock });
    await options.fill?.({ path: databasePath, database, signer });
    const keyLog = createKeyLog({
      ...{ database, clock, signer, logger: createLogger({ level: 'silent' }) },
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
      ...{ folder, configPath, databasePath, issuer, host, port, tls, ca: authority.certificatePem, asker },
      rootThumbprint: root.kid,
      logKey: formatVerifierKey(currentLogKey(signer, logOrigin(issuer))),
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
  { files = {}, settings: more = {} }: CompanyOptions,
): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, 'bridge.crt'), given.tls.cert);
  await writeFile(join(folder, 'bridge.key'), given.tls.key, { mode: 0o600 });
  await writeFile(join(folder, 'kek'), randomBytes(32).toString('base64url'), { mode: 0o600 });
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
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
    storage: { driver: 'sqlite', path: `./${DATABASE}` },
    signer: { driver: 'local', key_encryption_key: { file: './kek' } },
    events: { stdout: false },
    log: { level: 'error' },
    ...more,
  };
  await writeFile(path, stringify(settings));
  return path;
}
