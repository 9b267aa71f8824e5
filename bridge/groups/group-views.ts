import { CountersignError } from '../../protocol/errors.ts';
import { EXCLUSIONS, type GroupView, type GroupViewBody, SIGNERS } from '../../protocol/groups/api.ts';
import { GROUP_KEY_TOKENS } from '../../protocol/groups/group-key-chain.ts';
import type { KeptEvidence } from '../../protocol/groups/signer-evidence.ts';
import { readAccess } from '../binding/access.ts';
import type { Holder } from '../binding/holder.ts';
import { askingPerson, requestBy, requirePersonPermission } from '../binding/permission.ts';
import type { Reader } from '../directory/handle.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { GROUPS_LISTED } from '../lib/limits.ts';
import type { Signer } from '../signer/signer.ts';
import { exclusionsOf, isExcluded, type StoredExclusion } from './exclusion-store.ts';
import { groupResource } from './group-resource.ts';
import { findGroup, type Group, groupsWith, groupTokens, type StoredGroupToken } from './group-store.ts';
import { keptEvidenceFor } from './kept-evidence.ts';
import { type ReceivedToken, signKeyReceipts } from './key-receipts.ts';
import { countMembers, groupsOfPerson } from './member-store.ts';
import { isSignerGone } from './renewal-due.ts';
import { rotationDueSince } from './rotation-schedule.ts';
import type { GroupDeps, GroupViews } from './services.ts';
import { createSignerEvidence, deviceOf, evidenceFor, type FindSignerEvidence } from './signer-evidence.ts';
import { roleIn } from './taking-part.ts';

/** What stands in a group's records, as one moment of the store has it. */
export interface GroupRecord {
  readonly group: Group;
  readonly tokens: readonly StoredGroupToken[];
  readonly members: number;
  readonly exclusions: readonly StoredExclusion[];
  /** Of devices that are gone: what showed whose they were, and the tokens that are theirs. */
  readonly kept: { readonly signers: readonly KeptEvidence[]; readonly tokens: readonly ReceivedToken[] };
}

/** Throws `group_untrusted` where the newest token named somebody who was erased since. */
export async function readGroupRecord(
  reader: Reader,
  group: Group,
  since: number | undefined,
): Promise<GroupRecord> {
  // Whoever knows a later one than there is must be shown the newest, to see that it is older.
  const page = { since: Math.min(since ?? 0, group.seq), limit: GROUP_KEY_TOKENS };
  const tokens = await groupTokens(reader, group.group_id, page);
  const erased = tokens.findLastIndex(({ token }) => token === '');
  const standing = tokens.slice(erased + 1);
  if (standing.length === 0) {
    throw new CountersignError('group_untrusted', 'An admin must sign the key of this group anew.');
  }
  const exclusions = await exclusionsOf(reader, group.group_id, EXCLUSIONS);
  const kept = await keptOf(reader, group.group_id, standing);
  const members = await countMembers(reader, group.group_id);
  return { group, tokens: standing, members, exclusions, kept };
}

/** The newest first: a chain is read from there. Tokens of before say nothing of when they were stored. */
async function keptOf(
  reader: Reader,
  group: string,
  tokens: readonly StoredGroupToken[],
): Promise<GroupRecord['kept']> {
  const received = tokens
    .flatMap(({ stored, ...token }): ReceivedToken[] => (stored === null ? [] : [{ ...token, stored }]))
    .reverse();
  const signers = await keptEvidenceFor(reader, group, received);
  const gone = new Set(signers.map(({ evidence }) => deviceOf(evidence)));
  return { signers, tokens: received.filter(({ device_id }) => gone.has(device_id)) };
}

/** The record with evidence of who signed what is in it: fresh, and as it stood then for the keys by devices that are gone. */
export async function groupViewOf(
  deps: { readonly signer: Signer; readonly clock: Clock; readonly find: FindSignerEvidence },
  { group, tokens, members, exclusions, kept }: GroupRecord,
): Promise<GroupView> {
  const { signer, find } = deps;
  const signers = [
    ...tokens.map(({ sub, device_id }) => ({ sub, device_id })).reverse(),
    ...exclusions.map(({ signer_sub, device_id }) => ({ sub: signer_sub, device_id })),
  ];
  return {
    iss: signer.iss,
    group: group.group_id,
    tokens: tokens.map(({ token }) => token),
    members_head: group.members_head,
    members_seq: group.members_seq + 1,
    members,
    exclusions: exclusions.map(({ token }) => token),
    signers: (await evidenceFor(find, signers)).slice(0, SIGNERS),
    ...(kept.tokens.length === 0 ? {} : { kept: await receiptedBy(deps, kept) }),
    status: group.status,
  };
}

