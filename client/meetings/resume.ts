import type { CountersignError } from '../../protocol/errors.ts';
import { pause } from '../waiting.ts';
import { mayPass } from './may-pass.ts';

/** What comes with its place in the sequence, so that it can be asked for from there on. */
export interface Sequenced {
  readonly seq: number;
}

export interface ResumeOptions {
  /** The last that is known. */
  readonly since: number;
  readonly signal: AbortSignal;
  readonly pauses: { readonly firstMs: number; readonly longestMs: number };
  /** The stream broke off; it is taken up again after a pause. */
  onBreak(error: CountersignError): void;
}

/**
 * One sequence out of streams that break off or end, each taken up where the one before it was. What was told already is
 * left out: a relay may repeat itself. It ends quietly with the signal, and throws what does not pass by itself.
 */
export async function* resume<Item extends Sequenced>(
  open: (since: number, signal: AbortSignal) => AsyncIterable<Item>,
  { since, signal, pauses, onBreak }: ResumeOptions,
): AsyncGenerator<Item, void> {
  let last = since;
  let pauseMs = pauses.firstMs;
  while (!signal.aborted) {
    try {
      for await (const item of open(last, signal)) {
        if (signal.aborted) return;
        pauseMs = pauses.firstMs;
        if (item.seq <= last) continue;
        last = item.seq;
        yield item;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!mayPass(error)) throw error;
      onBreak(error);
      pauseMs = Math.min(pauseMs * 2, Math.max(pauses.longestMs, pauses.firstMs));
    }
    await pause(pauseMs, signal).catch(() => undefined);
  }
}
