import { CountersignError } from '../../protocol/errors.ts';
import type { Memberships, MembershipsBody } from '../../protocol/groups/api.ts';
import type { KeptEvidence } from '../../protocol/groups/signer-evidence.ts';
import { readAccess } from '../binding/access.ts';
import type { Holder } from '../binding/holder.ts';
import { requirePersonPermission } from '../binding/permission.ts';
import type { Reader } from '../directory/handle.ts';
import { groupResource } from './group-resource.ts';
import { findGroup } from './group-store.ts';
import { whyNone } from './group-views.ts';
import { keptEvidenceFor } from './kept-evidence.ts';
import { type MemberWithToken, membersNamed, type PersonName } from './member-store.ts';
import type { GroupDeps, GroupMembers } from './services.ts';
import { createSignerEvidence, evidenceFor, type FindSignerEvidence } from './signer-evidence.ts';
import { roleIn } from './taking-part.ts';

/**
 * Asks the bridge at which a group lives which of these people are in it, for a person of ours. The statements are the
 * admins', for the client to verify. Throws `group_unknown`, `group_excluded`, `group_ended` and the partner codes.
 */
export type AskMemberships = (who: Holder, body: MembershipsBody) => Promise<Memberships>;

/** Statements of members, with what showed whose devices signed them that are gone. */
export interface StatedMembers {
  readonly listed: readonly MemberWithToken[];
  readonly kept: readonly KeptEvidence[];
}

/** Which of these people are in a group, for its admins and for whoever takes part: what it costs is theirs, not the group's. */
export function createMemberships(
  deps: GroupDeps & { askMemberships: AskMemberships },
): GroupMembers['find'] {
  const { database, signer } = deps;
  const { iss } = signer;
  const findEvidence = createSignerEvidence(deps);

  async function readOwn(reader: Reader, who: Holder, groupId: string, people: readonly PersonName[]) {
    await readAccess(reader, who);
    const group = await findGroup(reader, groupId);
    if (group === undefined) throw new CountersignError('group_unknown');
    const person = { iss, sub: who.sub };
    const groupRole = await roleIn(reader, groupId, person);
    if (groupRole === 'none') throw new CountersignError(await whyNone(reader, group, person));
    const resource = groupResource(group);
    requirePersonPermission(deps, who, { action: 'see-group', resource, facts: { groupRole } });
    return readStated(reader, groupId, people);
  }

  return async (who, { iss: home, group, people }) => {
    if (home === iss) {
      const stated = await database.read((query) => readOwn(query, who, group, people));
      return membershipsOf(findEvidence, stated);
    }
    const resource = { kind: 'group', id: group } as const;
    requirePersonPermission(deps, who, { action: 'see-foreign-group', resource });
    return deps.askMemberships(who, { iss: home, group, people });
  };
}

export async function readStated(
  reader: Reader,
  group: string,
  people: readonly PersonName[],
): Promise<StatedMembers> {
  const listed = await membersNamed(reader, group, people);
  return { listed, kept: await keptEvidenceFor(reader, group, listed.map(signedFor)) };
}

export async function membershipsOf(
  find: FindSignerEvidence,
  { listed, kept }: StatedMembers,
): Promise<Memberships> {
  return {
    tokens: listed.map(({ token }) => token.token),
    signers: await evidenceFor(
      find,
      listed.map(({ token }) => token),
    ),
    ...(kept.length === 0 ? {} : { kept: [...kept] }),
  };
}

/** By whose device a member was put in, and when. */
export function signedFor({ token: { sub, device_id }, added }: MemberWithToken) {
  return { sub, device_id, stored: added };
}
