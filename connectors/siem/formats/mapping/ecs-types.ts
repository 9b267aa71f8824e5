/**
 * Which `event.type` goes with which `event.category`, of those that events of ours have.
 * Source: the Elastic Common Schema 9.4 (github.com/elastic/ecs, event.category).
 */
export const ECS_TYPES = {
  api: ['access', 'allowed', 'change', 'creation', 'deletion', 'denied', 'info'],
  authentication: ['start', 'end', 'info'],
  configuration: ['access', 'change', 'creation', 'deletion', 'info'],
  iam: ['admin', 'change', 'creation', 'deletion', 'group', 'info', 'user'],
  intrusion_detection: ['allowed', 'denied', 'info'],
  process: ['change', 'end', 'info', 'start'],
  session: ['start', 'end', 'info'],
} as const;

export type EcsCategory = keyof typeof ECS_TYPES;
export type EcsType<Category extends EcsCategory = EcsCategory> = (typeof ECS_TYPES)[Category][number];

export interface EcsMapping {
  readonly category: EcsCategory;
  readonly type: readonly EcsType[];
}

export function ecs<Category extends EcsCategory>(
  category: Category,
  ...type: readonly [EcsType<Category>, ...EcsType<Category>[]]
): EcsMapping {
  return { category, type };
}
