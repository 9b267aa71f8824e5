import type * as z from 'zod/mini';
import {
  type AskedRequest,
  type BridgeResponseEnvelope,
  requestEnvelopeOf,
  verifyBridgeResponse,
} from '../../protocol/bridge-request.ts';
import {
  CountersignError,
  type ErrorCode,
  isCountersignError,
  parseErrorCode,
} from '../../protocol/errors.ts';
import type { ObjectType } from '../../protocol/jws.ts';
import { type OnlineKeys, verifyOnlineKeys } from '../../protocol/online-keys.ts';
import type { EventLog } from '../events/event-log.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { newId } from '../lib/ids.ts';
import { PARTNER_RETRY_MAX_S, PARTNER_TIMEOUT_MS } from '../lib/limits.ts';
import type { Outbound, OutboundResponse } from '../lib/outbound.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database } from '../storage/database.ts';
import { asPartnerFault, isMisbehaviour } from './partner-faults.ts';
import { findPartner, type Partner } from './partner-store.ts';
import type { Partners } from './partners.ts';

/** One signed question to another bridge (PROTOCOL §6). */
export interface BridgeQuestion<Answer> {
  readonly type: ObjectType;
  /** Where it takes it: below the entity id, or an endpoint of its entity configuration. */
  readonly endpoint: (partner: Partner) => string;
  /** The request's members beside those of the envelope. */
  readonly claims: object;
  /** Bytes of the answer. */
  readonly maxBytes: number;
  /** Milliseconds; PARTNER_TIMEOUT_MS unless said otherwise. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Codes with which the partner may refuse, which mean the same to whoever asked us. Others become `partner_refuses`. */
  readonly refusals?: readonly ErrorCode[];
  /** Verifies the answer under the partner's online keys, by `answerOf` for most. */
  verify(token: string, keys: OnlineKeys, asked: AskedRequest, now: number): Promise<Answer>;
}

export interface BridgeAnswer<Answer> {
  readonly answer: Answer;
  /** The partner as it stood when its answer was verified. */
  readonly partner: Partner;
}

export interface BridgeCalls {
  /**
   * Asks an active partner. Throws one of the partner codes (partner-faults.ts), `overloaded` where the partner says
   * that it is, `aborted`, and the question's `refusals`. What the answer says is still to be held against what was asked.
   */
  ask<Answer>(partner: Partner, question: BridgeQuestion<Answer>): Promise<BridgeAnswer<Answer>>;
  /** The same by entity id; what a partner does that it must not is an event. Throws also `partner_unknown`, `partner_suspended`. */
  askBridge<Answer>(entityId: string, question: BridgeQuestion<Answer>): Promise<BridgeAnswer<Answer>>;
}

/** What of `BridgeQuestion` verifies an answer of this type. */
export function answerOf<Answer extends BridgeResponseEnvelope>(
  type: ObjectType,
  schema: z.ZodMiniType<Answer>,
): BridgeQuestion<Answer>['verify'] {
  return (token, keys, asked, now) => verifyBridgeResponse(token, type, schema, keys, asked, now);
}

