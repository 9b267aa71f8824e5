import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readSecretsFile } from '../../bridge/cli/local-store.ts';
import { loadConfig } from '../../bridge/config/index.ts';
import { keyEncryptionKeys } from '../../bridge/config/key-encryption-keys.ts';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import { createStagingLog } from '../../bridge/keylog/database-key-log.ts';
import { systemClock as clock } from '../../bridge/lib/clock.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import { openPolicy, type PolicyInForce } from '../../bridge/policy/versions/policy-in-force.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { openDatabase } from '../../bridge/storage/open-storage.ts';
import { policyHash } from '../../protocol/policy-bundle.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';
import { SOON } from '../fakes/soon.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';

const ISSUER = 'https://bridge.acme.example';
/** Nobody may do anything under it, the administrators neither. */
const LOCKED = { ...readDefaultContent(), policies: {} };

let terminal: RecordedTerminal;
let local: string[];
let database: Database;
let policy: PolicyInForce;

beforeEach(async () => {
  terminal = await recordedTerminal();
  const { key, cert } = await (await createThrowawayCa()).issue(['bridge.acme.example']);
  const tls = join(terminal.home, 'tls');
  await mkdir(tls);
  await writeFile(join(tls, 'bridge.key'), key);
  await writeFile(join(tls, 'bridge.crt'), cert);
  const secrets = join(terminal.home, 'kek.env');
  const path = join(terminal.home, 'countersign.yaml');
  local = ['-c', path, '--secrets', secrets];
  const init = ['init', ...local, '--root-key', join(terminal.home, 'root.json')];
  await terminal.run([...init, '--issuer', ISSUER, '--organization', 'Acme']);
  const config = loadConfig({ path, env: readSecretsFile(secrets) });
  const logger = createLogger({ level: 'silent' });
  database = await openDatabase(config.storage, clock);
  const signer = await openLocalSigner({ database, ...keyEncryptionKeys(config), iss: ISSUER, clock });
  const events = createEventLog({ database, clock, logger, iss: ISSUER });
  const cache = new MemoryCache({ clock });
  const keyLog = createStagingLog();
  policy = await openPolicy({ database, signer, keyLog, events, cache, clock, logger });
  await database.transaction((tx) => policy.activate(tx, LOCKED, SYSTEM));
  await policy.refresh();
});

afterEach(async () => {
  await policy.stop();
  await database.close();
  await terminal.remove();
});

const restore = (...options: string[]) => terminal.run(['policy', 'restore-defaults', ...local, ...options]);
const versions = () =>
  database.read((query) =>
    query.selectFrom('policy_versions').select(['version', 'hash']).orderBy('version').execute(),
  );

it('whoever has the machine brings the shipped policy back, also where every administrator is locked out', async () => {
  expect(policy.hash).toBe(policyHash(LOCKED));
  const { code, out } = await restore('--yes', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual({ version: 2, hash: policyHash(readDefaultContent()) });
  await expect.poll(() => policy.hash, SOON).toBe(policyHash(readDefaultContent()));
});

it('it asks first, and does nothing without an answer', async () => {
  const { code, said } = await restore();
  expect(code).toBe(2);
  expect(said).toContain('Add --yes');
  expect(await versions()).toHaveLength(2);
});

it('it says in the event log and in the key log that it was done', async () => {
  await restore('--yes');
  const staged = await database.read((query) => query.selectFrom('events').select('body').execute());
  const activated = staged.filter(({ body }) => body.includes('"policy.activated"'));
  expect(activated.filter(({ body }) => body.includes('policy restore-defaults'))).toHaveLength(1);
  const logged = await database.read((query) =>
    query.selectFrom('logged_versions').select('version').where('kind', '=', 'policy').execute(),
  );
  expect(logged.map(({ version }) => version).sort()).toEqual([0, 1, 2]);
});
