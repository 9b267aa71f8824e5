import { parseAddress } from '../../protocol/address.ts';
import { CountersignError, type ErrorCode } from '../../protocol/errors.ts';
import type { RecipientGroup, Recipients } from '../../protocol/recipients/api.ts';
import type { DataKind } from '../../protocol/recipients/data-kind.ts';
import { type NamedRecipient, nameRecipients } from '../../protocol/recipients/terms.ts';
import { readPublishedAccess } from '../binding/access.ts';
import type { Holder } from '../binding/holder.ts';
import { askingPerson, type PermissionDeps, requirePersonPermission } from '../binding/permission.ts';
import type { Reader } from '../directory/handle.ts';
import { dataResource, decideRecipients, type RecipientRule } from '../policy/content/recipients.ts';
import { deniedBy, ENGINE_FAILED } from '../policy/decision.ts';
import { findGroup, type Group, groupTokens, type StoredGroupToken } from './group-store.ts';
import type { GroupDeps, PolicyRecipients } from './services.ts';
import { createSignerEvidence } from './signer-evidence.ts';

/** A group that is there, with what its newest key was signed by. */
interface FoundGroup {
  readonly group: Group;
  readonly newest: StoredGroupToken;
}

export function createPolicyRecipients(deps: GroupDeps): PolicyRecipients {
  const { database, events, signer } = deps;
  const { iss } = signer;
  const findEvidence = createSignerEvidence(deps);

  async function shown(policy: string, { group, newest }: FoundGroup): Promise<RecipientGroup> {
    const evidence = await findEvidence(newest.sub, newest.device_id);
    if (evidence === undefined) throw namedInVain('group_untrusted', policy, group.group_id);
    return {
      ...{ iss, group: group.group_id, token: newest.token, signer: evidence },
      ...{ members_head: group.members_head, members_seq: group.members_seq + 1 },
    };
  }

  return {
    async resolve(who, { dataSubject, ...data }, context) {
      const { rule, hash } = requireRule(deps, who, data);
      const subject = dataSubject === undefined ? undefined : parseAddress(dataSubject).address;
      const { named, found } = await database.read(async (query) => {
        const { statement } = await readPublishedAccess(query, deps.keyLog, who);
        const names = { iss, asker: statement.address, dataSubject: subject };
        const recipients = nameRecipients(rule.terms, names);
        return { named: recipients, found: await findGroups(query, rule.policy, recipients) };
      });
      const groups = new Map<string, RecipientGroup>();
      for (const each of found) groups.set(each.group.group_id, await shown(rule.policy, each));
      for (const group of groups.keys()) {
        await events.record({
          type: 'group.seen',
          actor: context.actor,
          subject: { sub: who.sub, device: who.deviceId, group },
          outcome: 'success',
          requestId: context.requestId,
          data: {},
        });
      }
      const recipients = named.flatMap((each): Recipients['recipients'] => {
        if ('address' in each) return [each];
        const group = groups.get(each.group);
        return group === undefined ? [] : [{ group }];
      });
      return { policy: rule.policy, hash, recipients };
    },
  };
}

/**
 * Whether the policy in force names a group for such data to this person, who may then seal to it without taking part.
 * It is asked again at each deposit: what another policy named, counts no more.
 */
export function isNamedRecipient(deps: PermissionDeps, who: Holder, data: DataKind, group: string): boolean {
  const { rule } = requireRule(deps, who, data);
  return rule.terms.some((term) => term.kind === 'group' && term.group === group);
}

/** Throws `forbidden`, `recipients_none`, `policy_unavailable`. */
function requireRule(
  deps: PermissionDeps,
  who: Holder,
  data: DataKind,
): { readonly rule: RecipientRule; readonly hash: string } {
  const resource = dataResource(data);
  requirePersonPermission(deps, who, { action: 'resolve-recipients', resource });
  const { rule, decision, request } = decideRecipients(deps.policy, askingPerson(who, deps.clock), data);
  if (rule !== undefined) return { rule, hash: decision.hash };
  if (decision.effect === 'allow') throw new CountersignError('recipients_none');
  throw deniedBy(
    request,
    decision,
    decision.policy === ENGINE_FAILED ? 'policy_unavailable' : 'recipients_none',
  );
}

async function findGroups(
  reader: Reader,
  policy: string,
  recipients: readonly NamedRecipient[],
): Promise<FoundGroup[]> {
  const found: FoundGroup[] = [];
  for (const recipient of recipients) {
    if ('address' in recipient) continue;
    const group = await findGroup(reader, recipient.group);
    if (group === undefined || group.kind !== 'durable') {
      throw namedInVain('group_unknown', policy, recipient.group);
    }
    if (group.status === 'ended') throw namedInVain('group_ended', policy, recipient.group);
    const [newest] = await groupTokens(reader, recipient.group, { since: group.seq, limit: 1 });
    // The texts of tokens that named somebody who was erased are empty.
    if (newest === undefined || newest.token === '') {
      throw namedInVain('group_untrusted', policy, recipient.group);
    }
    found.push({ group, newest });
  }
  return found;
}

const IN_VAIN = {
  group_unknown: 'is no durable group of this bridge: an administrator has to correct the policy',
  group_ended: 'has ended: an administrator has to correct the policy',
  group_untrusted: 'was last signed by a device that is gone: an admin of the group has to renew it',
} as const;

function namedInVain(
  code: keyof typeof IN_VAIN & ErrorCode,
  policy: string,
  group: string,
): CountersignError {
  return new CountersignError(code, `The policy ${policy} names group:${group}, which ${IN_VAIN[code]}.`);
}
