import { isCountersignError } from '../../protocol/errors.ts';

/**
 * Sends, and once more if no answer came: it may be done or not. Only for what a bridge answers the second time as it did
 * the first.
 */
export async function sentAgain<Answer>(send: () => Promise<Answer>): Promise<Answer> {
  try {
    return await send();
  } catch (error) {
    if (!isCountersignError(error, 'bridge_unreachable')) throw error;
    return send();
  }
}
