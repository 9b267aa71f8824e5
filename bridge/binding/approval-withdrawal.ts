import { findDevice } from '../directory/devices.ts';
import type { EventLog } from '../events/event-log.ts';
import { succeeded } from '../events/succeeded.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { type AdministratorToken, isAnotherAdministrator } from '../policy/changes/administrator-roots.ts';
import type { Transaction } from '../storage/database.ts';
import type { StoredOfficer } from './officers.ts';
import { approvalsOf, findRecoveryKey, withdrawApproval } from './recovery-key-store.ts';
import { approvedRecoveries, type StoredRecovery, sharesOf, withdrawShares } from './recovery-store.ts';

/** A token that was revoked. */
export type RevokedToken = Pick<AdministratorToken, 'id' | 'name' | 'parent'>;

/**
 * What was approved with these tokens counts no more, in the transaction that revokes them: a recovery or reading waits for
 * another administrator again, also one that was released, and so does the replacement of the recovery key.
 */
export type WithdrawApprovals = (
  tx: Transaction,
  revoked: readonly RevokedToken[],
  context: RequestContext,
) => Promise<void>;

interface Deps {
  readonly events: Pick<EventLog, 'append'>;
  readonly clock: Clock;
}

export function createApprovalWithdrawal(deps: Deps): WithdrawApprovals {
  return async (tx, revoked, context) => {
    const isWithdrawn = (by: StoredOfficer) => revoked.some((token) => isBy(by, token));
    for (const stored of await approvedRecoveries(tx)) {
      await withdrawFromRecovery(deps, tx, { stored, isWithdrawn }, context);
    }
    const making = await findRecoveryKey(tx, 'making');
    if (making === undefined) return;
    const { generation } = making;
    for (const approval of await approvalsOf(tx, generation)) {
      if (approval.withdrawn !== null || !isWithdrawn(approval)) continue;
      await withdrawApproval(tx, approval, seconds(deps.clock));
      const data = { generation };
      const type = 'recovery.replacement_approval_withdrawn';
      await deps.events.append(tx, succeeded({ type, data }, context));
    }
  };
}

/**
 * The first token of those that came of a link is the administrator: with it goes what they did with any token, also one
 * that has expired since, or under that name by another link. Any other token takes along what was done with it.
 */
function isBy({ admin, admin_root, admin_root_name }: StoredOfficer, { id, name, parent }: RevokedToken) {
  if (admin === id) return true;
  return parent === null && !isAnotherAdministrator({ id: admin_root, name: admin_root_name }, { id, name });
}

async function withdrawFromRecovery(
  { events }: Deps,
  tx: Transaction,
  { stored, isWithdrawn }: { stored: StoredRecovery; isWithdrawn: (by: StoredOfficer) => boolean },
  context: RequestContext,
): Promise<void> {
  const given = await sharesOf(tx, stored.id);
  const withdrawn = given.filter(isWithdrawn);
  if (withdrawn.length === 0 || (await isUsed(tx, stored))) return;
  const halves = withdrawn.map(({ half }) => half);
  await withdrawShares(tx, stored.id, halves, given.length - withdrawn.length);
  for (const half of halves) {
    const data = { recovery: stored.id, half };
    const { sub, address } = stored;
    const type = 'recovery.approval_withdrawn';
    await events.append(tx, succeeded({ type, subject: { sub, address }, data }, context));
  }
}

/** A device that was added by it has the keys, and asks for nothing again. */
async function isUsed(tx: Transaction, { purpose, device_id, sub }: StoredRecovery): Promise<boolean> {
  return purpose === 'recovery' && (await findDevice(tx, device_id))?.sub === sub;
}
