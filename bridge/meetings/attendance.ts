import { CountersignError } from '../../protocol/errors.ts';
import { type AskingParty, requestBy } from '../binding/permission.ts';
import type { Reader } from '../directory/handle.ts';
import { findGroup, type Group, groupResource, isExcluded, mayTakePart, roleIn } from '../groups/services.ts';
import { type Decide, deniedBy, requireAllowed } from '../policy/decision.ts';

/** Who wants to be in a meeting that is kept here. */
export interface Attendee {
  /** The bridge of the person. */
  readonly iss: string;
  readonly sub: string;
  /** The durable groups at their own bridge in which it says that they are. */
  readonly via: readonly string[];
}

export type Role = 'admin' | 'member' | 'none';

/** What somebody is in a meeting. */
export interface Attendance {
  readonly meeting: Group;
  readonly role: Role;
}

/**
 * What somebody is in a meeting that goes on, read from the records. Admins are people of ours. Throws `group_unknown`,
 * `group_ended`, `group_excluded`.
 */
export async function attendanceOf(
  reader: Reader,
  group: string,
  { iss, sub, via }: Attendee,
  here: { readonly iss: string; readonly now: number },
): Promise<Attendance> {
  const found = await findGroup(reader, group);
  if (found?.kind !== 'meeting') throw new CountersignError('group_unknown');
  if (found.status === 'ended' || (found.ends !== null && found.ends <= here.now)) {
    throw new CountersignError('group_ended');
  }
  const role = iss === here.iss ? await roleIn(reader, group, { iss, sub }) : 'none';
  if (role === 'admin') return { meeting: found, role };
  if (await isExcluded(reader, group, { iss, sub })) throw new CountersignError('group_excluded');
  if (role === 'member') return { meeting: found, role };
  const isIn = await mayTakePart(reader, group, { iss, sub }, via);
  return { meeting: found, role: isIn ? 'member' : 'none' };
}

/** Decides. To whoever takes no part there is no such meeting: throws `group_unknown` then, else `forbidden`. */
export function requireAttendance(decide: Decide, asker: AskingParty, { meeting, role }: Attendance): void {
  const resource = groupResource(meeting);
  const request = requestBy(asker, { action: 'join-meeting', resource, facts: { groupRole: role } });
  const decision = decide(request);
  if (decision.effect === 'deny') {
    throw deniedBy(request, decision, role === 'none' ? 'group_unknown' : 'forbidden');
  }
}

/** Whether policy lets a person of ours ask another bridge about its meeting. Throws `forbidden`. */
export function requireForeignAttendance(decide: Decide, asker: AskingParty, group: string): void {
  const resource = { kind: 'group', id: group } as const;
  requireAllowed(decide, requestBy(asker, { action: 'join-foreign-meeting', resource }));
}
