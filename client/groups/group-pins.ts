import { parseAddress } from '../../protocol/address.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { groupPinOf, type VerifiedGroupKey } from '../../protocol/groups/group-key-chain.ts';
import type { ClientContext } from '../context.ts';
import type { PinnedGroup } from '../pin-store.ts';
import type { GroupRef } from './groups.ts';

/** What is pinned of this group. */
export async function pinnedGroup(
  context: ClientContext,
  { group }: GroupRef,
): Promise<PinnedGroup | undefined> {
  return (await context.pins.read()).groups?.[group];
}

/** Refuses a group that is vouched for, but not by whom the caller expects among its admins. */
export function assertExpected(
  { expected }: GroupRef,
  { admins }: Pick<PinnedGroup, 'admins'>,
  first: string,
): void {
  if (expected === undefined) return;
  const { address } = parseAddress(expected);
  if (address !== first && !admins.some((admin) => admin.address === address)) {
    throw new CountersignError('group_untrusted', `${address} is no admin of the group`);
  }
}

/**
 * Pins what was verified, unless something newer was pinned meanwhile. Answers whether it is the first pin. Throws
 * `group_key_chain` when another token of the same number was pinned meanwhile.
 */
export function pinGroup(
  context: ClientContext,
  verified: VerifiedGroupKey,
  expected: string,
): Promise<{ firstSeen: boolean }> {
  const { group, seq } = verified.claims;
  return context.pins.update(async (pins) => {
    const before = pins.groups?.[group];
    if (before !== undefined && before.seq === seq && before.hash !== verified.hash) {
      throw new CountersignError('group_key_chain', 'the group has two keys of one number');
    }
    if (before !== undefined && before.seq >= seq) return { pins, result: { firstSeen: false } };
    const pin = {
      ...newGroupPin(verified, before?.expected ?? expected),
      members: before?.members ?? null,
    };
    const kept = withoutPastMeetings(pins.groups ?? {}, context.now());
    const result = { firstSeen: before === undefined };
    return { pins: { ...pins, groups: { ...kept, [group]: pin } }, result };
  });
}

/** What is pinned of a group at first. */
export function newGroupPin(verified: VerifiedGroupKey, expected: string): PinnedGroup {
  const { ends } = verified.claims;
  return { ...groupPinOf(verified), ...(ends === null ? {} : { ends }), expected, members: null };
}

/** Seconds that a meeting's pin stays after its end: a month, in which clocks are set right and an end is put off. */
const KEPT_AFTER_END = 30 * 86_400;

/** What ended long ago opens nothing any more: its transform keys and its share are deleted. */
function withoutPastMeetings(
  groups: Readonly<Record<string, PinnedGroup>>,
  now: number,
): Record<string, PinnedGroup> {
  return Object.fromEntries(
    Object.entries(groups).filter(([, { ends }]) => ends === undefined || now < ends + KEPT_AFTER_END),
  );
}

/** Where the chain of membership statements stands, as this device left it. */
export async function pinMembers(
  context: ClientContext,
  group: string,
  members: NonNullable<PinnedGroup['members']>,
): Promise<void> {
  await context.pins.update(async (pins) => {
    const before = pins.groups?.[group];
    if (before === undefined || (before.members?.seq ?? 0) >= members.seq) return { pins, result: undefined };
    return {
      pins: { ...pins, groups: { ...pins.groups, [group]: { ...before, members } } },
      result: undefined,
    };
  });
}

/** Refuses members as they were before something that this device did itself. */
export function assertMembersContinue(
  pin: PinnedGroup | undefined,
  shown: { readonly members_seq: number; readonly members_head: string | null },
): void {
  const known = pin?.members;
  if (known == null) return;
  if (shown.members_seq < known.seq) {
    throw new CountersignError(
      'version_rollback',
      'the members of the group are older than this device knows',
    );
  }
  if (shown.members_seq === known.seq && shown.members_head !== known.hash) {
    throw new CountersignError(
      'group_key_chain',
      'the members of the group do not continue what this device knows',
    );
  }
}
