import type * as z from 'zod/mini';
import { CountersignError } from '../../protocol/errors.ts';
import {
  emptyEventSchema,
  leftEventSchema,
  meetingMembersSchema,
  meetingRosterSchema,
  meetingStateSchema,
  placementEventSchema,
  presenceEventSchema,
  presenceRenewedSchema,
  rekeyEventSchema,
  relayedSchema,
} from '../../protocol/meetings/api.ts';
import { ADMISSION_LENGTH, REKEY_LENGTH } from '../../protocol/meetings/limits.ts';
import { type BridgeApi, parseAnswer } from '../bridge-api.ts';
import { readEventStream, type StreamedEvent } from '../event-stream.ts';
import { SILENCE_MS } from '../watch.ts';
import type { MeetingRef } from './meeting.ts';
import type { MeetingRelay, RelayEvent } from './relay.ts';

/** A rekey message and an admission statement, with the names around them. */
const LONGEST_EVENT = REKEY_LENGTH + ADMISSION_LENGTH + 1024;

/** The relay of a meeting over the client API of the person's own bridge, wherever the meeting lives. */
export function createBridgeRelay(api: BridgeApi, { iss, group }: MeetingRef): MeetingRelay {
  const meeting = { iss, group };
  return {
    state: () => api.post('/v1/meetings/state', meeting, meetingStateSchema),
    async rekey(message) {
      await api.post('/v1/meetings/rekeys', message, relayedSchema);
    },
    async present(evidence) {
      await api.post('/v1/meetings/presence', { ...meeting, ...evidence }, relayedSchema);
    },
    async renew(renewal) {
      const path = '/v1/meetings/presence/renewals';
      return (await api.post(path, { ...meeting, renewal }, presenceRenewedSchema)).expires;
    },
    leave: () => api.act('POST', '/v1/meetings/leave', meeting),
    members: (after) =>
      api.post(
        '/v1/meetings/members',
        { ...meeting, ...(after === undefined ? {} : { after }) },
        meetingMembersSchema,
      ),
    roster: (devices) => api.post('/v1/meetings/roster', { ...meeting, devices }, meetingRosterSchema),
    async *stream(since, signal) {
      const body = JSON.stringify({ ...meeting, since });
      const stream = await api.stream('/v1/meetings/stream', body, signal);
      const options = { silenceMs: SILENCE_MS, longestLine: LONGEST_EVENT };
      for await (const streamed of readEventStream(stream, options)) {
        const event = parseEvent(streamed);
        if (event !== null) yield event;
      }
    },
  };
}

/** Null for what this version does not know, and needs not. Throws `bridge_invalid`. */
function parseEvent({ event, data, id }: StreamedEvent): RelayEvent | null {
  if (data === null) return { event: 'place', seq: seqOf(id) };
  const of = <Body>(schema: z.ZodMiniType<Body>) => ({ seq: seqOf(id), ...parseAnswer(data, schema) });
  switch (event) {
    case 'rekey':
      return { event, ...of(rekeyEventSchema) };
    case 'placement':
      return { event, ...of(placementEventSchema) };
    case 'presence':
      return { event, ...of(presenceEventSchema) };
    case 'left':
      return { event, ...of(leftEventSchema) };
    case 'group':
    case 'ended':
      return { event, ...of(emptyEventSchema) };
    default:
      return null;
  }
}

function seqOf(id: string | null): number {
  const seq = id !== null && /^[0-9]{1,15}$/.test(id) ? Number(id) : null;
  if (seq === null) throw new CountersignError('bridge_invalid', 'an event of a meeting has no number');
  return seq;
}
