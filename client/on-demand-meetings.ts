/**
 * What a page loads when its first meeting begins, beside what it needs of groups (on-demand.ts): meetings are half as
 * much again as all else.
 */
export { joinAsInvited, startMeeting } from './meetings/client-meetings.ts';
