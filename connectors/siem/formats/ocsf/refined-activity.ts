import type { SinkEvent } from '../../sink-event.ts';
import { memberText } from '../event-members.ts';
import type { OcsfMapping } from '../mapping/event-mapping.ts';

const BY_METHOD: Readonly<Record<string, string>> = {
  ...{ POST: 'Create', GET: 'Read', HEAD: 'Read', PUT: 'Update', PATCH: 'Update', DELETE: 'Delete' },
};

/** Where the data says more closely what was done than the type does. */
export function refinedActivity(event: SinkEvent, mapping: OcsfMapping): OcsfMapping {
  switch (event.type) {
    case 'group.member_added':
      return event.data.kind === 'group' ? { ...mapping, activity: 'Add Subgroup' } : mapping;
    case 'group.member_removed':
      return event.data.kind === 'group' ? { ...mapping, activity: 'Remove Subgroup' } : mapping;
    case 'request.refused': {
      const method = memberText(event, 'data.method') ?? '';
      const activity = Object.hasOwn(BY_METHOD, method) ? BY_METHOD[method] : undefined;
      return activity === undefined ? mapping : { ...mapping, activity };
    }
    default:
      return mapping;
  }
}
