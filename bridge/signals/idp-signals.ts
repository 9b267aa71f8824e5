import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { SIGNAL_LIFE } from '../../protocol/partner-signal.ts';
import type { EventLog } from '../events/event-log.ts';
import { ReportedRefusal } from '../events/reported-refusal.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { equalSecrets } from '../lib/ids.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Lifecycle, RestrictionsWithin } from '../lifecycle/lifecycle.ts';
import type { Database, Transaction } from '../storage/database.ts';
import { consumeOnce } from '../storage/one-time.ts';
import { namedEvent } from './event-uris.ts';
import { type IdpToken, verifyIdpToken } from './idp-token.ts';
import type { KeySets } from './key-sets.ts';
import { type IntendedEffect, intendedEffect } from './signal-effect.ts';
import { personOf } from './signal-subject.ts';
import type { SignalEffect, Transmitter } from './transmitter.ts';
import { findTransmitter, noteSignal } from './transmitter-store.ts';

export interface IdpSignalsDeps {
  readonly database: Database;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly keySets: Pick<KeySets, 'of'>;
  readonly lifecycle: Pick<Lifecycle, 'within'>;
}

/** Signals of the company's identity providers: CAEP and RISC events that take something from a person here. */
export interface IdpSignals {
  /**
   * Takes one that was pushed to the address of a connection. When this resolves, all that it takes away is gone. One that
   * was taken before changes nothing and is taken again. Throws `unauthenticated`, `set_subject` and what `verifyIdpToken`
   * throws.
   */
  take(
    pushed: { connection: string; authorization: string | undefined; token: string },
    context: RequestContext,
  ): Promise<void>;
}

type Done = IntendedEffect | 'nobody';

export function createIdpSignals(deps: IdpSignalsDeps): IdpSignals {
  const { database, clock, events, lifecycle } = deps;

  /** Says the same of a connection that has no transmitter: nobody learns which ones have. */
  async function authenticate(connection: string, authorization: string | undefined): Promise<Transmitter> {
    const shown = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1];
    const transmitter = await database.read((query) => findTransmitter(query, connection));
    if (shown === undefined || transmitter === undefined) throw new CountersignError('unauthenticated');
    const { token_hash: expected, ...known } = transmitter;
    if (!equalSecrets(sha256Base64url(shown), expected)) throw new CountersignError('unauthenticated');
    return known;
  }

  async function act(
    tx: Transaction,
    transmitter: Transmitter,
    token: IdpToken,
    context: RequestContext,
  ): Promise<{ effect: Done; sub?: string }> {
    const effect = intendedEffect(token, transmitter);
    if (effect === 'verified' || effect === 'none') return { effect };
    const sub = await personOf(tx, token.subject, transmitter);
    if (sub === undefined) return { effect: 'nobody' };
    await perform(lifecycle.within(tx), { effect, sub, reason: reasonOf(token) }, context);
    return { effect, sub };
  }

  async function store(transmitter: Transmitter, token: IdpToken, context: RequestContext): Promise<void> {
    const { connection, issuer } = transmitter;
    const { jti, iat, txn, event, said } = token;
    await database.transaction(async (tx) => {
      await consumeOnce(
        tx,
        'idp-signal',
        sha256Base64url(`${connection} ${jti}`),
        (iat + SIGNAL_LIFE) * 1000,
      );
      const { effect, sub } = await act(tx, transmitter, token, context);
      await noteSignal(tx, connection, seconds(clock));
      await events.append(tx, {
        ...{ type: 'signal.received', actor: context.actor, requestId: context.requestId },
        subject: { connection, ...(sub === undefined ? {} : { sub }) },
        outcome: 'success',
        data: {
          ...{ issuer, jti, effect, ...namedEvent(event) },
          ...(txn === undefined ? {} : { txn }),
          ...(typeof said.event_timestamp === 'number' ? { event_time: said.event_timestamp } : {}),
          ...saidReason(said),
        },
      });
    });
  }

  return {
    async take({ connection, authorization, token }, { requestId, actor: { address } }) {
      const transmitter = await authenticate(connection, authorization);
      const actor = { kind: 'system' as const, ...(address === undefined ? {} : { address }) };
      try {
        const verified = await verifyIdpToken(
          token,
          transmitter,
          deps.keySets.of(transmitter.jwks_uri),
          seconds(clock),
        );
        await store(transmitter, verified, { requestId, actor });
      } catch (error) {
        if (isCountersignError(error, 'replayed')) return;
        throw asRefusedSignal(error, transmitter);
      }
    },
  };
}

async function perform(
  within: RestrictionsWithin,
  { effect, sub, reason }: { effect: SignalEffect; sub: string; reason: string },
  context: RequestContext,
): Promise<void> {
  switch (effect) {
    case 'close':
      await within.closePerson(sub, reason, context);
      return;
    case 'reset':
      // There is nothing more to take from a closed person.
      await within.resetPerson(sub, reason, context).catch((error: unknown) => {
        if (!isCountersignError(error, 'person_closed')) throw error;
      });
      return;
    case 'sign-out':
      await within.signOutPerson(sub, reason, context);
      return;
    case 'report':
      return;
    default:
      effect satisfies never;
  }
}

/** What the person's own events name: the last part of the event's URI is one of those that are handled. */
function reasonOf({ event }: IdpToken): string {
  return `${event.slice(event.lastIndexOf('/') + 1)}, by the identity provider`;
}

/** CAEP §2: `reason_admin` by language; the first is as good as any. */
function saidReason({ reason_admin: reason }: IdpToken['said']): { reason?: string } {
  const text = typeof reason === 'object' && reason !== null ? Object.values(reason)[0] : reason;
  return typeof text === 'string' ? { reason: text } : {};
}

function asRefusedSignal(error: unknown, { connection, issuer }: Transmitter): unknown {
  if (!isCountersignError(error)) return error;
  const event = {
    type: 'signal.refused' as const,
    subject: { connection },
    data: { claimed_issuer: issuer },
  };
  const cause = new ReportedRefusal(event, error);
  const wait = error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter };
  return new CountersignError(error.code, error.detail, { cause, ...wait });
}
