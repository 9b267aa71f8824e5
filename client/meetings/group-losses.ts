import type { GroupView } from '../../protocol/groups/api.ts';

/**
 * What was taken from people of a meeting so far, by their bridge's words: to begin an epoch takes no proof. It tells of
 * those too who opened the key and never showed themselves.
 */
export interface GroupLosses {
  /** By group: statements after which nobody more was in it. Infinite where this device cannot see the group. */
  readonly removals: ReadonlyMap<string, number>;
  /** Exclusions in force. */
  readonly exclusions: readonly string[];
}

export function lossesOf({
  group,
  members_seq: statements,
  members,
  exclusions,
}: Pick<GroupView, 'group' | 'members_seq' | 'members' | 'exclusions'>): GroupLosses {
  return { removals: new Map([[group, statements - members]]), exclusions };
}

/** Whether anything may have been taken from anybody since; a group that was not looked at before may have lost somebody. */
export function hasLostMore(before: GroupLosses, now: GroupLosses): boolean {
  const known = new Set(before.exclusions);
  if (now.exclusions.some((token) => !known.has(token))) return true;
  return [...now.removals].some(
    ([group, count]) => count === Number.POSITIVE_INFINITY || count !== before.removals.get(group),
  );
}

/** What was known, with what a newer look at one of the groups told: of the others it stays as old as it was. */
export function knownSince(before: GroupLosses, now: GroupLosses): GroupLosses {
  return { removals: new Map([...before.removals, ...now.removals]), exclusions: now.exclusions };
}
