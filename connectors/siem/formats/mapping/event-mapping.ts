import type { SeverityName } from '../severity-name.ts';
import type { EcsMapping } from './ecs-types.ts';
import type { EntityKind } from './entities.ts';
import type { OcsfActivity, OcsfClass } from './ocsf-activities.ts';

export interface OcsfMapping {
  readonly class: OcsfClass;
  readonly activity: string | { readonly other: string };
  /** With `entity_management` alone: what was managed. */
  readonly entity?: EntityKind;
}

/** How one type of event is told in the words of others. */
export interface EventMapping {
  /** What happened, in a few words: the name in CEF, the message in ECS and OCSF. */
  readonly title: string;
  /** Where it went well; `severityOf` has the rest. */
  readonly severity: SeverityName;
  readonly ocsf: OcsfMapping;
  readonly ecs: EcsMapping;
}

export type EventMappings = Readonly<Record<string, EventMapping>>;

/** A row of the tables. */
export function row(title: string, severity: SeverityName, ocsf: OcsfMapping, ecs: EcsMapping): EventMapping {
  return { title, severity, ocsf, ecs };
}

const of =
  <Class extends OcsfClass>(ocsfClass: Class) =>
  (activity: OcsfActivity<Class>): OcsfMapping => ({ class: ocsfClass, activity: named(activity) });

export const account = of('account_change');
export const authentication = of('authentication');
export const group = of('group_management');
export const api = of('api_activity');
export const lifecycle = of('application_lifecycle');

/** Something that somebody must look at, found by the bridge. */
export const finding: OcsfMapping = { class: 'detection_finding', activity: 'Create' };
/** Something that does not work as it should. */
export const fault: OcsfMapping = { class: 'application_error', activity: 'General Error' };

export function entity(kind: EntityKind, activity: OcsfActivity<'entity_management'>): OcsfMapping {
  return { class: 'entity_management', activity: named(activity), entity: kind };
}

function named(activity: PropertyKey | { readonly other: string }): string | { readonly other: string } {
  return typeof activity === 'object' ? activity : String(activity);
}
