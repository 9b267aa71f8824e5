import type { ClientParts } from '../own-account.ts';
import type { Meetings } from './meeting.ts';

const load = () => import('../on-demand.ts');

/** The meetings of a client. What they need is loaded when the first one begins. */
export function createMeetings(parts: ClientParts): Meetings {
  return {
    start: async (request) => (await load()).startMeeting(parts, request),
    join: async (invitation) => (await load()).joinAsInvited(parts, invitation),
  };
}
