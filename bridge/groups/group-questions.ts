import { CountersignError } from '../../protocol/errors.ts';
import { VIA_GROUPS } from '../../protocol/groups/api.ts';
import { readAccess } from '../binding/access.ts';
import type { Holder } from '../binding/holder.ts';
import { requestBy } from '../binding/permission.ts';
import type { BindingDeps } from '../binding/services.ts';
import type { Reader } from '../directory/handle.ts';
import type { EventInput } from '../events/event.ts';
import { askingPartner } from '../federation/asking-partner.ts';
import type { Partner } from '../federation/partner-store.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { requireAllowed } from '../policy/decision.ts';
import { groupResource } from './group-resource.ts';
import { findGroup, type Group } from './group-store.ts';
import { whyNone } from './group-views.ts';
import { durableGroupsOf } from './opening-path.ts';
import { mayTakePart } from './taking-part.ts';

/** What a partner is asked about a group there: for whom of ours, and by which durable groups here they may be in it. */
export interface GroupQuestion {
  readonly group: string;
  readonly sub: string;
  readonly via: readonly string[];
}

/** A question that an endorsed device of ours asks. Throws what `readAccess` throws. */
export function questionOf(
  { database, signer }: Pick<BindingDeps, 'database' | 'signer'>,
  who: Holder,
  group: string,
): Promise<GroupQuestion> {
  return database.read(async (query) => {
    await readAccess(query, who);
    const groups = await durableGroupsOf(query, { iss: signer.iss, sub: who.sub }, VIA_GROUPS);
    return { group, sub: who.sub, via: groups.map(({ group_id }) => group_id) };
  });
}

/** What a partner asked here, by a request that was accepted. */
interface PartnerQuestion {
  readonly partner: Partner;
  readonly claims: GroupQuestion;
}

/**
 * The group that a partner asks about. The person is the partner's own, whatever it claims. Throws `group_unknown` (also
 * to whoever takes no part), `group_excluded`, `group_ended`, and `forbidden` where policy lets the partner not see it.
 */
export async function requireGroupOf(
  reader: Reader,
  { policy }: Pick<BindingDeps, 'policy'>,
  { partner, claims }: PartnerQuestion,
): Promise<Group> {
  const group = await findGroup(reader, claims.group);
  if (group === undefined) throw new CountersignError('group_unknown');
  const person = { iss: partner.entity_id, sub: claims.sub };
  const isIn = await mayTakePart(reader, claims.group, person, claims.via);
  if (!isIn) throw new CountersignError(await whyNone(reader, group, person));
  const resource = groupResource(group);
  const asked = { action: 'see-group', resource, facts: { groupRole: 'member' } } as const;
  requireAllowed(policy.decide, requestBy(askingPartner(partner), asked));
  return group;
}

/** That a partner was told of a group here. */
export function seenBy({ partner, claims }: PartnerQuestion, { requestId }: RequestContext): EventInput {
  const { entity_id: iss } = partner;
  return {
    type: 'group.seen',
    actor: { kind: 'partner', iss },
    subject: { sub: claims.sub, partner: iss, group: claims.group },
    outcome: 'success',
    requestId,
    data: {},
  };
}
