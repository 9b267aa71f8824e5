import { decodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { RecoveryKey, ReplacementApproval } from '../../protocol/escrow/organization-api.ts';
import {
  organizationKeyFingerprint,
  type RecoveryHalves,
  successionTranscript,
} from '../../protocol/escrow/organization-key.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { preFromJwk } from '../../recrypt/encoding.ts';
import { succeeded } from '../events/succeeded.ts';
import { seconds } from '../lib/clock.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { isUniqueViolation, type Transaction } from '../storage/database.ts';
import { type Officer, type OfficersDeps, requireAnotherOfficer } from './officers.ts';
import { describeRecoveryKey, readRecoveryHalves } from './recovery-key.ts';
import {
  approvalsOf,
  deleteRecoveryKey,
  findRecoveryKey,
  halvesOf,
  insertApproval,
  insertRecoveryKey,
  pairOf,
  type StoredApproval,
  type StoredRecoveryKey,
  succeedRecoveryKey,
} from './recovery-key-store.ts';
import type { BindingDeps } from './services.ts';

/**
 * A new recovery key in the place of the one that there is: an administrator leaves, or a half is lost. Begun, two new halves
 * registered, and approved by two administrators; each step stands by itself, and until the last one the key of before counts.
 */
export interface RecoveryKeyReplacement {
  /** Begins one, or answers the one that is under way. Throws `recovery_half` where there is nothing to replace. */
  begin(reason: string, context: RequestContext): Promise<RecoveryKey>;
  /**
   * An administrator's approval of the two new halves; the second one ends it, of those that were not removed since. Signed by both halves of before, clients
   * follow by themselves. Throws `recovery_state` where none is under way, `recovery_half`, `recovery_officer`.
   */
  approve(officer: Officer, approval: ReplacementApproval, context: RequestContext): Promise<RecoveryKey>;
  /** Forgets it, and the new halves. Throws `recovery_state` where none is under way. */
  abandon(context: RequestContext): Promise<RecoveryKey>;
}

type Deps = BindingDeps & OfficersDeps;

export function createRecoveryKeyReplacement(deps: Deps): RecoveryKeyReplacement {
  const { database, clock, events, signer } = deps;
  const describe = () => database.read((query) => describeRecoveryKey(signer.iss, query));
  return {
    async begin(reason, context) {
      try {
        await database.transaction(async (tx) => {
          if ((await findRecoveryKey(tx, 'making')) !== undefined) return;
          const current = await findRecoveryKey(tx, 'current');
          if (current === undefined || (await readRecoveryHalves(tx)) === undefined) {
            throw new CountersignError('recovery_half', 'There is no recovery key to replace.');
          }
          const generation = current.generation + 1;
          await insertRecoveryKey(tx, {
            ...{ generation, status: 'making', reason, begun: seconds(clock), signatures: null },
          });
          const data = { generation, reason };
          await events.append(tx, succeeded({ type: 'recovery.replacement_begun', data }, context));
        });
      } catch (error) {
        if (!isUniqueViolation(error, 'recovery_keys')) throw error;
      }
      return describe();
    },

    async approve(officer, approval, context) {
      await database.transaction((tx) => storeApproval(deps, tx, officer, approval, context));
      return describe();
    },

    async abandon(context) {
      await database.transaction(async (tx) => {
        const { generation } = await requireMaking(tx);
        await deleteRecoveryKey(tx, generation);
        const data = { generation };
        await events.append(tx, succeeded({ type: 'recovery.replacement_abandoned', data }, context));
      });
      return describe();
    },
  };
}

async function requireMaking(tx: Transaction): Promise<StoredRecoveryKey> {
  const making = await findRecoveryKey(tx, 'making');
  if (making === undefined) {
    throw new CountersignError('recovery_state', 'No recovery key is being replaced.');
  }
  return making;
}

async function storeApproval(
  deps: Deps,
  tx: Transaction,
  officer: Officer,
  { fingerprint, half, signature }: ReplacementApproval,
  context: RequestContext,
): Promise<void> {
  const { generation } = await requireMaking(tx);
  const next = pairOf(await halvesOf(tx, generation));
  if (next === undefined || organizationKeyFingerprint(deps.signer.iss, next) !== fingerprint) {
    throw new CountersignError('recovery_half', 'The new halves are not those that were compared.');
  }
  const given = await approvalsOf(tx, generation);
  const before = given.filter(({ withdrawn }) => withdrawn === null);
  const by = await requireAnotherOfficer(deps, tx, officer, before);
  const current = await readRecoveryHalves(tx);
  if (current === undefined) throw new CountersignError('internal');
  if (half !== null || signature !== null) {
    assertSigned(deps, { current, next }, { half, signature });
    if (before.some((one) => one.half === half)) {
      throw new CountersignError('recovery_half', 'This half has signed already.');
    }
  }
  const approval = { generation, ...by, admin_name: officer.name, half, signature, withdrawn: null };
  await insertApproval(tx, approval);
  const data = { generation, fingerprint, ...(half === null ? {} : { half }) };
  await deps.events.append(tx, succeeded({ type: 'recovery.replacement_approved', data }, context));
  if (before.length === 0) return;
  // Two administrators of today say that these are the new halves. What the half of somebody who has left signed says to
  // clients, of these very halves and no others, that the key of before hands on to them: that it was removed changes nothing.
  const signatures = inOrder(current, [...given, approval]);
  await succeedRecoveryKey(tx, generation, signatures);
  const signed_by = signatures === null ? 'administrators alone' : 'both halves';
  const replaced = { generation, fingerprint, signed_by } as const;
  await deps.events.append(tx, succeeded({ type: 'recovery.key_replaced', data: replaced }, context));
}

function assertSigned(
  { engine, signer }: Deps,
  { current, next }: { readonly current: RecoveryHalves; readonly next: RecoveryHalves },
  { half, signature }: Pick<ReplacementApproval, 'half' | 'signature'>,
): void {
  const key = current.find((one) => thumbprint(one) === half);
  if (key === undefined || signature === null) {
    throw new CountersignError('recovery_half', 'It is signed by no half of the current key.');
  }
  const transcript = successionTranscript(signer.iss, current, next);
  if (!engine.schnorrVerify(preFromJwk(engine, key), transcript, decodeBase64url(signature, 64))) {
    throw new CountersignError('recovery_half', 'The signature does not verify.');
  }
}

/** Null where a half of before did not sign. */
function inOrder(
  halves: RecoveryHalves,
  approvals: readonly Pick<StoredApproval, 'half' | 'signature'>[],
): [string, string] | null {
  const [first, second] = halves.map(
    (key) => approvals.find(({ half }) => half === thumbprint(key))?.signature ?? null,
  );
  return first == null || second == null ? null : [first, second];
}
