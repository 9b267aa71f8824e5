import { createKeyLog, type DatabaseKeyLog, type KeyLogDeps } from '../../bridge/keylog/database-key-log.ts';
import type { LoggedKind } from '../../bridge/keylog/key-log.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { rotateKeys } from '../../bridge/signer/key-ceremony.ts';
import type { Signer } from '../../bridge/signer/signer.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { type VerifiedLog, verifyLogStaple } from '../../protocol/keytrans/log-proof.ts';
import type { LogTrust } from '../../protocol/keytrans/log-trust.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { logOrigin } from '../../protocol/tlog/checkpoint.ts';
import { ISS, type MovableClock, signerFixture, type TemporaryStore } from '../signer/signer-fixture.ts';

export const ALICE = 'alice@acme.example';
export const ORIGIN = logOrigin(ISS);

interface Named {
  readonly kind?: LoggedKind;
  readonly name?: string;
  readonly version?: number;
}

/** A store with the keys of a bridge, and key logs on it. */
export interface KeyLogFixture {
  readonly store: TemporaryStore;
  readonly database: Database;
  readonly clock: MovableClock;
  readonly signer: Signer;
  /** Stopped by `remove`. */
  open(changes?: Partial<KeyLogDeps>): DatabaseKeyLog;
  /** Stages `loggedValue` of a version in a transaction of its own. */
  stage(log: DatabaseKeyLog, named?: Named & { readonly database?: Database }): Promise<void>;
  staple(log: DatabaseKeyLog, named?: Named): Promise<string | null>;
  /** As a verifier does it, offline. */
  verify(staple: string | null, named?: Named & { readonly trust?: LogTrust }): Promise<VerifiedLog>;
  /** The log key gets a successor, and nothing that it signed counts any more. */
  compromiseLogKey(): Promise<void>;
  remove(): Promise<void>;
}

export function loggedValue({ kind = 'address', name = ALICE, version = 0 }: Named): Uint8Array {
  return utf8(`${kind} ${name} ${version}`);
}

export async function keyLogFixture(): Promise<KeyLogFixture> {
  const { clock, store, root, keyEncryptionKey, open: openSigner } = await signerFixture();
  const { database } = store;
  const signer = await openSigner();
  const logger = createLogger({ level: 'silent' });
  const logs: DatabaseKeyLog[] = [];
  return {
    ...{ store, database, clock, signer },
    open(changes = {}) {
      const log = createKeyLog({ database, logger, clock, signer, ...changes });
      logs.push(log);
      return log;
    },
    async stage(log, { kind = 'address', name = ALICE, version = 0, database: other = database } = {}) {
      const value = loggedValue({ kind, name, version });
      await other.transaction((tx) => log.stage(tx, { kind, name, version, value }));
    },
    staple(log, { kind = 'address', name = ALICE, version = 0 } = {}) {
      return database.read((query) => log.staple(query, kind, name, version));
    },
    async verify(staple, { kind = 'address', name = ALICE, version = 0, trust } = {}) {
      return verifyLogStaple({
        ...{ staple: staple ?? '', kind, name, version, trust },
        value: loggedValue({ kind, name, version }),
        origin: ORIGIN,
        logKeys: signer.onlineKeys().all('log'),
        now: Math.floor(clock.now() / 1000),
      });
    },
    async compromiseLogKey() {
      const compromised = [thumbprint(signer.currentKey('log'))];
      await database.transaction((tx) => rotateKeys(tx, { root, keyEncryptionKey, clock, compromised }));
      await signer.refresh();
      clock.advance(1_000);
    },
    async remove() {
      await Promise.all(logs.map((log) => log.stop()));
      await store.remove();
    },
  };
}
