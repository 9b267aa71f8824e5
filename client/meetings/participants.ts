import type { CountersignError, ErrorCode } from '../../protocol/errors.ts';
import type { Device } from '../../protocol/meetings/roster.ts';
import type { Answer } from '../answers.ts';
import type { PresentPerson } from './judge-presences.ts';
import type { AdmissionShortfall, Participant } from './meeting.ts';

/** Somebody whose presence was verified. */
export function describePresent({ person, presence, shownAt }: PresentPerson): Participant {
  const { address, assurance } = person.statement;
  return {
    ...{ iss: presence.iss, sub: presence.sub, deviceId: presence.device_id },
    ...{ state: 'verified', code: null, reasons: [], address, name: null, company: null, assurance },
    ...{ mediaKey: presence.media_key, shownAt },
    endToEnd: assurance !== 'gateway',
  };
}

/** Somebody with a place of whom nothing can be believed, or not any more: what they showed is too old. */
export function describeRefused({ iss, sub, device_id }: Device, { code }: CountersignError): Participant {
  return {
    ...{ iss, sub, deviceId: device_id, state: isTooOld(code) ? 'stale' : 'refused', code, reasons: [] },
    ...{ address: null, name: null, company: null, assurance: null, mediaKey: null, shownAt: null },
    endToEnd: false,
  };
}

/** Somebody who was verified when they showed themselves, and has been silent for longer than that is good for. */
export function describeStale(participant: Participant, code: ErrorCode | null): Participant {
  return { ...participant, state: 'stale', code, reasons: [] };
}

function isTooOld(code: ErrorCode): boolean {
  return code === 'jws_expired';
}

/** With what their company tells of them, where it tells something. */
export function withAttributes(participant: Participant, answer: Answer | undefined): Participant {
  if (answer?.status !== 'verified' || answer.statement.sub !== participant.sub) return participant;
  const { name, organization } = answer.attributes ?? {};
  return { ...participant, name: name ?? null, company: organization ?? null };
}

/** With what keeps them out of the meeting, if anything does. */
export function withAdmission(participant: Participant, reasons: readonly AdmissionShortfall[]): Participant {
  if (reasons.length === 0) return participant;
  return { ...participant, state: 'refused', code: 'admission_refused', reasons };
}
