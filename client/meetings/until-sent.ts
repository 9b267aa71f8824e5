import type { ClientContext } from '../context.ts';
import { pause } from '../waiting.ts';
import type { Feed } from './feed.ts';
import { mayPass } from './may-pass.ts';
import type { MeetingEvent } from './meeting.ts';

/** What of a meeting whoever sends needs. */
export interface Sending {
  readonly parts: { readonly context: Pick<ClientContext, 'polling'> };
  readonly events: Pick<Feed<MeetingEvent>, 'push'>;
  /** Aborted when this device's part in the meeting is over. */
  readonly closing: AbortSignal;
}

/**
 * Sends again, with growing pauses, while the bridge cannot be reached: not all at the same moments, since everybody in a
 * meeting hears of a change at once. Throws what does not pass by itself, and `aborted`
 * when this device's part in the meeting is over.
 */
export async function untilSent<Result>(
  { parts, events, closing }: Sending,
  send: () => Promise<Result>,
): Promise<Result> {
  const { firstMs, longestMs } = parts.context.polling;
  for (let pauseMs = firstMs; ; pauseMs = Math.min(pauseMs * 2, longestMs)) {
    try {
      return await send();
    } catch (error) {
      if (!mayPass(error)) throw error;
      events.push({ type: 'reconnecting', code: error.code });
      await pause(pauseMs * (0.5 + Math.random()), closing);
    }
  }
}