export function createBridgeCalls(deps: {
  readonly signer: Signer;
  readonly outbound: Outbound;
  readonly partners: Pick<Partners, 'refreshUnlessRecent'>;
  readonly database: Database;
  readonly events: Pick<EventLog, 'record'>;
  readonly clock: Clock;
}): BridgeCalls {
  const { signer, clock, database } = deps;

  async function ask<Answer>(
    partner: Partner,
    question: BridgeQuestion<Answer>,
  ): Promise<BridgeAnswer<Answer>> {
    const current = await usable(partner);
    const parties = { iss: signer.iss, aud: current.entity_id, jti: newId() };
    const envelope = requestEnvelopeOf(parties, seconds(clock));
    const request = await signer.sign('federation', question.type, { ...question.claims, ...envelope });
    const asked = { aud: signer.iss, jti: envelope.jti, requestHash: sha256Base64url(request) };
    try {
      const token = await post(current, question, request);
      return await verifyUnderCurrentKeys(current, token, asked, question);
    } catch (error) {
      if (error instanceof PartnerRefusal) throw error.refusal;
      if (question.signal?.aborted === true)
        throw new CountersignError('aborted', undefined, { cause: error });
      throw asPartnerFault(error);
    }
  }

  /** A partner whose keys or configuration ran out is read again once; if it stays so, it fails closed. */
  async function usable(partner: Partner): Promise<Partner> {
    assertActive(partner);
    if (seconds(clock) < partner.expires) return partner;
    const refreshed = await refresh(partner);
    if (seconds(clock) >= refreshed.expires) throw new CountersignError('partner_expired');
    return refreshed;
  }

  async function refresh({ entity_id }: Partner): Promise<Partner> {
    const refreshed = await deps.partners.refreshUnlessRecent(entity_id);
    assertActive(refreshed);
    return refreshed;
  }

  async function post(partner: Partner, question: BridgeQuestion<unknown>, request: string): Promise<string> {
    const response = await deps.outbound.request(question.endpoint(partner), {
      method: 'POST',
      headers: { 'content-type': `application/${question.type}` },
      body: request,
      timeoutMs: question.timeoutMs ?? PARTNER_TIMEOUT_MS,
      maxBytes: question.maxBytes,
      ...(question.signal === undefined ? {} : { signal: question.signal }),
    });
    if (response.status !== 200) throw refusalOf(response, question.refusals ?? []);
    return new TextDecoder().decode(response.body).trim();
  }

  /** A response by a key that we do not know yet: the partner may have rotated. Read it again once, then decide. */
  async function verifyUnderCurrentKeys<Answer>(
    partner: Partner,
    token: string,
    asked: AskedRequest,
    question: BridgeQuestion<Answer>,
  ): Promise<BridgeAnswer<Answer>> {
    try {
      return { answer: await verifyUnder(partner, token, asked, question), partner };
    } catch (error) {
      if (!isCountersignError(error, 'jws_unknown_key')) throw error;
      const refreshed = await refresh(partner);
      return { answer: await verifyUnder(refreshed, token, asked, question), partner: refreshed };
    }
  }

  async function verifyUnder<Answer>(
    partner: Partner,
    token: string,
    asked: AskedRequest,
    question: BridgeQuestion<Answer>,
  ): Promise<Answer> {
    const now = seconds(clock);
    return question.verify(token, await pinnedKeys(partner, now), asked, now);
  }

  async function recordFault(partner: string, operation: string, fault: CountersignError): Promise<void> {
    const detail = isCountersignError(fault.cause) ? { detail: fault.cause.code } : {};
    await deps.events.record({
      type: 'partner.fault',
      actor: { kind: 'system' },
      subject: { partner },
      outcome: 'failure',
      code: fault.code,
      data: { operation, ...detail },
    });
  }

  return {
    ask,
    async askBridge(entityId, question) {
      const partner = await database.read((query) => findPartner(query, entityId));
      if (partner === undefined || partner.status === 'removed')
        throw new CountersignError('partner_unknown');
      try {
        return await ask(partner, question);
      } catch (error) {
        if (isCountersignError(error) && isMisbehaviour(error.code)) {
          await recordFault(entityId, question.type, error);
        }
        throw error;
      }
    },
  };
}

/** The online keys of a partner, under its pinned root. Throws what verifying them throws. */
export function pinnedKeys(partner: Partner, now: number): Promise<OnlineKeys> {
  const pin = {
    iss: partner.entity_id,
    rootThumbprint: partner.root_thumbprint,
    leastSerial: partner.serial,
  };
  return verifyOnlineKeys(partner.online_keys, pin, now);
}

function assertActive({ status, reason }: Partner): void {
  if (status !== 'active') throw new CountersignError('partner_suspended', reason ?? undefined);
}

/** What whoever asked us is to be told as it is, and not as a fault of the partner. */
class PartnerRefusal extends Error {
  readonly refusal: CountersignError;

  constructor(refusal: CountersignError) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** An answer that is none: the partner's word in clear, which it could as well have signed. */
function refusalOf({ status, headers, body }: OutboundResponse, refusals: readonly ErrorCode[]): Error {
  const code = problemCode(body);
  if (code === 'overloaded' || code === 'rate_limited') {
    const wait = Number(headers.get('retry-after'));
    const retryAfter = Number.isFinite(wait) ? Math.min(Math.max(1, wait), PARTNER_RETRY_MAX_S) : 1;
    return new PartnerRefusal(
      new CountersignError('overloaded', 'The partner’s bridge is busy.', { retryAfter }),
    );
  }
  if (code !== undefined && refusals.includes(code)) {
    return new PartnerRefusal(new CountersignError(code, 'The partner’s bridge says so.'));
  }
  return new CountersignError(
    status >= 500 ? 'partner_unreachable' : 'partner_refuses',
    `It answers with status ${status}${code === undefined ? '' : ` (${code})`}.`,
  );
}

function problemCode(body: Uint8Array): ErrorCode | undefined {
  try {
    const problem: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof problem !== 'object' || problem === null || !('code' in problem)) return undefined;
    return parseErrorCode(problem.code);
  } catch {
    return undefined;
  }
}
