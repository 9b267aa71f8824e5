import { isGroupMember, type Member } from '../../protocol/groups/membership.ts';
import type { Holder } from '../binding/holder.ts';
import { type PermissionDeps, requirePersonPermission } from '../binding/permission.ts';
import { findPerson } from '../directory/persons.ts';
import type { DecisionContext } from '../policy/decision.ts';
import type { Database } from '../storage/database.ts';
import { groupResource } from './group-resource.ts';
import type { Group } from './group-store.ts';

export interface MayAddDeps extends PermissionDeps {
  readonly database: Database;
  readonly signer: { readonly iss: string };
}

/** Asks policy whether an admin of the group may add this one. Throws `forbidden`. */
export async function requireMayAdd(
  deps: MayAddDeps,
  admin: Holder,
  group: Group,
  member: Member,
): Promise<void> {
  const facts = { groupRole: 'admin' as const, ...(await factsOf(deps, member)) };
  requirePersonPermission(deps, admin, { action: 'add-member', resource: groupResource(group), facts });
}

/** Of people of other companies, only their own bridge knows more. */
async function factsOf({ database, signer }: MayAddDeps, member: Member): Promise<DecisionContext> {
  const isOwn = member.iss === signer.iss;
  const known = { memberOwn: isOwn, memberBridge: member.iss };
  if (isGroupMember(member)) return { ...known, memberKind: 'group' };
  const person = isOwn ? await database.read((query) => findPerson(query, member.sub)) : undefined;
  return {
    ...{ ...known, memberKind: 'person' },
    ...(person === undefined ? {} : { memberAssurance: person.assurance }),
  };
}
