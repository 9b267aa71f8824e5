import { CountersignError } from '../../protocol/errors.ts';
import type { EventLog } from '../events/event-log.ts';
import { withTimeLimit } from '../lib/abortable.ts';
import type { Bell } from '../lib/bell.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { SIGNAL_LONG_POLL_MS, SIGNAL_POLL_MS, SIGNAL_POLL_SETS } from '../lib/limits.ts';
import type { Database } from '../storage/database.ts';
import type { Destinations } from './destinations.ts';
import { givenUp } from './given-up.ts';
import { deleteSignals, nextSignals, settleQueue } from './queue-store.ts';
import type { Receiver } from './receiver.ts';
import type { QueuedSignal } from './signal.ts';
import { createSignedTokens } from './signed-tokens.ts';
import type { PollRequest } from './stream-input.ts';
import type { Streams } from './streams.ts';

/** RFC 8936 §2.3. */
export interface PollAnswer {
  readonly sets: { readonly [jti: string]: string };
  readonly moreAvailable?: true;
}

/**
 * Answers a receiver that fetches its signals (RFC 8936): the oldest that it has not acknowledged, the same ones again until
 * it has. What it reports as an error is given up, and an event says so. A newer poll of a stream ends the one that is held
 * open. Throws `stream_unknown`, `malformed_request` (the stream is pushed).
 */
export type Poll = (
  receiver: Receiver,
  stream: string,
  request: PollRequest,
  signal: AbortSignal,
) => Promise<PollAnswer>;

export function createPolls(deps: {
  readonly database: Database;
  readonly events: Pick<EventLog, 'record'>;
  readonly clock: Clock;
  readonly streams: Pick<Streams, 'get'>;
  readonly destinations: Pick<Destinations, 'signForReceiver'>;
  readonly queued: Bell;
}): { readonly poll: Poll /** Answers those that are held open. */; stop(): void } {
  const { database, clock } = deps;
  const stopping = new AbortController();
  const held = new Map<string, AbortController>();
  const signedOnce = createSignedTokens(deps);

  async function settle(stream: string, { ack, setErrs }: PollRequest): Promise<void> {
    const refused = Object.entries(setErrs);
    if (ack.length === 0 && refused.length === 0) return;
    const signals = await database.transaction(async (tx) => {
      const sent = await deleteSignals(tx, stream, ack);
      const given = await deleteSignals(
        tx,
        stream,
        refused.map(([jti]) => jti),
      );
      await settleQueue(tx, stream, { done: [], sent, givenUp: given, fault: undefined }, seconds(clock));
      return given;
    });
    if (signals === 0) return;
    const [[, { err, description }] = ['', { err: '', description: '' }]] = refused;
    const detail = `${err} ${description}`
      .toWellFormed()
      .replace(/\p{Cc}+/gu, ' ')
      .trim();
    await deps.events.record(givenUp(stream, { signals, detail }));
  }

  async function waiting(receiver: Receiver, stream: string, limit: number): Promise<QueuedSignal[]> {
    const { status } = await deps.streams.get(receiver, stream);
    if (status !== 'enabled') return [];
    return database.read((query) => nextSignals(query, stream, limit));
  }

  /** Signals, or nothing when the time is over. */
  async function waitFor(
    receiver: Receiver,
    stream: string,
    limit: number,
    signal: AbortSignal,
  ): Promise<QueuedSignal[]> {
    const ending = new AbortController();
    held.get(stream)?.abort();
    held.set(stream, ending);
    try {
      return await withTimeLimit(
        SIGNAL_LONG_POLL_MS,
        [signal, stopping.signal, ending.signal],
        async (ended) => {
          for (;;) {
            const heard = deps.queued.rings;
            const found = await waiting(receiver, stream, limit);
            if (found.length > 0 || ended.aborted) return found;
            await deps.queued.wait(heard, SIGNAL_POLL_MS, ended);
          }
        },
      );
    } finally {
      if (held.get(stream) === ending) held.delete(stream);
    }
  }

  const poll: Poll = async (receiver, id, request, signal) => {
    const { method } = await deps.streams.get(receiver, id);
    if (method !== 'poll') throw new CountersignError('malformed_request', 'This stream is pushed.');
    await settle(id, request);
    const most = Math.min(request.maxEvents ?? SIGNAL_POLL_SETS, SIGNAL_POLL_SETS);
    if (most === 0) return { sets: {} };
    const found = request.returnImmediately
      ? await waiting(receiver, id, most + 1)
      : await waitFor(receiver, id, most + 1, signal);
    const sets: [string, string][] = [];
    for (const each of found.slice(0, most)) {
      const sign = () => deps.destinations.signForReceiver(receiver.audience, each);
      sets.push([each.jti, await signedOnce(each.jti, sign)]);
    }
    return { sets: Object.fromEntries(sets), ...(found.length > most ? { moreAvailable: true } : {}) };
  };

  return { poll, stop: () => stopping.abort() };
}
