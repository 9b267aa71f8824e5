import { availableParallelism } from 'node:os';
import { createCredentials } from '../../bridge/binding/credentials.ts';
import { createEnrolments } from '../../bridge/binding/enrolments.ts';
import type { BindingDeps, Enrolments } from '../../bridge/binding/services.ts';
import { assignAddress } from '../../bridge/directory/addresses.ts';
import { insertDomain, setDomainCheck } from '../../bridge/directory/domains.ts';
import { insertPerson } from '../../bridge/directory/persons.ts';
import { createEventLog, type SequencedEventLog } from '../../bridge/events/database-event-log.ts';
import { createKeyLog } from '../../bridge/keylog/database-key-log.ts';
import { seconds, systemClock } from '../../bridge/lib/clock.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { KEY_LOG_WITNESS_WAIT_MS, TRANSFORMS_WAITING } from '../../bridge/lib/limits.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { initializeKeys } from '../../bridge/signer/key-ceremony.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { createRootKey, openRootKey } from '../../bridge/signer/root-key.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { openPostgres } from '../../bridge/storage/postgres/open.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';
import { createTransforms } from '../../bridge/transforms/transform-pool.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { testPolicy } from '../../test/fakes/test-policy.ts';
import { DOMAIN } from '../company/domain.ts';
import { countEd25519, countedDatabase, countedEngine, countedTransforms, Tally } from './counted.ts';

/** Where an empty store is. */
export type Store =
  | { readonly driver: 'sqlite'; readonly path: string }
  | { readonly driver: 'postgres'; readonly url: string };

/** What of a bridge enrols, with its logs running, and a count of what it does. */
export interface EnrolmentParts {
  readonly enrolments: Enrolments;
  readonly events: SequencedEventLog;
  /** Not counted. */
  readonly engine: TransformEngine;
  /** Not counted. */
  readonly database: Database;
  readonly tally: Tally;
  /** People who signed in and hold an address each; answers their `sub`s. */
  addPeople(count: number): Promise<string[]>;
  close(): Promise<void>;
}

export async function openParts(store: Store): Promise<EnrolmentParts> {
  const iss = 'https://bridge.bench.example';
  const clock = systemClock;
  const logger = createLogger({ level: 'silent' });
  const tally = new Tally();
  const database = await openStore(store);
  await database.migrate();
  const root = await openRootKey(await createRootKey());
  const keyEncryptionKey = crypto.getRandomValues(new Uint8Array(32));
  await database.transaction((tx) => initializeKeys(tx, { iss, root, keyEncryptionKey, clock }));
  await addDomain(database);
  const signer = await openLocalSigner({ database, keyEncryptionKey, iss, clock });
  const engine = await loadTransformEngine();
  countEd25519(tally);
  const counted = countedDatabase(database, tally);
  const events = createEventLog({ database: counted, clock, logger, iss });
  const keyLog = createKeyLog({
    ...{ database: counted, logger, clock, signer },
    observer: { stapled: () => {}, proved: () => tally.add('VRF proof') },
    settings: { vrfWorkers: 1, epochMilliseconds: 0, witnessWaitMilliseconds: KEY_LOG_WITNESS_WAIT_MS },
  });
  events.start();
  keyLog.start();
  const pool = { workers: availableParallelism(), queue: TRANSFORMS_WAITING, engine: engine.name };
  const transforms = countedTransforms(createTransforms(pool), tally);
  const deps: BindingDeps = {
    ...{ database: counted, signer, events, keyLog, clock, engine: countedEngine(engine, tally) },
    policy: testPolicy({ maxDevices: 5 }),
    ...{ organization: 'Bench', transforms },
  };
  return {
    ...{ events, engine, database, tally },
    enrolments: createEnrolments({ ...deps, logger, credentials: createCredentials(deps) }),
    addPeople: (count) => addPeople(database, count),
    async close() {
      await transforms.stop();
      await keyLog.stop();
      await events.stop();
      await database.close();
    },
  };
}

function openStore(store: Store): Promise<Database> {
  const clock = systemClock;
  return store.driver === 'sqlite'
    ? openSqlite({ path: store.path, clock })
    : openPostgres({ url: store.url, clock });
}

async function addDomain(database: Database): Promise<void> {
  const now = seconds(systemClock);
  await database.transaction(async (tx) => {
    await insertDomain(tx, { domain: DOMAIN, challenge: 'bench', added: now });
    await setDomainCheck(tx, DOMAIN, { status: 'verified', verified: now, checked: now, failures: 0 });
  });
}

async function addPeople(database: Database, count: number): Promise<string[]> {
  const subs = Array.from({ length: count }, newId);
  const now = seconds(systemClock);
  await database.transaction(async (tx) => {
    for (const sub of subs) {
      const address = `${sub}@${DOMAIN}`;
      await insertPerson(tx, { sub, name: `Person ${sub}`, assurance: 'member', created: now });
      await assignAddress(tx, {
        ...{ address, domain: DOMAIN, sub, connectionId: 'bench', primary: true, now },
      });
    }
  });
  return subs;
}
