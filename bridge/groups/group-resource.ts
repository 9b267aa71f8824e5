import type { Resource } from '../policy/decision.ts';
import type { Group } from './group-store.ts';

/** A group kept here as policy knows it: by its label its assets are told apart, for sealed keys carry none. */
export function groupResource({
  group_id,
  kind,
  label,
}: Pick<Group, 'group_id' | 'kind' | 'label'>): Resource {
  return { kind: 'group', id: group_id, groupKind: kind, label };
}
