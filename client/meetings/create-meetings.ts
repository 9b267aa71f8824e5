import { loadMeetings } from '../load-on-demand.ts';
import type { ClientParts } from '../own-account.ts';
import type { Meetings } from './meeting.ts';

/** The meetings of a client. What they need is loaded when the first one begins. */
export function createMeetings(parts: ClientParts): Meetings {
  return {
    start: async (request) => (await loadMeetings()).startMeeting(parts, request),
    join: async (invitation) => (await loadMeetings()).joinAsInvited(parts, invitation),
  };
}
