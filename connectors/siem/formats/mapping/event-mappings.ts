import { ADMINISTRATION } from './administration.ts';
import { DEVICES } from './devices.ts';
import { ecs } from './ecs-types.ts';
import type { EventMapping } from './event-mapping.ts';
import { FEDERATION } from './federation.ts';
import { GROUPS } from './groups.ts';
import { OPERATION } from './operation.ts';
import { PEOPLE } from './people.ts';
import { SENT_SIGNALS } from './sent-signals.ts';
import { SINKS } from './sinks.ts';

/** Every type of event in the words of OCSF, ECS and CEF: a test holds it against the catalogue. */
export const EVENT_MAPPINGS: ReadonlyMap<string, EventMapping> = new Map(
  Object.entries({
    ...PEOPLE,
    ...DEVICES,
    ...GROUPS,
    ...FEDERATION,
    ...ADMINISTRATION,
    ...OPERATION,
    ...SINKS,
    ...SENT_SIGNALS,
  }),
);

/** For a type that another version of the bridge stored. */
const UNKNOWN: EventMapping = {
  title: 'Event of another version',
  severity: 'low',
  ocsf: { class: 'base_event', activity: { other: 'Event' } },
  ecs: ecs('configuration', 'info'),
};

export function mappingOf(type: string): EventMapping {
  return EVENT_MAPPINGS.get(type) ?? UNKNOWN;
}