async function receiptedBy(
  deps: { readonly signer: Signer; readonly clock: Clock },
  { signers, tokens }: GroupRecord['kept'],
): Promise<NonNullable<GroupView['kept']>> {
  const receipts = await signKeyReceipts(deps, tokens);
  return { signers: [...signers], receipts, online_keys: deps.signer.onlineKeysToken() };
}

/** Asks the bridge at which a foreign group lives. */
export type ViewForeignGroup = (who: Holder, body: GroupViewBody) => Promise<GroupView>;

type GroupRole = Awaited<ReturnType<typeof roleIn>>;

/** What a group is, to whoever takes part. */
export function createGroupViews(deps: GroupDeps & { foreign: ViewForeignGroup }): GroupViews {
  const { database, events, signer } = deps;
  const { iss } = signer;
  const findEvidence = createSignerEvidence(deps);

  const seeGroup = (group: Group, groupRole: GroupRole) => ({
    ...({ action: 'see-group', resource: groupResource(group) } as const),
    facts: { groupRole },
  });

  function isSeenBy(who: Holder, group: Group, role: GroupRole): boolean {
    const request = requestBy(askingPerson(who, deps.clock), seeGroup(group, role));
    return deps.policy.decide(request).effect === 'allow';
  }

  async function readOwn(reader: Reader, who: Holder, body: GroupViewBody): Promise<GroupRecord> {
    await readAccess(reader, who);
    const person = { iss, sub: who.sub };
    const group = await findGroup(reader, body.group);
    if (group === undefined) throw new CountersignError('group_unknown');
    const role = await roleIn(reader, body.group, person);
    if (role === 'none') throw new CountersignError(await whyNone(reader, group, person));
    requirePersonPermission(deps, who, seeGroup(group, role));
    return readGroupRecord(reader, group, body.since_seq);
  }

  return {
    async list(who) {
      requirePersonPermission(deps, who, {
        action: 'see-self',
        resource: { kind: 'person', id: who.sub, owner: who.sub },
      });
      const life = deps.policy.lifetimes.groupKeys;
      const now = seconds(deps.clock);
      const groups = await database.read(async (query) => {
        await readAccess(query, who);
        const person = { iss, sub: who.sub };
        const direct = (await groupsOfPerson(query, person)).slice(0, GROUPS_LISTED);
        const found = await groupsWith(query, { admin: who.sub, groups: direct, iss }, GROUPS_LISTED);
        const listed = [];
        for (const group of found) {
          const role = await roleIn(query, group.group_id, person);
          if (role === 'none' || !isSeenBy(who, group, role)) continue;
          const due = role === 'admin' ? await rotationDueSince(query, group, { life, now }) : undefined;
          const gone = role === 'admin' && (await isSignerGone(query, group));
          listed.push({ group, role, due, gone });
        }
        return listed;
      });
      return {
        groups: groups.map(
          ({ group: { group_id, kind, label, ends, status, key_version }, role, due, gone }) => ({
            ...{ iss, group: group_id, kind, label, ends, status, role },
            ...(due === undefined ? {} : rotationDue(due, key_version)),
            ...(gone ? { renewal_due: 'signer_gone' as const } : {}),
          }),
        ),
      };
    },

    async view(who, body, context) {
      if (body.iss !== iss) {
        requirePersonPermission(deps, who, {
          action: 'see-foreign-group',
          resource: { kind: 'group', id: body.group },
        });
        return deps.foreign(who, body);
      }
      const record = await database.read((query) => readOwn(query, who, body));
      const view = await groupViewOf({ signer, clock: deps.clock, find: findEvidence }, record);
      await events.record({
        type: 'group.seen',
        actor: context.actor,
        subject: { sub: who.sub, device: who.deviceId, group: body.group },
        outcome: 'success',
        requestId: context.requestId,
        data: {},
      });
      return view;
    },
  };
}

/** To whoever is not in it, a group is not even said to exist; its id, which nobody guesses, says as much. */
export async function whyNone(
  reader: Reader,
  group: Group,
  person: { iss: string; sub: string },
): Promise<'group_unknown' | 'group_excluded' | 'group_ended'> {
  if (group.status === 'ended') return 'group_ended';
  return (await isExcluded(reader, group.group_id, person)) ? 'group_excluded' : 'group_unknown';
}

function rotationDue(since: number, version: number) {
  return { rotation_due: 'scheduled' as const, rotation_due_since: since, rotation_due_version: version };
}
