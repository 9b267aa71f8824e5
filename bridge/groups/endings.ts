import { CountersignError } from '../../protocol/errors.ts';
import { seconds } from '../lib/clock.ts';
import { ENDED_GROUP_KEPT_S, ENDED_GROUPS_AT_ONCE, REQUEST_ID_LIFE_S } from '../lib/limits.ts';
import { type RequestContext, SYSTEM } from '../lib/request-context.ts';
import type { Transaction } from '../storage/database.ts';
import { requireAdmin } from './admin-access.ts';
import { deleteGroup } from './group-deletion.ts';
import { deleteVaultsOf, groupsEndedBefore, markEnded, overdueGroups } from './group-store.ts';
import { deleteMembersOf } from './member-store.ts';
import { deleteExpiredOffers, deleteOldOffers } from './offer-store.ts';
import { deleteOldRequests } from './request-store.ts';
import { deleteSealedKeysTo } from './sealed-key-store.ts';
import type { GroupDeps, GroupEndings, GroupViews } from './services.ts';

/** Meetings end: by an admin, or by their time. Nobody can be given their keys from then on, whoever keeps what. */
export function createEndings(deps: GroupDeps & { views: Pick<GroupViews, 'view'> }): GroupEndings {
  const { database, clock, signer } = deps;
  const { iss } = signer;
  return {
    async end(who, group, context) {
      await database.transaction(async (transaction) => {
        const found = await requireAdmin(deps, transaction, who, group, { ended: true });
        if (found.group.kind !== 'meeting')
          throw new CountersignError('malformed_request', 'Only meetings end.');
        const subject = { sub: who.sub, device: who.deviceId };
        await endGroup(deps, transaction, group, { subject, context, reason: 'by an admin' });
      });
      return deps.views.view(who, { iss, group }, context);
    },

    async expire() {
      const now = seconds(clock);
      const overdue = await database.read((query) => overdueGroups(query, now, ENDED_GROUPS_AT_ONCE));
      const ending = { subject: {}, context: SYSTEM, reason: 'its time is over' };
      for (const group of overdue) {
        await database.transaction((transaction) => endGroup(deps, transaction, group, ending));
      }
      return overdue.length + (await expireOffers(deps, now));
    },

    async purge() {
      const now = seconds(clock);
      return database.transaction(async (transaction) => {
        const ended = await groupsEndedBefore(transaction, now - ENDED_GROUP_KEPT_S, ENDED_GROUPS_AT_ONCE);
        for (const group of ended) await deleteGroup(transaction, group);
        const answers = await deleteOldRequests(transaction, now - REQUEST_ID_LIFE_S);
        return ended.length + answers + (await deleteOldOffers(transaction, now - REQUEST_ID_LIFE_S));
      });
    },
  };
}

interface Ending {
  readonly subject: { readonly sub?: string; readonly device?: string };
  readonly context: RequestContext;
  readonly reason: string;
}

/** Doing it again takes nothing more away. */
async function endGroup(
  { clock, events }: GroupDeps,
  transaction: Transaction,
  group: string,
  { subject, context, reason }: Ending,
): Promise<void> {
  if (!(await markEnded(transaction, group, seconds(clock)))) return;
  const deleted = await deleteMembersOf(transaction, group);
  await deleteVaultsOf(transaction, group);
  await deleteSealedKeysTo(transaction, { recipient_kind: 'group', recipient: group });
  await events.append(transaction, {
    type: 'group.ended',
    actor: context.actor,
    subject: { ...subject, group },
    outcome: 'success',
    requestId: context.requestId,
    data: { reason, transform_keys: deleted },
  });
}

async function expireOffers({ database, events }: GroupDeps, now: number): Promise<number> {
  return database.transaction(async (transaction) => {
    const expired = await deleteExpiredOffers(transaction, now);
    for (const { offer_id, sub, device_id } of expired) {
      await events.append(transaction, {
        type: 'group.offer_expired',
        actor: { kind: 'system' },
        subject: { sub, device: device_id },
        outcome: 'failure',
        code: 'group_offer_expired',
        data: { offer_id },
      });
    }
    return expired.length;
  });
}
