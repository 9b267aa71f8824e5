import type { DueGroupRotations } from '../../protocol/groups/api.ts';
import type { BindingDeps } from '../binding/services.ts';
import { seconds } from '../lib/clock.ts';
import { DUE_ROTATIONS_PAGE } from '../lib/limits.ts';
import { adminsOf, durableGroupsAfter } from './group-store.ts';
import { rotationDueSince } from './rotation-schedule.ts';

/** Durable groups whose keys are older than policy lets them be, for administrators: an admin's app is to rotate them. */
export interface DueRotations {
  /** A page of the groups, in the order of their ids, from behind `after` on; those of them that are due. */
  list(after: string | undefined): Promise<DueGroupRotations>;
}

export function createDueRotations({
  database,
  policy,
  clock,
}: Pick<BindingDeps, 'database' | 'policy' | 'clock'>): DueRotations {
  return {
    list: (after) =>
      database.read(async (query) => {
        const life = policy.lifetimes.groupKeys;
        const page = await durableGroupsAfter(query, after ?? '', DUE_ROTATIONS_PAGE);
        const groups: DueGroupRotations['groups'] = [];
        for (const group of page) {
          const due = await rotationDueSince(query, group, { life, now: seconds(clock) });
          if (due === undefined) continue;
          const admins = await adminsOf(query, group.group_id);
          groups.push({
            ...{ group: group.group_id, label: group.label, key_version: group.key_version, due },
            admins: admins.map(({ address }) => address),
          });
        }
        const isLast = page.length < DUE_ROTATIONS_PAGE;
        return { life, groups, next: isLast ? null : (page.at(-1)?.group_id ?? null) };
      }),
  };
}
