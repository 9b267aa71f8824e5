import { CountersignError } from '../../protocol/errors.ts';
import { MEMBERSHIP_BATCH } from '../../protocol/groups/api.ts';
import { readAccess } from '../binding/access.ts';
import { requirePersonPermission } from '../binding/permission.ts';
import { groupResource } from './group-resource.ts';
import { findGroup } from './group-store.ts';
import { whyNone } from './group-views.ts';
import { keptEvidenceFor } from './kept-evidence.ts';
import { listMembers } from './member-store.ts';
import type { GroupDeps, GroupMembers } from './services.ts';
import { createSignerEvidence, evidenceFor } from './signer-evidence.ts';
import { roleIn } from './taking-part.ts';

/** Who is in a group, by the statements that put them there: for its admins and for whoever takes part. */
export function createMemberPages(deps: GroupDeps): GroupMembers['list'] {
  const { database, signer } = deps;
  const { iss } = signer;
  const findEvidence = createSignerEvidence(deps);
  return async (who, groupId, after) => {
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
      const listed = await listMembers(query, groupId, { after: after ?? -1, limit: MEMBERSHIP_BATCH });
      const signed = listed.map(({ token: { sub, device_id }, added }) => ({
        sub,
        device_id,
        stored: added,
      }));
      return { listed, kept: await keptEvidenceFor(query, groupId, signed) };
    });
    const { listed: members, kept } = found;
    const signers = members.map(({ token: { sub, device_id } }) => ({ sub, device_id }));
    return {
      tokens: members.map(({ token }) => token.token),
      signers: await evidenceFor(findEvidence, signers),
      ...(kept.length === 0 ? {} : { kept }),
      next: members.length === MEMBERSHIP_BATCH ? (members.at(-1)?.generation ?? null) : null,
    };
  };
}
