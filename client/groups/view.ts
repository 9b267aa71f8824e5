import { parseAddress } from '../../protocol/address.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type GroupView, groupViewSchema } from '../../protocol/groups/api.ts';
import { exclusionSchema } from '../../protocol/groups/exclusion.ts';
import {
  type GroupKeyTrust,
  type VerifiedGroupKey,
  verifyGroupKeyChain,
} from '../../protocol/groups/group-key-chain.ts';
import { claimedSigner } from '../../protocol/groups/signer-evidence.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import type { ClientParts } from '../own-account.ts';
import type { PinnedGroup } from '../pin-store.ts';
import { assertExpected, assertMembersContinue, pinGroup, pinnedGroup } from './group-pins.ts';
import type { GroupRef, VerifiedGroup } from './groups.ts';
import { keySignersOf } from './kept-signers.ts';
import { claimedDevice } from './signers.ts';

/** A group whose newest key was verified just now and is pinned. */
export interface JudgedGroup extends VerifiedGroupKey {
  /** As its bridge answered; beyond the key, its words alone. */
  readonly shown: GroupView;
  readonly firstSeen: boolean;
}

/**
 * Asks the own bridge for a group, here or elsewhere, and verifies its keys from the pin on, or from the admin whom the
 * caller expects (PROTOCOL §10). Throws `group_untrusted` where there is neither, `group_key_chain`,
 * `version_rollback`, `group_not_admin`, `group_key_mismatch`, and what the evidence of the signers throws.
 */
export async function judgeGroup(parts: ClientParts, ref: GroupRef): Promise<JudgedGroup> {
  const pin = await pinnedGroup(parts.context, ref);
  if (pin === undefined && ref.expected === undefined) {
    throw new CountersignError(
      'group_untrusted',
      'name an admin whom you expect: nothing is pinned for the group',
    );
  }
  const { iss, group } = ref;
  const body = { iss, group, ...(pin === undefined ? {} : { since_seq: pin.seq }) };
  const shown = await parts.api.post('/v1/groups/view', body, groupViewSchema);
  return judgeShown(parts, ref, shown, pin);
}

/** Verifies and pins what a bridge answered about this group. */
export async function judgeShown(
  parts: ClientParts,
  ref: GroupRef,
  shown: GroupView,
  pin: PinnedGroup | undefined,
): Promise<JudgedGroup> {
  if (shown.iss !== ref.iss || shown.group !== ref.group) {
    throw new CountersignError('group_key_mismatch', 'the bridge answers about another group');
  }
  const expected = pin?.expected ?? parseAddress(ref.expected ?? '').address;
  const trust: GroupKeyTrust = pin === undefined ? { expected } : { pin };
  const verified = await verifyGroupKeyChain(shown.tokens, ref, trust, keySignersOf(parts, shown));
  assertExpected(ref, verified.claims, expected);
  assertMembersContinue(pin, shown);
  const { firstSeen } = await pinGroup(parts.context, verified, expected);
  return { ...verified, shown, firstSeen };
}

export async function viewGroup(parts: ClientParts, ref: GroupRef): Promise<VerifiedGroup> {
  return describeGroup(await judgeGroup(parts, ref));
}

export function describeGroup({ claims, token, shown, firstSeen }: JudgedGroup): VerifiedGroup {
  const { iss, group, kind, label, ends, admins, key, key_version: keyVersion } = claims;
  return {
    ...{ iss, group, kind, label, ends, admins, key, keyVersion, firstSeen },
    renewalDue: isSignerShown(token, shown) ? null : 'signer_gone',
    status: shown.status,
    members: shown.members,
    // To shut somebody out takes no proof.
    excluded: shown.exclusions.map(
      (token) => decodeClaims(token, 'group-exclusion+jwt', exclusionSchema).member,
    ),
  };
}

/** Whether there is evidence of now for who signed the newest key. */
function isSignerShown(token: string, { signers }: GroupView): boolean {
  const signer = claimedSigner(token);
  return signers.some((evidence) => claimedDevice(evidence) === signer);
}
