import type * as z from 'zod/mini';
import type { BridgeResponseEnvelope } from '../../protocol/bridge-request.ts';
import type { Json } from '../../protocol/canonical-json.ts';
import { CountersignError, type ErrorCode, isCountersignError } from '../../protocol/errors.ts';
import { VIA_GROUPS } from '../../protocol/groups/api.ts';
import type {
  MeetingMembers,
  MeetingRoster,
  MeetingState,
  PresenceEvidence,
} from '../../protocol/meetings/api.ts';
import { meetingBridgeResponses, type RelayedMessage } from '../../protocol/meetings/federation.ts';
import { answerOf, type BridgeCalls } from '../federation/bridge-calls.ts';
import { durableGroupsOf } from '../groups/opening-path.ts';
import { MEETING_LONG_POLL_MS, MEETING_RESPONSE_BYTES, PARTNER_TIMEOUT_MS } from '../lib/limits.ts';
import type { Database } from '../storage/database.ts';
import type { RenewedEvidence } from './presence-renewals.ts';
import type { MeetingName } from './rechecks.ts';
import type { RelayMessage, RelayPage } from './relay-message.ts';

/** Where every bridge takes `meeting-request+jwt`, below its entity id. */
export const MEETINGS_PATH = '/federation/v1/meetings';

/** What a meeting's home says of people of ours. */
export interface ForeignAdmission {
  readonly admitted: ReadonlySet<string>;
  /** The newest message; those up to `pruned` are not kept any more. */
  readonly head: number;
  readonly pruned: number;
}

/**
 * Asks a partner about a meeting that it keeps, for people of ours: which durable groups of ours they are in is read for
 * each question. All throw the partner codes, and what the home says: `group_unknown`, `group_ended`, `group_excluded`,
 * `presence_mismatch`, `meeting_missed`, `rate_limited`, `overloaded`.
 */
export interface ForeignCalls {
  state(meeting: MeetingName, sub: string): Promise<MeetingState>;
  members(meeting: MeetingName, sub: string, after: number | undefined): Promise<MeetingMembers>;
  roster(meeting: MeetingName, sub: string, devices: readonly string[]): Promise<MeetingRoster>;
  present(meeting: MeetingName, device: ForeignDevice, evidence: PresenceEvidence): Promise<number>;
  renew(meeting: MeetingName, device: ForeignDevice, evidence: RenewedEvidence): Promise<void>;
  leave(
    meeting: MeetingName,
    deviceId: string,
    reason: 'left' | 'revoked',
    signal?: AbortSignal,
  ): Promise<void>;
  admit(meeting: MeetingName, subs: readonly string[]): Promise<ForeignAdmission>;
  poll(
    meeting: MeetingName,
    sub: string,
    from: { readonly after: number; readonly wait: boolean; readonly signal: AbortSignal },
  ): Promise<RelayPage>;
}

export interface ForeignDevice {
  readonly sub: string;
  readonly deviceId: string;
}

const REFUSALS: readonly ErrorCode[] = [
  ...(['group_unknown', 'group_ended', 'group_excluded', 'forbidden', 'presence_mismatch'] as const),
  ...(['meeting_missed', 'rate_limited'] as const),
];

/** Whether the home itself said no: what it was asked has not happened. */
export function isRefusal(error: unknown): boolean {
  return isCountersignError(error) && REFUSALS.includes(error.code);
}

export function createForeignCalls(deps: {
  readonly iss: string;
  readonly database: Database;
  readonly calls: Pick<BridgeCalls, 'askBridge'>;
}): ForeignCalls {
  const { iss, database } = deps;

  async function ask<Answer extends BridgeResponseEnvelope>(
    { home, group }: MeetingName,
    claims: Readonly<Record<string, Json | undefined>>,
    schema: z.ZodMiniType<Answer>,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Answer> {
    const { answer } = await deps.calls.askBridge(home, {
      type: 'meeting-request+jwt',
      endpoint: ({ entity_id }) => `${entity_id}${MEETINGS_PATH}`,
      claims: { group, ...claims },
      maxBytes: MEETING_RESPONSE_BYTES,
      refusals: REFUSALS,
      verify: answerOf('meeting-response+jwt', schema),
      ...options,
    });
    return answer;
  }

  async function onBehalf(sub: string): Promise<{ sub: string; via: string[] }> {
    const groups = await database.read((query) => durableGroupsOf(query, { iss, sub }, VIA_GROUPS));
    return { sub, via: groups.map(({ group_id }) => group_id) };
  }

  return {
    async state(meeting, sub) {
      const claims = { act: 'state', ...(await onBehalf(sub)) };
      return (await ask(meeting, claims, meetingBridgeResponses.state)).state;
    },

    async members(meeting, sub, after) {
      const claims = { act: 'members', ...(await onBehalf(sub)), ...(after === undefined ? {} : { after }) };
      return (await ask(meeting, claims, meetingBridgeResponses.members)).members;
    },

    async roster(meeting, sub, devices) {
      const claims = { act: 'roster', ...(await onBehalf(sub)), devices };
      return (await ask(meeting, claims, meetingBridgeResponses.roster)).roster;
    },

    async present(meeting, { sub, deviceId }, evidence) {
      const claims = {
        ...{ act: 'present', ...(await onBehalf(sub)), device_id: deviceId },
        evidence: evidence as unknown as Json,
      };
      return (await ask(meeting, claims, meetingBridgeResponses.present)).seq;
    },

    async renew(meeting, { sub, deviceId }, evidence) {
      const claims = {
        ...{ act: 'renew', ...(await onBehalf(sub)), device_id: deviceId },
        evidence: evidence as unknown as Json,
      };
      await ask(meeting, claims, meetingBridgeResponses.renew);
    },

    async leave(meeting, deviceId, reason, signal) {
      const claims = { act: 'leave', device_id: deviceId, reason };
      await ask(meeting, claims, meetingBridgeResponses.leave, { signal });
    },

    async admit(meeting, subs) {
      const people = await Promise.all(subs.map(onBehalf));
      const { admitted, seq, pruned } = await ask(
        meeting,
        { act: 'admit', people },
        meetingBridgeResponses.admit,
      );
      return { admitted: new Set(admitted), head: seq, pruned };
    },

    async poll(meeting, sub, { after, wait, signal }) {
      const claims = { act: 'poll', ...(await onBehalf(sub)), after, wait };
      const timeoutMs = PARTNER_TIMEOUT_MS + (wait ? MEETING_LONG_POLL_MS : 0);
      const { messages, through } = await ask(meeting, claims, meetingBridgeResponses.poll, {
        ...{ timeoutMs, signal },
      });
      assertInOrder(messages, after, through);
      return { messages: messages.map((message) => received(message, iss)), through };
    },
  };
}

function assertInOrder(messages: readonly RelayedMessage[], after: number, through: number): void {
  const places = [after, ...messages.map(({ seq }) => seq)];
  const inOrder = places.every((seq, index) => index === 0 || seq > (places[index - 1] ?? seq));
  if (!inOrder || through < (places.at(-1) ?? after)) {
    throw new CountersignError('partner_lying', 'The messages of the meeting are not in order.');
  }
}

/** What a partner says is for or about our people alone. */
function received(message: RelayedMessage, iss: string): RelayMessage {
  const { kind, seq } = message;
  const body = JSON.stringify(message.body);
  if (message.kind === 'placement') return { kind, seq, iss, deviceId: message.device_id, body };
  if (message.kind === 'left') return { kind, seq, iss, deviceId: message.body.device_id, body };
  return { kind, seq, iss: null, deviceId: null, body };
}
