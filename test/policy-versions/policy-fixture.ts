import { createEventLog } from '../../bridge/events/database-event-log.ts';
import type { StoredEvent } from '../../bridge/events/event-log.ts';
import { createStagingLog } from '../../bridge/keylog/database-key-log.ts';
import type { Clock } from '../../bridge/lib/clock.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import type { DecisionRequest } from '../../bridge/policy/decision.ts';
import { openPolicy, type PolicyInForce } from '../../bridge/policy/versions/policy-in-force.ts';
import { initializeKeys, rotateKeys } from '../../bridge/signer/key-ceremony.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { createRootKey, openRootKey } from '../../bridge/signer/root-key.ts';
import type { Signer } from '../../bridge/signer/signer.ts';
import type { Keyspace } from '../../bridge/storage/cache.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import type { PolicyVersionsTable } from '../../bridge/storage/tables/policy.ts';
import type { PolicyContent } from '../../protocol/policy-bundle.ts';
import { temporaryStore } from '../fakes/temporary-store.ts';

export const ISSUER = 'https://bridge.acme.example';

/** One process of the bridge, as far as policy goes. */
export interface Replica {
  readonly policy: PolicyInForce;
  readonly signer: Signer;
  readonly database: Database;
}

export interface PolicyFixture {
  readonly database: Database;
  readonly clock: Clock & { advance(seconds: number): void };
  /** Opens the policy as a process does when it starts; with a cache of its own, so that nobody wakes it. */
  replica(cache?: Keyspace): Promise<Replica>;
  /** Brings a content into force through this replica. */
  activate(replica: Replica, content: PolicyContent): Promise<{ version: number; hash: string }>;
  rotate(compromised?: readonly string[]): Promise<void>;
  rows(): Promise<PolicyVersionsTable[]>;
  change(version: number, changes: Partial<PolicyVersionsTable>): Promise<void>;
  events(): Promise<StoredEvent[]>;
  remove(): Promise<void>;
}

export async function policyFixture(): Promise<PolicyFixture> {
  let now = Date.parse('2026-11-22T09:00:00Z');
  const clock = {
    now: () => now,
    elapsed: () => now,
    advance: (seconds: number) => {
      now += seconds * 1000;
    },
  };
  const store = await temporaryStore(clock);
  const { database } = store;
  const logger = createLogger({ level: 'silent' });
  const root = await openRootKey(await createRootKey());
  const keyEncryptionKey = crypto.getRandomValues(new Uint8Array(32));
  const given = { root, keyEncryptionKey, clock };
  await database.transaction((tx) => initializeKeys(tx, { iss: ISSUER, ...given }));
  const events = createEventLog({ database, clock, logger, iss: ISSUER });
  events.start();
  const keyLog = createStagingLog();
  const replicas: Replica[] = [];

  return {
    database,
    clock,
    async replica(cache = new MemoryCache({ clock })) {
      const own = await store.openAnother();
      const signer = await openLocalSigner({ database: own, keyEncryptionKey, iss: ISSUER, clock });
      const policy = await openPolicy({ database: own, signer, keyLog, events, cache, clock, logger });
      const opened = { policy, signer, database: own };
      replicas.push(opened);
      return opened;
    },
    async activate({ policy, database: own }, content) {
      const by = {
        requestId: 'request-1',
        actor: { kind: 'administrator', id: 'ada', name: 'Ada' },
      } as const;
      const activated = await own.transaction((tx) => policy.activate(tx, content, by));
      await policy.refresh();
      return activated;
    },
    async rotate(compromised = []) {
      await database.transaction((tx) => rotateKeys(tx, { ...given, compromised }));
    },
    rows: () =>
      database.read((query) => query.selectFrom('policy_versions').selectAll().orderBy('version').execute()),
    async change(version, changes) {
      await database.transaction((tx) =>
        tx.updateTable('policy_versions').set(changes).where('version', '=', version).execute(),
      );
    },
    async events() {
      await events.settled();
      return events.page({ since: 0, limit: 1000 });
    },
    async remove() {
      for (const { policy } of replicas) await policy.stop();
      await events.stop();
      await store.remove();
    },
  };
}

/** A person who looks up: what the shipped policy allows. */
export const LOOK_UP: DecisionRequest = {
  action: 'look-up',
  principal: { kind: 'person', id: 'alice', assurance: 'member', endorsed: true },
  resource: { kind: 'bridge', id: ISSUER },
  context: {},
};
