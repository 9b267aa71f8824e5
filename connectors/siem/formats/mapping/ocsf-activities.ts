/**
 * The classes of OCSF 1.8.0 that events of ours are of: id, category, and the activities that are used, by caption.
 * Source: the schema at schema.ocsf.io (github.com/ocsf/ocsf-schema, events/ and categories.json).
 */
export const OCSF_CLASSES = {
  base_event: { uid: 0, category: 0, caption: 'Base Event', activities: {} },
  detection_finding: { uid: 2004, category: 2, caption: 'Detection Finding', activities: { Create: 1 } },
  account_change: {
    ...{ uid: 3001, category: 3, caption: 'Account Change' },
    activities: { Create: 1, Enable: 2, Disable: 5, Delete: 6 },
  },
  authentication: {
    ...{ uid: 3002, category: 3, caption: 'Authentication' },
    activities: { Logon: 1, Logoff: 2 },
  },
  entity_management: {
    ...{ uid: 3004, category: 3, caption: 'Entity Management' },
    activities: {
      ...{ Create: 1, Read: 2, Update: 3, Delete: 4, Enroll: 6, Unenroll: 7 },
      ...{ Enable: 8, Disable: 9, Activate: 10, Deactivate: 11, Suspend: 12, Resume: 13 },
    },
  },
  group_management: {
    ...{ uid: 3006, category: 3, caption: 'Group Management' },
    activities: {
      ...{ 'Add User': 3, 'Remove User': 4, Delete: 5, Create: 6 },
      ...{ 'Add Subgroup': 7, 'Remove Subgroup': 8 },
    },
  },
  application_lifecycle: {
    ...{ uid: 6002, category: 6, caption: 'Application Lifecycle' },
    activities: { Start: 3, Stop: 4 },
  },
  api_activity: {
    ...{ uid: 6003, category: 6, caption: 'API Activity' },
    activities: { Create: 1, Read: 2, Update: 3, Delete: 4 },
  },
  application_error: {
    ...{ uid: 6008, category: 6, caption: 'Application Error' },
    activities: { 'General Error': 1 },
  },
} as const;

export const OCSF_CATEGORIES: Readonly<Record<number, string>> = {
  0: 'Uncategorized',
  2: 'Findings',
  3: 'Identity & Access Management',
  6: 'Application Activity',
};

export type OcsfClass = keyof typeof OCSF_CLASSES;

/** An activity that the class names, or one that it does not: id 99 with our caption. */
export type OcsfActivity<Class extends OcsfClass> =
  | keyof (typeof OCSF_CLASSES)[Class]['activities']
  | { readonly other: string };

/** Id and caption. */
export function activityOf(ocsfClass: OcsfClass, activity: string | { readonly other: string }) {
  if (typeof activity !== 'string') return { id: 99, caption: activity.other };
  const activities: Readonly<Record<string, number>> = OCSF_CLASSES[ocsfClass].activities;
  return { id: activities[activity] ?? 99, caption: activity };
}
