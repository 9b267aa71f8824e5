/** How much an event matters, in OCSF's words. `fatal` is left out: nothing here destroys anything. */
export const SEVERITY_NAMES = ['informational', 'low', 'medium', 'high', 'critical'] as const;
export type SeverityName = (typeof SEVERITY_NAMES)[number];

/** 1 (informational) to 5 (critical): `severity_id` of OCSF, and what severities are compared by. */
export function severityId(name: SeverityName): number {
  return SEVERITY_NAMES.indexOf(name) + 1;
}
