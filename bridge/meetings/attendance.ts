import { CountersignError } from '../../protocol/errors.ts';
import type { Holder } from '../binding/holder.ts';
import { principalOf } from '../binding/permission.ts';
import type { Reader } from '../directory/handle.ts';
import { findGroup, isExcluded, mayTakePart, roleIn } from '../groups/services.ts';
import { type Decide, type DecisionRequest, deniedBy } from '../policy/decision.ts';

/** Who wants to be in a meeting that is kept here. */
export interface Attendee {
  /** The bridge of the person. */
  readonly iss: string;
  readonly sub: string;
  /** The durable groups at their own bridge in which it says that they are. */
  readonly via: readonly string[];
}

export type Role = 'admin' | 'member' | 'none';

/**
 * What somebody is in a meeting that goes on, read from the records. Admins are people of ours. Throws `group_unknown`,
 * `group_ended`, `group_excluded`.
 */
export async function roleOf(
  reader: Reader,
  group: string,
  { iss, sub, via }: Attendee,
  here: { readonly iss: string; readonly now: number },
): Promise<Role> {
  const found = await findGroup(reader, group);
  if (found?.kind !== 'meeting') throw new CountersignError('group_unknown');
  if (found.status === 'ended' || (found.ends !== null && found.ends <= here.now)) {
    throw new CountersignError('group_ended');
  }
  const role = iss === here.iss ? await roleIn(reader, group, { iss, sub }) : 'none';
  if (role === 'admin') return role;
  if (await isExcluded(reader, group, { iss, sub })) throw new CountersignError('group_excluded');
  if (role === 'member') return role;
  return (await mayTakePart(reader, group, { iss, sub }, via)) ? 'member' : 'none';
}

/** Decides. To whoever takes no part there is no such meeting: throws `group_unknown` then, else `forbidden`. */
export function requireAttendance(
  decide: Decide,
  principal: DecisionRequest['principal'],
  group: string,
  role: Role,
): void {
  const request: DecisionRequest = {
    action: 'join-meeting',
    principal,
    resource: { kind: 'group', id: group },
    context: { groupRole: role },
  };
  const decision = decide(request);
  if (decision.effect === 'deny') {
    throw deniedBy(request, decision, role === 'none' ? 'group_unknown' : 'forbidden');
  }
}

/** Whether policy lets a person of ours ask another bridge about its meeting. Throws `forbidden`. */
export function requireForeignAttendance(decide: Decide, who: Holder, group: string): void {
  const request: DecisionRequest = {
    action: 'join-foreign-meeting',
    principal: principalOf(who),
    resource: { kind: 'group', id: group },
    context: {},
  };
  const decision = decide(request);
  if (decision.effect === 'deny') throw deniedBy(request, decision);
}
