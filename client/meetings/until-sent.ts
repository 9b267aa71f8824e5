import { pause } from '../waiting.ts';
import { mayPass } from './may-pass.ts';
import type { Session } from './session.ts';

/**
 * Sends again, with growing pauses, while the bridge cannot be reached. Throws what does not pass by itself, and `aborted`
 * when this device's part in the meeting is over.
 */
export async function untilSent<Result>(
  { parts, events, closing }: Pick<Session, 'parts' | 'events' | 'closing'>,
  send: () => Promise<Result>,
): Promise<Result> {
  const { firstMs, longestMs } = parts.context.polling;
  for (let pauseMs = firstMs; ; pauseMs = Math.min(pauseMs * 2, longestMs)) {
    try {
      return await send();
    } catch (error) {
      if (!mayPass(error)) throw error;
      events.push({ type: 'reconnecting', code: error.code });
      await pause(pauseMs, closing);
    }
  }
}
