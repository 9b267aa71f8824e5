import { CountersignError } from '../../protocol/errors.ts';
import { EXCLUSIONS } from '../../protocol/groups/api.ts';
import { type Exclusion, verifyExclusion } from '../../protocol/groups/exclusion.ts';
import { CLOCK_SKEW } from '../../protocol/jws.ts';
import type { Holder } from '../binding/holder.ts';
import { seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { GROUP_EXCLUSION_AGE_S } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Transaction } from '../storage/database.ts';
import { consumeOnce } from '../storage/one-time.ts';
import { assertStillAdmin, requireAdmin } from './admin-access.ts';
import { countExclusions, deleteReadmissions, findExclusion, saveExclusion } from './exclusion-store.ts';
import type { GroupDeps, GroupMembers, GroupViews } from './services.ts';

interface CheckedExclusion {
  readonly claims: Exclusion;
  readonly token: string;
  readonly hash: string;
}

/** Shuts persons out of a group, or lets them in again, however they came in (PROTOCOL §10). */
export function createExclusions(
  deps: GroupDeps & { views: Pick<GroupViews, 'view'> },
): GroupMembers['exclude'] {
  const { database, signer } = deps;
  const { iss } = signer;
  return async (who, group, body, context) => {
    const before = await database.read((query) => requireAdmin(deps, query, who, group));
    const checked: CheckedExclusion[] = [];
    for (const token of body.tokens) {
      const claims = await verifyExclusion(token, before.signer, before.authority);
      checked.push({ claims, token, hash: sha256Base64url(token) });
    }
    await database.transaction(async (transaction) => {
      assertStillAdmin(before, await requireAdmin(deps, transaction, who, group));
      for (const each of checked) await store(deps, transaction, who, each, context);
      await assertFew(deps, transaction, group);
    });
    return deps.views.view(who, { iss, group }, context);
  };
}

/** A readmission is kept while it may be sent again, so that it is answered the same; neither kind may pile up. */
async function assertFew({ clock }: GroupDeps, transaction: Transaction, group: string): Promise<void> {
  await deleteReadmissions(transaction, group, seconds(clock) - GROUP_EXCLUSION_AGE_S - CLOCK_SKEW);
  for (const act of ['exclude', 'readmit'] as const) {
    const standing = await countExclusions(transaction, group, act);
    if (standing > EXCLUSIONS) throw new CountersignError('group_limit');
  }
}

/** The one that stands already is left as it is: it was sent again. Any other counts once, and while it is fresh. */
async function store(
  { clock, events }: GroupDeps,
  transaction: Transaction,
  who: Holder,
  { claims, token, hash }: CheckedExclusion,
  context: RequestContext,
): Promise<void> {
  const { group, member, act, nonce, iat } = claims;
  if ((await findExclusion(transaction, group, member))?.hash === hash) return;
  const now = seconds(clock);
  if (iat > now + CLOCK_SKEW) throw new CountersignError('jws_not_yet_valid');
  const end = iat + GROUP_EXCLUSION_AGE_S + CLOCK_SKEW;
  if (now >= end) throw new CountersignError('jws_expired');
  await consumeOnce(transaction, 'group-exclusion', `${group}.${nonce}`, end * 1000);
  await saveExclusion(transaction, {
    ...{ group_id: group, iss: member.iss, sub: member.sub, act, hash, token, iat },
    ...{ signer_sub: who.sub, device_id: who.deviceId },
  });
  await events.append(transaction, {
    type: act === 'exclude' ? 'group.person_excluded' : 'group.person_readmitted',
    actor: context.actor,
    subject: { sub: who.sub, device: who.deviceId, group },
    outcome: 'success',
    requestId: context.requestId,
    data: { iss: member.iss, member: member.sub },
  });
}
