import { CountersignError, ERRORS, isCountersignError } from '../../protocol/errors.ts';
import type { Party } from '../../protocol/groups/party.ts';
import type { EventInput, EventInputOf } from '../events/event.ts';
import { ReportedRefusal } from '../events/reported-refusal.ts';
import type { RequestContext } from '../lib/request-context.ts';
import { PolicyDenial } from '../policy/decision.ts';
import type { PersonName } from './member-store.ts';

/** One opening, as its events name it. */
export interface NamedOpening {
  readonly to: Party;
  readonly keyId: string;
  readonly person: PersonName;
  /** The person's device, where it is ours. */
  readonly deviceId?: string;
}

/** The event of what is released, with the members whose transform keys were used here. */
export function openedEvent(
  opening: NamedOpening,
  path: readonly string[],
  context: RequestContext,
): EventInput {
  return {
    type: 'key.opened',
    actor: context.actor,
    subject: subjectOf(opening),
    outcome: 'success',
    requestId: context.requestId,
    data: { ...dataOf(opening), path: [...path] },
  };
}

/**
 * The same error; what is the asker's to hear is reported as a refused opening. Faults of ours, and what policy
 * denied, are reported by others.
 */
export function asRefusedOpening(error: unknown, opening: NamedOpening, context: RequestContext): unknown {
  if (!isCountersignError(error) || error.cause instanceof PolicyDenial) return error;
  if (ERRORS[error.code].status >= 500 && !error.code.startsWith('partner_')) return error;
  const event: ReportedRefusal['event'] = {
    type: 'key.opening_refused',
    actor: context.actor,
    subject: subjectOf(opening),
    data: dataOf(opening),
  };
  return new CountersignError(error.code, error.detail, { cause: new ReportedRefusal(event, error) });
}

function subjectOf({ to, person, deviceId }: NamedOpening): NonNullable<EventInput['subject']> {
  return {
    sub: person.sub,
    ...(deviceId === undefined ? { partner: person.iss } : { device: deviceId }),
    ...('group' in to ? { group: to.group } : {}),
  };
}

function dataOf({ to, keyId, person }: NamedOpening): EventInputOf<'key.opening_refused'>['data'] {
  return {
    iss: to.iss,
    ...('group' in to ? { group: to.group } : { recipient: to.sub }),
    key_id: keyId,
    person: person.sub,
    person_iss: person.iss,
  };
}
