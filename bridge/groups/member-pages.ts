import { CountersignError } from '../../protocol/errors.ts';
import { MEMBERSHIP_BATCH } from '../../protocol/groups/api.ts';
import { readAccess } from '../binding/access.ts';
import { requirePersonPermission } from '../binding/permission.ts';
import { groupResource } from './group-resource.ts';
import { findGroup } from './group-store.ts';
import { whyNone } from './group-views.ts';
import { keptEvidenceFor } from './kept-evidence.ts';
import { listMembers } from './member-store.ts';
import { membershipsOf, signedFor } from './memberships.ts';
import type { GroupDeps, GroupMembers } from './services.ts';
import { createSignerEvidence } from './signer-evidence.ts';
import { roleIn } from './taking-part.ts';

/** Who is in a group, by the statements that put them there: for its admins and for whoever takes part. */
export function createMemberPages(deps: GroupDeps): GroupMembers['list'] {
  const { database, signer } = deps;
  const { iss } = signer;
  const findEvidence = createSignerEvidence(deps);
  return async (who, groupId, { after, kind }) => {
    const found = await database.read(async (query) => {
      await readAccess(query, who);
      const group = await findGroup(query, groupId);
      if (group === undefined) throw new CountersignError('group_unknown');
      const person = { iss, sub: who.sub };
      const role = await roleIn(query, groupId, person);
      if (role === 'none') throw new CountersignError(await whyNone(query, group, person));
      requirePersonPermission(deps, who, {
        action: 'see-group',
        resource: groupResource(group),
        facts: { groupRole: role },
      });
      const page = { after: after ?? -1, limit: MEMBERSHIP_BATCH, kind };
      const listed = await listMembers(query, groupId, page);
      return { listed, kept: await keptEvidenceFor(query, groupId, listed.map(signedFor)) };
    });
    const { listed: members } = found;
    return {
      ...(await membershipsOf(findEvidence, found)),
      next: members.length === MEMBERSHIP_BATCH ? (members.at(-1)?.generation ?? null) : null,
    };
  };
}
