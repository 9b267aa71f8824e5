import { parseAddress } from '../protocol/address.ts';
import { type WatchBody, watchedChangeSchema, watchReadySchema } from '../protocol/api.ts';
import { CountersignError, type ErrorCode, isCountersignError } from '../protocol/errors.ts';
import { LOOK_UP_ADDRESSES } from '../protocol/look-up.ts';
import { parseAnswer } from './bridge-api.ts';
import type { WatchedAddress } from './client.ts';
import { readEventStream } from './event-stream.ts';
import type { ClientParts } from './own-account.ts';
import { pause } from './waiting.ts';

/** The bridge is heard from every 15 s at least. */
export const SILENCE_MS = 45_000;

/** What may pass by itself: the watch goes on when it has. */
export const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'bridge_unreachable',
  'unavailable',
  'rate_limited',
  'storage_busy',
  'policy_unavailable',
]);

/**
 * Tells which addresses should be looked up again, until the signal is aborted. A stream that ends (each does after some
 * minutes) is taken up again where it was, so that nothing in between is missed.
 */
export async function* watch(
  parts: ClientParts,
  addresses: readonly string[],
  { signal }: { signal?: AbortSignal } = {},
): AsyncGenerator<WatchedAddress, void> {
  const asked = [...new Set(addresses.map((text) => parseAddress(text).address))];
  if (asked.length === 0 || asked.length > LOOK_UP_ADDRESSES) {
    throw new CountersignError('malformed_request', `between 1 and ${LOOK_UP_ADDRESSES} addresses`);
  }
  const { firstMs, longestMs } = parts.context.polling;
  const stop = signal ?? new AbortController().signal;
  let since: number | undefined;
  let pauseMs = firstMs;
  while (!stop.aborted) {
    try {
      const body: WatchBody = { addresses: asked, ...(since === undefined ? {} : { since }) };
      for await (const { asOf, change } of oneStream(parts, body, stop)) {
        since = asOf;
        pauseMs = firstMs;
        if (change !== null) yield change;
      }
    } catch (error) {
      if (stop.aborted) return;
      if (!isCountersignError(error) || !PASSING.has(error.code)) throw error;
      pauseMs = Math.min(pauseMs * 2, Math.max(longestMs, LONGEST_PAUSE_MS));
    }
    await pause(pauseMs, stop).catch(() => undefined);
  }
}

const LONGEST_PAUSE_MS = 30_000;

async function* oneStream(
  { api }: ClientParts,
  body: WatchBody,
  signal: AbortSignal,
): AsyncGenerator<{ asOf: number; change: WatchedAddress | null }, void> {
  const stream = await api.stream('/v1/watch', JSON.stringify(body), signal);
  const watched = new Set(body.addresses);
  for await (const { event, data } of readEventStream(stream, { silenceMs: SILENCE_MS })) {
    if (signal.aborted) return;
    if (data === null) continue;
    if (event === 'ready') yield { asOf: parseAnswer(data, watchReadySchema).as_of, change: null };
    if (event !== 'changed') continue;
    const { address, reason, as_of: asOf } = parseAnswer(data, watchedChangeSchema);
    if (watched.has(address)) yield { asOf, change: { address, reason } };
  }
}
