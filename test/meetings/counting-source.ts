import { createBell } from '../../bridge/lib/bell.ts';
import type { RelaySource } from '../../bridge/meetings/feeds.ts';
import type { RelayMessage, RelayPage } from '../../bridge/meetings/relay-message.ts';
import type { CountersignError } from '../../protocol/errors.ts';

export const rekeyMessage = (seq: number, length = 10): RelayMessage => ({
  ...{ seq, kind: 'rekey', iss: null, deviceId: null, body: 'x'.repeat(length) },
});

/** Where messages of a meeting come from, and how often it was asked. */
export class CountingSource implements RelaySource {
  readonly messages: RelayMessage[] = [];
  readonly #bell = createBell();
  readonly asked: { after: number; wait: boolean }[] = [];
  /** Thrown by the next readings, one each. */
  failures: CountersignError[] = [];
  /** So many of the next readings that do not wait are answered with nothing. */
  forgetful = 0;
  closed = false;

  /** Where those began who did not wait: what the memory did not have. */
  get past(): number[] {
    return this.asked.filter(({ wait }) => !wait).map(({ after }) => after);
  }

  end(): void {
    this.tell({ kind: 'ended' });
  }

  /** The next rekey message. */
  post(length?: number): void {
    this.messages.push(rekeyMessage(this.messages.length + 1, length));
    this.#bell.ring();
  }

  /** The next message, of any kind. */
  tell(message: Partial<RelayMessage> & Pick<RelayMessage, 'kind'>): void {
    this.messages.push({ ...rekeyMessage(this.messages.length + 1), ...message });
    this.#bell.ring();
  }

  async read(after: number, { wait, signal }: { wait: boolean; signal: AbortSignal }): Promise<RelayPage> {
    this.asked.push({ after, wait });
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    // As long as a store takes.
    await new Promise(setImmediate);
    if (!wait && this.forgetful > 0) {
      this.forgetful -= 1;
      return { messages: [], through: after };
    }
    for (;;) {
      const heard = this.#bell.rings;
      const messages = this.messages.filter(({ seq }) => seq > after).slice(0, 100);
      if (messages.length > 0 || !wait || signal.aborted) {
        return { messages, through: messages.at(-1)?.seq ?? after };
      }
      await this.#bell.wait(heard, 10_000, signal);
    }
  }

  close(): void {
    this.closed = true;
  }
}
