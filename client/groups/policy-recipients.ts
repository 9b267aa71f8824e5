import { parseAddress } from '../../protocol/address.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { assertAdmin, type GroupKey, verifyGroupKey } from '../../protocol/groups/group-key.ts';
import { claimedSigner } from '../../protocol/groups/signer-evidence.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import type { PolicyContent } from '../../protocol/policy-bundle.ts';
import { type RecipientGroup, recipientsSchema } from '../../protocol/recipients/api.ts';
import type { DataKind } from '../../protocol/recipients/data-kind.ts';
import { assertNamedByPolicy } from '../../protocol/recipients/named-by-policy.ts';
import { lookUp } from '../look-up.ts';
import type { ClientParts } from '../own-account.ts';
import { fetchPolicyBundle, readPolicyBundle } from '../policy-bundle.ts';
import { type Actor, actingDevice, statementOf } from './acting.ts';
import { assertMembersContinue, pinnedGroup } from './group-pins.ts';
import type { DataToSeal, PolicyRecipients, RecipientsPolicy } from './groups.ts';
import { type JudgedRecipient, personRecipient } from './judged-recipient.ts';
import { signersOf } from './signers.ts';

/** Whom policy names, each with the key that this client verified to be theirs. */
export interface ResolvedRecipients {
  readonly policy: RecipientsPolicy;
  readonly data: DataKind;
  readonly recipients: readonly JudgedRecipient[];
  readonly groups: readonly GroupKey[];
  readonly people: readonly string[];
}

export async function showRecipients(parts: ClientParts, data: DataToSeal): Promise<PolicyRecipients> {
  const { policy, groups, people } = await resolveRecipients(parts, await actingDevice(parts), data);
  return {
    policy,
    groups: groups.map(({ iss, group, label, admins }) => ({ iss, group, label, admins })),
    people,
  };
}

/**
 * Asks the bridge for whom such data is, and takes nobody whom the policy that it names does not: the policy’s text
 * stands in a bundle that the bridge signed, published and committed to. That its conditions fit, and no other’s of a
 * lower order, is the bridge’s word (docs/threat-model.md).
 */
export async function resolveRecipients(
  parts: ClientParts,
  actor: Actor,
  { category, sensitivity, dataSubject }: DataToSeal,
): Promise<ResolvedRecipients> {
  const subject = dataSubject === undefined ? undefined : parseAddress(dataSubject).address;
  const body = { category, sensitivity, ...(subject === undefined ? {} : { dataSubject: subject }) };
  const answer = await parts.api.post('/v1/policy/recipients', body, recipientsSchema);
  const policies = await policyInForce(parts, answer.hash);
  const { address: asker } = actor.statement;
  const names = { iss: parts.context.issuer, asker, dataSubject: subject };
  const { text } = assertNamedByPolicy(policies, answer, names);
  const policy = { id: answer.policy, hash: answer.hash, text };

  const shown = answer.recipients.flatMap((each) => ('group' in each ? [each.group] : []));
  const groups: { readonly claims: GroupKey; readonly members: string | null }[] = [];
  for (const each of shown) {
    groups.push({ claims: await judgeNamedGroup(parts, each), members: each.members_head });
  }
  const people = answer.recipients.flatMap((each) => ('address' in each ? [each.address] : []));
  const others = people.filter((address) => address !== asker);
  const answers = others.length === 0 ? [] : await lookUp(parts, others);
  const statements = answers.map(statementOf);
  if (others.length < people.length) statements.push(actor.statement);
  return {
    ...{ policy, data: { category, sensitivity }, people },
    groups: groups.map(({ claims }) => claims),
    recipients: [
      ...groups.map(({ claims: { iss, group, key }, members }) => ({ to: { iss, group }, key, members })),
      ...statements.map(personRecipient),
    ],
  };
}

/**
 * The texts of the policy of this hash, which the bridge must show to everybody as the one in force: a client asks for
 * that without saying who it is. One that came into force since is taken. Throws `version_rollback` for an earlier one,
 * and what reading bundles throws.
 */
async function policyInForce(parts: ClientParts, hash: string): Promise<PolicyContent['policies']> {
  const shown = await readPolicyBundle(parts);
  const named = shown.hash === hash ? shown : await fetchPolicyBundle(parts, hash);
  if (named.version < shown.version) {
    throw new CountersignError('version_rollback', 'the bridge names a policy that is not in force any more');
  }
  return named.content.policies;
}

/**
 * The key of a group that the signed policy names by its id, which is the key’s fingerprint: no bridge can show another.
 * So nothing needs to be pinned, and nobody to be expected; nor is anything pinned by this. An admin’s device must have
 * signed it all the same, and it must not be older than what is pinned. Throws `group_key_mismatch`, `group_not_admin`,
 * `group_key_chain`, `version_rollback`, and what the evidence of the admin throws.
 */
async function judgeNamedGroup(parts: ClientParts, shown: RecipientGroup): Promise<GroupKey> {
  const signer = await signersOf(parts, [shown.signer])(claimedSigner(shown.token));
  const claims = await verifyGroupKey(shown.token, signer);
  if (claims.iss !== shown.iss || claims.group !== shown.group) {
    throw new CountersignError('group_key_mismatch', 'the key is another group’s');
  }
  assertAdmin(claims, signer);
  if (claims.kind !== 'durable') throw new CountersignError('group_key_mismatch', 'it is a meeting');
  const pin = await pinnedGroup(parts.context, shown);
  if (pin !== undefined && claims.seq < pin.seq) {
    throw new CountersignError('version_rollback', 'the group’s key is older than pinned');
  }
  if (claims.seq === pin?.seq && sha256Base64url(shown.token) !== pin.hash) {
    throw new CountersignError('group_key_chain', 'it is not the one that was pinned');
  }
  assertMembersContinue(pin, shown);
  return claims;
}
