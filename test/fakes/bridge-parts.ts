import { createCredentials } from '../../bridge/binding/credentials.ts';
import { createDeviceAdditions } from '../../bridge/binding/device-additions.ts';
import { createEnrolments } from '../../bridge/binding/enrolments.ts';
import { createProfiles } from '../../bridge/binding/profiles.ts';
import type {
  BindingDeps,
  Credentials,
  DeviceAdditions,
  Enrolments,
  Profiles,
  Vaults,
} from '../../bridge/binding/services.ts';
import { createVaults } from '../../bridge/binding/vaults.ts';
import { assignAddress } from '../../bridge/directory/addresses.ts';
import { insertDomain, setDomainCheck } from '../../bridge/directory/domains.ts';
import { insertPerson } from '../../bridge/directory/persons.ts';
import { createEventLog, type SequencedEventLog } from '../../bridge/events/database-event-log.ts';
import type { StoredEvent } from '../../bridge/events/event-log.ts';
import { createKeyLog } from '../../bridge/keylog/database-key-log.ts';
import type { Clock } from '../../bridge/lib/clock.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { createLogger, type Logger } from '../../bridge/lib/logger.ts';
import { initializeKeys } from '../../bridge/signer/key-ceremony.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { createRootKey, openRootKey } from '../../bridge/signer/root-key.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { createTransforms } from '../../bridge/transforms/transform-pool.ts';
import { parseAddress } from '../../protocol/address.ts';
import type { SigningKey } from '../../protocol/ed25519.ts';
import type { TrustedIssuer } from '../../protocol/partner-record.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import { temporaryStore } from './temporary-store.ts';
import { type TestPolicyOptions, testPolicy } from './test-policy.ts';

/** A clock that stands still until it is moved. */
export interface MovableClock extends Clock {
  advance(seconds: number): void;
}

/** A bridge without HTTP: real store, signer, event log, key log, policy and recrypt. */
export interface BridgeParts extends BindingDeps {
  readonly logger: Logger;
  readonly clock: MovableClock;
  readonly events: SequencedEventLog;
  readonly root: SigningKey;
  readonly keyEncryptionKey: Uint8Array;
  /** What a verifier has pinned of this bridge. */
  readonly issuer: TrustedIssuer;
  readonly credentials: Credentials;
  readonly enrolments: Enrolments;
  readonly deviceAdditions: DeviceAdditions;
  readonly vaults: Vaults;
  readonly profiles: Profiles;
  /** A person who signed in and holds these addresses, the first one as primary; answers their `sub`. */
  addPerson(person: { name?: string | null; addresses: readonly string[] }): Promise<string>;
  addDomain(domain: string): Promise<void>;
  /** The same store as another process has it. */
  openAnother(): Promise<Database>;
  /** Every event so far, in order. */
  eventsSoFar(): Promise<StoredEvent[]>;
  remove(): Promise<void>;
}

export interface BridgePartsOptions {
  readonly iss?: string;
  readonly domains?: readonly string[];
  readonly policy?: TestPolicyOptions;
  /** Stands between the services and a part: to pause it, or to count its calls. */
  readonly replace?: (real: BindingDeps) => Partial<BindingDeps>;
}

/** Loaded once a process: compiling WebAssembly takes long. */
const engine = loadTransformEngine({ prefer: 'wasm' });

export async function bridgeParts(options: BridgePartsOptions = {}): Promise<BridgeParts> {
  const iss = options.iss ?? 'https://bridge.acme.example';
  const domains = options.domains ?? ['acme.example'];
  const clock = movableClock();
  const logger = createLogger({ level: 'silent' });
  const store = await temporaryStore(clock);
  const { database } = store;
  const root = await openRootKey(await createRootKey());
  const keyEncryptionKey = crypto.getRandomValues(new Uint8Array(32));
  await database.transaction((tx) => initializeKeys(tx, { iss, root, keyEncryptionKey, clock }));
  const signer = await openLocalSigner({ database, keyEncryptionKey, iss, clock });
  const events = createEventLog({ database, clock, logger, iss });
  const keyLog = createKeyLog({ database, logger, clock, signer });
  keyLog.start();
  const transforms = createTransforms({ workers: 1, queue: 100, engine: 'wasm' });
  const real: BindingDeps = {
    database,
    signer,
    events,
    keyLog,
    clock,
    engine: await engine,
    transforms,
    policy: testPolicy({ maxDevices: 5, ...options.policy }),
    organization: 'Acme',
  };
  const deps: BindingDeps = { ...real, ...options.replace?.(real) };
  const credentials = createCredentials(deps);
  const withCredentials = { ...deps, credentials };

  async function addDomain(domain: string): Promise<void> {
    const now = Math.floor(clock.now() / 1000);
    await database.transaction(async (tx) => {
      await insertDomain(tx, { domain, challenge: 'c', added: now });
      await setDomainCheck(tx, domain, { status: 'verified', verified: now, checked: now, failures: 0 });
    });
  }
  for (const domain of domains) await addDomain(domain);

  return {
    ...deps,
    clock,
    events,
    root,
    keyEncryptionKey,
    issuer: { entity_id: iss, root_thumbprint: root.kid, domains: [...domains] },
    logger,
    credentials,
    enrolments: createEnrolments({ ...withCredentials, logger }),
    deviceAdditions: createDeviceAdditions(deps),
    vaults: createVaults(deps),
    profiles: createProfiles(withCredentials),
    addDomain,
    openAnother: () => store.openAnother(),
    async addPerson({ name = null, addresses }) {
      const sub = newId();
      const now = Math.floor(clock.now() / 1000);
      await database.transaction(async (tx) => {
        await insertPerson(tx, { sub, name, assurance: 'member', created: now });
        for (const [index, address] of addresses.entries()) {
          const { domain } = parseAddress(address);
          await assignAddress(tx, {
            ...{ address, domain, sub, connectionId: 'connection-1' },
            ...{ primary: index === 0, now },
          });
        }
      });
      return sub;
    },
    async eventsSoFar() {
      await events.settled();
      return events.page({ since: 0, limit: 1000 });
    },
    async remove() {
      await transforms.stop();
      await keyLog.stop();
      await events.stop();
      await store.remove();
    },
  };
}

function movableClock(): MovableClock {
  let now = Date.parse('2026-11-22T09:00:00Z');
  return {
    now: () => now,
    elapsed: () => now,
    advance: (seconds) => {
      now += seconds * 1000;
    },
  };
}
