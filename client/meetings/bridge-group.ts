import { CountersignError } from '../../protocol/errors.ts';
import { keyOpeningSchema } from '../../protocol/groups/api.ts';
import { verifySealedKey } from '../../protocol/groups/sealed-key.ts';
import { claimedSigner, type VerifiedSigner } from '../../protocol/groups/signer-evidence.ts';
import { actingDevice } from '../groups/acting.ts';
import { addMembers, removeMembers } from '../groups/change-members.ts';
import { changeExclusions } from '../groups/exclusions.ts';
import type { Person } from '../groups/find-members.ts';
import { namedPeople } from '../groups/named-people.ts';
import { openPlaintext } from '../groups/open-key.ts';
import { draftSealedKey } from '../groups/seal-key.ts';
import { signersOf } from '../groups/signers.ts';
import { type JudgedGroup, judgeGroup } from '../groups/view.ts';
import type { ClientParts } from '../own-account.ts';
import { randomId } from '../random-id.ts';
import { lossesOf } from './group-losses.ts';
import { createInvitations } from './invited.ts';
import type { MeetingRef } from './meeting.ts';
import type { GroupFacts, MeetingGroup } from './meeting-group.ts';

/** The group of a meeting, over the person's own bridge. `expected`: an admin whom the person expects behind it. */
export async function createBridgeGroup(
  parts: ClientParts,
  { iss, group }: MeetingRef,
  expected: string,
): Promise<MeetingGroup> {
  const ref = { iss, group, expected };
  const to = { iss, group };
  const actor = await actingDevice(parts);
  let judged = await judgeGroup(parts, ref);
  if (judged.claims.kind !== 'meeting') {
    throw new CountersignError('group_unknown', 'the group is no meeting');
  }
  const invitedBy = createInvitations(parts);
  let invited = invitedBy(judged);
  /** Whom this device began to take out. */
  const restricting = new Set<string>();

  async function refresh(): Promise<GroupFacts> {
    judged = await judgeGroup(parts, ref);
    invited = invitedBy(judged);
    return factsOf(judged);
  }

  /** Asked for this one person: a meeting of ten thousand is as quickly rid of somebody as one of ten. */
  async function waysOf(person: Person) {
    const isDirect = await invited.isDirect(person);
    return { isDirect, hasDurableGroups: await invited.hasDurableGroups() };
  }

  return {
    iss,
    group,
    get facts() {
      return factsOf(judged);
    },
    refresh,
    async admin(deviceId, evidence) {
      const signer = await signersOf(parts, evidence)(deviceId);
      if (!isAdmin(judged, signer)) throw new CountersignError('group_not_admin');
      return signer;
    },
    async seal(place) {
      const recipient = { to, key: judged.claims.key, members: judged.shown.members_head };
      const { keyId, key, commitment, body } = await draftSealedKey(parts, actor, recipient, place);
      return { keyId, key, commitment, token: body.token, encrypted: body.encrypted };
    },
    async open(keyId) {
      const asked = { request_id: randomId(), to, key_id: keyId };
      const opening = await parts.api.post('/v1/key-openings', asked, keyOpeningSchema);
      const sealer = await signersOf(parts, [opening.signer])(claimedSigner(opening.token));
      const claims = await verifySealedKey(opening.token, sealer, { to, key_id: keyId });
      return { key: await openPlaintext(parts, opening, claims), claims, sealer };
    },
    invites: (people) => invited.invitationsOf(people),
    losses: () => invited.losses(),
    async add(who) {
      const addition = await addMembers(parts, ref, who);
      await refresh();
      return addition;
    },
    async restrict(address) {
      const [person] = await namedPeople(parts, [address]);
      if (person === undefined) throw new CountersignError('group_not_member');
      const { iss: company, sub } = person;
      // What of it the bridge did before it failed shows now.
      if (restricting.has(sub)) await refresh();
      let { isDirect, hasDurableGroups } = await waysOf(person);
      if (!isDirect && !hasDurableGroups && !restricting.has(sub)) {
        // Another admin may have added them since the group was last looked at.
        await refresh();
        ({ isDirect, hasDurableGroups } = await waysOf(person));
        if (!isDirect && !hasDurableGroups) throw new CountersignError('group_not_member');
      }
      restricting.add(sub);
      if (isDirect) await removeMembers(parts, ref, { people: [address] });
      if (hasDurableGroups) await changeExclusions(parts, ref, 'exclude', [address]);
      await refresh();
      restricting.delete(sub);
      return { iss: company, sub };
    },
    end: () => endGroup(parts, group),
  };
}

function factsOf({ claims, shown }: JudgedGroup): GroupFacts {
  const { label, ends, admins } = claims;
  return { label, ends: ends ?? 0, ended: shown.status === 'ended', admins, losses: lossesOf(shown) };
}

function isAdmin({ claims }: JudgedGroup, { address, device }: VerifiedSigner): boolean {
  const listed = claims.admins.some((admin) => admin.sub === device.sub && admin.address === address);
  return listed && device.iss === claims.iss;
}

/** The bridge deletes its transform keys: nobody opens a key of the meeting any more. */
export function endGroup({ api }: ClientParts, group: string): Promise<void> {
  return api.act('POST', `/v1/groups/${group}/end`, {});
}
