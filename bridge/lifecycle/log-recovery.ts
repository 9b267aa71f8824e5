import { CountersignError } from '../../protocol/errors.ts';
import { findAddress } from '../directory/addresses.ts';
import { keyHolderOf, keyHolders } from '../directory/person-keys.ts';
import { requireActivePerson, skipKeyVersions } from '../directory/persons.ts';
import { loseStatements, personsOfStatements } from '../directory/statements.ts';
import type { EventLog } from '../events/event-log.ts';
import { succeeded } from '../events/succeeded.ts';
import { restrictLostRecord } from '../federation/lost-records.ts';
import type { LoggedVersion, StagingLog } from '../keylog/key-log.ts';
import type { CopyVouchers } from '../keylog/recovery/copy-age.ts';
import { extendLog } from '../keylog/recovery/extend-log.ts';
import type { LostPlan } from '../keylog/recovery/lost-plan.ts';
import { type LostName, recoverVersions } from '../keylog/recovery/recover-versions.ts';
import { RECOVERY_NAME } from '../keylog/recovery/recovery-name.ts';
import type { VerifiedCopy } from '../keylog/recovery/verified-copy.ts';
import { stageTrustChange } from '../keylog/trust-changes.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { SYSTEM } from '../lib/request-context.ts';
import { deleteAllRecords } from '../oauth/record-store.ts';
import { POLICY_NAME } from '../policy/versions/logged-policy.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database, Transaction } from '../storage/database.ts';
import { ONLINE_KEYS_NAME } from './initialize-bridge.ts';
import { createLifecycle, type RestrictionsWithin } from './lifecycle.ts';

export interface LogRecoveryDeps {
  readonly database: Database;
  readonly signer: Signer;
  readonly events: EventLog;
  readonly keyLog: StagingLog;
  readonly clock: Clock;
  /**
   * Takes back what connections, domains and administrators had newer versions of, in the transaction (bridge/identity);
   * answers the names that are none of these.
   */
  readonly withdrawTrust: (tx: Transaction, names: readonly string[]) => Promise<string[]>;
}

/** What a copy brings, and what is decided about it. */
export interface LogRecovery {
  readonly copy: VerifiedCopy;
  readonly plan: LostPlan;
  readonly vouchedBy: CopyVouchers;
  /** Which devices were removed after the backup nobody can tell from the log: all stay, or all go. */
  readonly devices: 'kept' | 'withdrawn';
}

/** What a recovery did. */
export interface RecoveredLog {
  readonly size: number;
  readonly epoch: number;
  /** Ids of the people whose keys and devices were withdrawn. */
  readonly persons: readonly string[];
  /** Records of access tokens and grants that have ended. */
  readonly tokens: number;
}

/**
 * Names that bridges begin by themselves, whether or not the backup had come to that. Of a recovery after the backup it
 * knows nothing either.
 */
export function namesOfEveryBridge(issuer: string): readonly Pick<LoggedVersion, 'kind' | 'name'>[] {
  const changes = [ONLINE_KEYS_NAME, RECOVERY_NAME, issuer];
  return [
    { kind: 'policy', name: POLICY_NAME },
    ...changes.map((name) => ({ kind: 'trust-change', name }) as const),
  ];
}

/**
 * A key ceremony after the backup is lost with the private keys that it made, and with it what it declared compromised: a
 * bridge that went on would trust those keys. Throws `state_refused`.
 */
export function assertKeysKnown({ lost }: LostPlan): void {
  if (!lost.some(({ kind, name }) => kind === 'trust-change' && name === ONLINE_KEYS_NAME)) return;
  throw new CountersignError(
    'state_refused',
    'The online keys were changed after this backup (`countersign keys`): their private halves, and which keys were ' +
      'declared compromised, are lost with the store. That cannot be recovered: find a backup from after it.',
  );
}

/**
 * Brings a restored store to where its log was when it was lost, in one transaction: afterwards the bridge signs again, and
 * everybody sees one log that only grew. Denied by default is what the store cannot know: nothing whose newest version is
 * lost is current, everybody signs in anew, and what was trusted and has changed since is not trusted.
 *
 * Throws what `extendLog` and `recoverVersions` throw; nothing is changed then.
 */
