import { createCredentials } from '../../bridge/binding/credentials.ts';
import { createEnrolments } from '../../bridge/binding/enrolments.ts';
import { assignAddress } from '../../bridge/directory/addresses.ts';
import { insertPerson } from '../../bridge/directory/persons.ts';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import { withdrawLostTrust } from '../../bridge/identity/lost-trust.ts';
import { createKeyLog, createStagingLog, type DatabaseKeyLog } from '../../bridge/keylog/database-key-log.ts';
import { createLostNames } from '../../bridge/keylog/lost-names.ts';
import { assertCopyNewest, type HeadKeepers } from '../../bridge/keylog/recovery/copy-age.ts';
import type { LogCopy } from '../../bridge/keylog/recovery/log-copy.ts';
import { planLost } from '../../bridge/keylog/recovery/lost-plan.ts';
import { type VerifiedCopy, verifyCopy } from '../../bridge/keylog/recovery/verified-copy.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { createLifecycle, type Lifecycle } from '../../bridge/lifecycle/lifecycle.ts';
import {
  type LogRecovery,
  namesOfEveryBridge,
  type RecoveredLog,
  recoverLog,
} from '../../bridge/lifecycle/log-recovery.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { newestSigned } from '../../bridge/tlog/checkpoint-store.ts';
import { checkpointNoteOf } from '../../bridge/tlog/checkpoints.ts';
import { readHead } from '../../bridge/tlog/log-heads.ts';
import { EMPTY_LOG, readEntryBundle } from '../../bridge/tlog/log-tree.ts';
import { logVerifierKeys } from '../../bridge/tlog/note-signer.ts';
import { parseAddress } from '../../protocol/address.ts';
import { logOrigin } from '../../protocol/tlog/checkpoint.ts';
import { decodeEntryBundle, TILE_WIDTH } from '../../protocol/tlog/tile.ts';
import type { BridgeParts } from '../fakes/bridge-parts.ts';
import { putBack, type StoreSnapshot } from '../fakes/store-snapshot.ts';
import { temporaryStore } from '../fakes/temporary-store.ts';

/** A bridge on a store of its own that a backup was put into. */
export interface RestoredParts extends BridgeParts {
  readonly keyLog: DatabaseKeyLog;
  readonly lifecycle: Lifecycle;
  verify(copy: LogCopy): Promise<VerifiedCopy>;
  /** Verifies, plans and recovers. */
  recover(copy: LogCopy, changes?: Partial<LogRecovery>): Promise<RecoveredLog>;
}

/** The same bridge, `live` with its clock and keys, on what it had stored when the snapshot was taken. */
export async function restoredParts(live: BridgeParts, snapshot: StoreSnapshot): Promise<RestoredParts> {
  const { clock, logger, keyEncryptionKey } = live;
  const { entity_id: iss } = live.issuer;
  const store = await temporaryStore(clock);
  const { database } = store;
  await putBack(database, snapshot);
  const signer = await openLocalSigner({ database, keyEncryptionKey, iss, clock });
  const events = createEventLog({ database, clock, logger, iss });
  const keyLog = createKeyLog({ database, logger, clock, signer });
  const deps = { ...live, database, signer, events, keyLog };
  const lostNames = createLostNames(deps);
  const credentials = createCredentials(deps);
  const tokens = { revokePerson: async () => 0, revokeDevice: async () => 0 };
  const addPerson: BridgeParts['addPerson'] = async ({ name = null, addresses }) => {
    const sub = newId();
    const now = Math.floor(clock.now() / 1000);
    await database.transaction(async (tx) => {
      await insertPerson(tx, { sub, name, assurance: 'member', created: now });
      for (const address of addresses) {
        const { domain } = parseAddress(address);
        await assignAddress(tx, { address, domain, sub, connectionId: 'connection-1', primary: true, now });
      }
    });
    return sub;
  };
  const verify = (copy: LogCopy) => verifyFor({ database, signer }, copy);
  return {
    ...deps,
    ...{ addPerson, credentials },
    enrolments: createEnrolments({ ...deps, credentials, lostNames }),
    lifecycle: createLifecycle({ ...deps, decide: live.policy.decide, tokens }),
    verify,
    async recover(copy, changes = {}) {
      const verified = await verify(copy);
      const plan = await planLost(
        { database, signer, workers: 0, always: namesOfEveryBridge(iss) },
        verified,
      );
      const recovery = { copy: verified, plan, vouchedBy: 'nobody', devices: 'kept', ...changes } as const;
      const given = { database, signer, events, clock, keyLog: createStagingLog() };
      return recoverLog(
        {
          ...given,
          withdrawTrust: (tx, names) => withdrawLostTrust({ ...given, issuer: iss }, tx, names),
        },
        recovery,
      );
    },
    async remove() {
      await keyLog.stop();
      await events.stop();
      await store.remove();
    },
  };
}

/** Held against what a store has, by the auditor's rules. */
export async function verifyFor(
  { database, signer }: Pick<BridgeParts, 'database' | 'signer'>,
  copy: LogCopy,
): Promise<VerifiedCopy> {
  const origin = logOrigin(signer.iss);
  const head = (await database.read((query) => readHead(query, 'keys'))) ?? { size: 0, hash: EMPTY_LOG };
  return verifyCopy(copy, { origin, logKeys: logVerifierKeys(signer.onlineKeys().all('log'), origin), head });
}

/** What somebody kept of the log as a store has it now; `change` may lie. */
export async function copyOf(
  { database, signer }: Pick<BridgeParts, 'database'> & { signer: Pick<BridgeParts['signer'], 'iss'> },
  change: (entries: Uint8Array[]) => Uint8Array[] = (entries) => entries,
): Promise<LogCopy> {
  return database.read(async (query) => {
    const signed = await newestSigned(query, 'keys');
    if (signed === undefined) throw new Error('nothing is signed');
    const entries: Uint8Array[] = [];
    for (let index = 0; index * TILE_WIDTH < signed.size; index++) {
      const width = Math.min(TILE_WIDTH, signed.size - index * TILE_WIDTH);
      const bundle = await readEntryBundle(query, 'keys', index, width);
      entries.push(...decodeEntryBundle(bundle ?? new Uint8Array()));
    }
    const kept = change(entries);
    return {
      ...{ place: 'a copy', note: checkpointNoteOf(logOrigin(signer.iss), signed) },
      async *entries() {
        for (let first = 0; first < kept.length; first += TILE_WIDTH) {
          yield kept.slice(first, first + TILE_WIDTH);
        }
      },
    };
  });
}

/** Nothing that could know better, unless it is said. */
export const isNewest = (copy: VerifiedCopy, origin: string, keepers: Partial<HeadKeepers> = {}) =>
  assertCopyNewest(copy, {
    ...{ origin, kept: undefined, headFileApart: false, witnesses: [], quorum: 0 },
    ...keepers,
  });
