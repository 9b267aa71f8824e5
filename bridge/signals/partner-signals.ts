import * as z from 'zod';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import {
  partnerSignalSchema,
  type ReadPartnerSignal,
  SIGNAL_LIFE,
  verifyPartnerSignal,
} from '../../protocol/partner-signal.ts';
import type { EventLog } from '../events/event-log.ts';
import { ReportedRefusal } from '../events/reported-refusal.ts';
import type { AnswerCache } from '../federation/answer-cache.ts';
import { noteForeignChange, purgeForeignChanges } from '../federation/foreign-changes.ts';
import type { Partner } from '../federation/partner-store.ts';
import type { VerifyByPartner } from '../federation/signed-by-partner.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { FOREIGN_CHANGE_LIFE_S } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database } from '../storage/database.ts';
import { consumeOnce } from '../storage/one-time.ts';
import { namedEvent } from './event-uris.ts';
import { changeOf } from './signalled-change.ts';

export interface PartnerSignalsDeps {
  readonly signer: Pick<Signer, 'iss'>;
  readonly database: Database;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly verifyByPartner: VerifyByPartner;
  readonly answers: Pick<AnswerCache, 'forget'>;
}

/** Signals of partners about their people (PROTOCOL §5: a look-up's cache life is cut short by a partner's push). */
export interface PartnerSignals {
  /**
   * Takes one: what the partner said of the address is forgotten by every replica, and who watches the address is told,
   * when this resolves. One that was taken before changes nothing and is taken again (RFC 8935: senders repeat). Throws
   * `partner_unknown`, `partner_suspended` and what `verifyPartnerSignal` throws.
   */
  take(token: string, context: RequestContext): Promise<void>;
  /** Forgets old changes; answers how many. */
  purge(): Promise<number>;
}

export function createPartnerSignals(deps: PartnerSignalsDeps): PartnerSignals {
  const { signer, database, clock, events } = deps;

  async function verify(token: string): Promise<{ partner: Partner; verified: ReadPartnerSignal }> {
    const { iss } = decodeClaims(token, 'secevent+jwt', partnerSignalSchema);
    return deps.verifyByPartner(iss, (partner, onlineKeys, now) =>
      verifyPartnerSignal(token, { onlineKeys, domains: partner.domains }, signer.iss, now),
    );
  }

  async function store(partner: Partner, signal: ReadPartnerSignal, context: RequestContext): Promise<void> {
    const { claims, address, event, said } = signal;
    const change = changeOf(event, said);
    await database.transaction(async (tx) => {
      const id = sha256Base64url(`${partner.entity_id} ${claims.jti}`);
      await consumeOnce(tx, 'partner-signal', id, (claims.iat + SIGNAL_LIFE) * 1000);
      const noted = seconds(clock);
      await noteForeignChange(tx, { address, partner: partner.entity_id, reason: change, noted });
      await events.append(tx, {
        type: 'signal.received',
        actor: { ...addressOf(context), kind: 'partner', iss: partner.entity_id },
        subject: { partner: partner.entity_id, address },
        outcome: 'success',
        requestId: context.requestId,
        data: {
          ...{ issuer: claims.iss, jti: claims.jti, txn: claims.txn, ...namedEvent(event) },
          ...{ effect: 'forgotten', change, ...eventTime(said) },
        },
      });
    });
  }

  return {
    async take(token, context) {
      const { partner, verified } = await verify(token).catch((error: unknown) => {
        throw asRefusedSignal(error, token);
      });
      // First, and again for one that comes again: nothing is lost by asking a partner once more.
      await deps.answers.forget(partner, verified.address);
      try {
        await store(partner, verified, context);
      } catch (error) {
        if (!isCountersignError(error, 'replayed')) throw error;
      }
    },

    purge: () =>
      database.transaction((tx) => purgeForeignChanges(tx, seconds(clock) - FOREIGN_CHANGE_LIFE_S)),
  };
}

function addressOf({ actor }: RequestContext): { address?: string } {
  return actor.address === undefined ? {} : { address: actor.address };
}

const timed = z.looseObject({ event_timestamp: z.int().nonnegative() });

/** CAEP §2: when it happened, seconds. */
function eventTime(said: Readonly<Record<string, unknown>>): { event_time?: number } {
  const parsed = timed.safeParse(said);
  return parsed.success ? { event_time: parsed.data.event_timestamp } : {};
}

/** The same error, reported as a refused signal: with what the token says of itself, which nobody has shown. */
function asRefusedSignal(error: unknown, token: string): unknown {
  if (!isCountersignError(error)) return error;
  const data = claimed(token);
  return new CountersignError(error.code, error.detail, {
    cause: new ReportedRefusal({ type: 'signal.refused', data }, error),
    ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter }),
  });
}

function claimed(token: string): { claimed_issuer?: string; jti?: string } {
  try {
    const { iss, jti } = decodeClaims(token, 'secevent+jwt', partnerSignalSchema);
    return { claimed_issuer: iss, jti };
  } catch {
    return {};
  }
}
