import { CountersignError } from '../../protocol/errors.ts';

/**
 * A fault that the receiver answered to a request with events. One of them may have provoked it, whatever the answer
 * says: a firewall in front of it that forbids what an event holds, a server that breaks on it. The driver finds out.
 */
export class AnsweredFault extends CountersignError {}

/** Waits for what was asked without any events: no event can have provoked what that meets. */
export async function withoutEvents<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (cause) {
    if (!(cause instanceof AnsweredFault)) throw cause;
    const { code, detail, retryAfter } = cause;
    throw new CountersignError(code, detail, { cause, ...(retryAfter === undefined ? {} : { retryAfter }) });
  }
}