export async function recoverLog(deps: LogRecoveryDeps, recovery: LogRecovery): Promise<RecoveredLog> {
  const { copy, plan } = recovery;
  assertKeysKnown(plan);
  const issuer = deps.signer.iss;
  return deps.database.transaction(async (tx) => {
    const now = seconds(deps.clock);
    await extendLog(tx, copy);
    const lost = await recoverVersions(tx, plan, { issuer, now });
    const tokens = await deleteAllRecords(tx);
    const persons = await withdrawPeople(deps, tx, lost, recovery.devices, now);
    await withdrawTrust(deps, tx, lost);
    const done = { size: copy.checkpoint.size, epoch: copy.epochs.at(-1)?.epoch ?? 0, persons, tokens };
    await report(deps, tx, recovery, done);
    return done;
  });
}

/** Whose keys are withdrawn: they begin anew, as after a reset. */
async function withdrawPeople(
  deps: LogRecoveryDeps,
  tx: Transaction,
  lost: readonly LostName[],
  devices: LogRecovery['devices'],
  now: number,
): Promise<string[]> {
  const changed = new Set<string>();
  for (const { run, marker } of lost) {
    if (run.kind !== 'address') continue;
    const { name: address, from, entries } = run;
    // somebody closed holds it no more, and may have been reopened and enrolled since
    const before = await personsOfStatements(tx, address);
    await loseStatements(tx, address, { from, marker, now });
    const holder = await keyHolderOf(tx, address);
    if (holder !== undefined) changed.add(holder);
    const held = await findAddress(tx, address);
    for (const sub of new Set([holder, held?.sub, ...before])) {
      if (sub !== undefined) await skipKeyVersions(tx, sub, entries.length);
    }
  }
  if (devices === 'withdrawn') for (const sub of await keyHolders(tx)) changed.add(sub);
  const restrictions = restrictionsWithin(deps, tx);
  for (const sub of changed) await withdrawPerson(restrictions, tx, sub);
  return [...changed];
}

function restrictionsWithin({ keyLog, ...deps }: LogRecoveryDeps, tx: Transaction): RestrictionsWithin {
  const unused = () => {
    throw new RangeError('a recovery asks nobody, and waits for nothing');
  };
  const lifecycle = createLifecycle({
    ...deps,
    keyLog: { ...keyLog, published: unused, forget: unused, forgotten: unused },
    decide: unused,
    // all of them have ended already
    tokens: { revokeDevice: async () => 0, revokePerson: async () => 0 },
  });
  return lifecycle.within(tx);
}

/** A service signs in by its own key, and no identity provider knows that it was removed: it is registered anew. */
async function withdrawPerson(restrictions: RestrictionsWithin, tx: Transaction, sub: string): Promise<void> {
  const { assurance } = await requireActivePerson(tx, sub);
  if (SERVICES.has(assurance)) await restrictions.closePerson(sub, REASON, SYSTEM);
  else await restrictions.resetPerson(sub, REASON, SYSTEM);
}

const SERVICES: ReadonlySet<string> = new Set(['gateway', 'recorder', 'bot']);
const REASON = 'The key log was recovered, and what became of these keys is lost.';

async function withdrawTrust(
  deps: LogRecoveryDeps,
  tx: Transaction,
  lost: readonly LostName[],
): Promise<void> {
  const markers = new Map(
    lost.flatMap(({ run, marker }) => (run.kind === 'trust-change' ? [[run.name, marker] as const] : [])),
  );
  for (const name of await deps.withdrawTrust(tx, [...markers.keys()])) {
    const marker = markers.get(name);
    if (marker !== undefined) await restrictLostRecord({ ...deps, issuer: deps.signer.iss }, tx, marker);
  }
}

async function report(
  { signer, keyLog, clock, events }: LogRecoveryDeps,
  tx: Transaction,
  { copy, plan, devices, vouchedBy }: LogRecovery,
  { size, epoch, persons, tokens }: RecoveredLog,
): Promise<void> {
  const { lost, unknown } = plan;
  const versions = lost.reduce((sum, { entries }) => sum + entries.length, 0);
  const facts = { from_size: copy.from.size, size, epoch, names: lost.length, versions, unknown };
  await stageTrustChange({ issuer: signer.iss, keyLog, clock }, tx, {
    ...{ name: RECOVERY_NAME, change: 'log.recovered', by: SYSTEM.actor, state: facts },
  });
  const data = { ...facts, persons: persons.length, sign_ins: tokens, devices, vouched_by: vouchedBy };
  await events.append(tx, succeeded({ type: 'log.recovered', data }, SYSTEM));
}
