import { CountersignError } from '../../protocol/errors.ts';
import type { GroupAuthority } from '../../protocol/groups/group-key.ts';
import type { VerifiedSigner } from '../../protocol/groups/signer-evidence.ts';
import { type Access, assertUnchanged, readAccess } from '../binding/access.ts';
import type { Holder } from '../binding/holder.ts';
import { askingPerson, type PermissionDeps, requestBy } from '../binding/permission.ts';
import type { Reader } from '../directory/handle.ts';
import { deniedBy } from '../policy/decision.ts';
import { groupResource } from './group-resource.ts';
import { adminsOf, findGroup, type Group, type GroupAdmin } from './group-store.ts';
import { roleIn } from './taking-part.ts';

/** What an admin's device acts with on a group: who they are, the group, and by whom its statements must be signed. */
export interface AdminAccess {
  readonly access: Access;
  readonly group: Group;
  readonly admin: GroupAdmin;
  readonly admins: readonly GroupAdmin[];
  /** Against what the group's statements are verified: our own record of its newest token. */
  readonly authority: GroupAuthority;
  /** The asking device: whatever it brings must be signed by itself. */
  readonly signer: VerifiedSigner;
}

/**
 * The group for one of its admins. `ended`: whether one that has ended is answered too. Throws `person_closed`,
 * `device_not_endorsed`, `group_unknown` (to whoever takes no part, too), `group_not_admin`, `group_ended`, `forbidden`.
 */
export async function requireAdmin(
  { policy, clock, signer: { iss } }: PermissionDeps & { readonly signer: { readonly iss: string } },
  reader: Reader,
  who: Holder,
  groupId: string,
  options: { readonly ended: boolean } = { ended: false },
): Promise<AdminAccess> {
  const access = await readAccess(reader, who);
  const group = await findGroup(reader, groupId);
  const role = await roleIn(reader, groupId, { iss, sub: who.sub });
  if (group === undefined || role === 'none') throw new CountersignError('group_unknown');
  const asked = {
    action: 'manage-group',
    resource: groupResource(group),
    facts: { groupRole: role },
  } as const;
  const request = requestBy(askingPerson(who, clock), asked);
  const decision = policy.decide(request);
  if (decision.effect === 'deny') {
    throw deniedBy(request, decision, role === 'admin' ? 'forbidden' : 'group_not_admin');
  }
  const admins = await adminsOf(reader, groupId);
  const admin = admins.find(({ sub }) => sub === who.sub);
  if (admin === undefined) throw new CountersignError('group_not_admin');
  if (group.status === 'ended' && !options.ended) throw new CountersignError('group_ended');
  const authority = { iss, group: groupId, admins: admins.map(({ sub, address }) => ({ sub, address })) };
  return { access, group, admin, admins, authority, signer: signerOf(access) };
}

/** The asking device, as verifiers know it. */
export function signerOf({ device, statement }: Access): VerifiedSigner {
  return {
    address: statement.address,
    device: { iss: statement.iss, sub: statement.sub, device_id: device.device_id, keys: device.keys },
  };
}

/** Holds what was read again against what was read before (PROTOCOL §8). Throws `conflict`. */
export function assertStillAdmin(before: AdminAccess, after: AdminAccess): void {
  assertUnchanged(before.access, after.access);
  const unchanged =
    before.group.generation === after.group.generation &&
    before.group.key_version === after.group.key_version &&
    before.group.head === after.group.head;
  if (!unchanged) throw new CountersignError('conflict', 'The group was changed meanwhile.');
}
