import { CountersignError } from '../../protocol/errors.ts';
import { TransactionScope } from './transaction-scope.ts';

/** What both drivers' root handles do alike: refuse from inside a transaction, refuse once closed, close last. */
export class RootHandle {
  readonly #scope = new TransactionScope();
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  /** Throws `storage_nested`, `unavailable`. */
  assertUsable(): void {
    this.#scope.assertOutside();
    if (this.#closing !== undefined) {
      throw new CountersignError('unavailable', 'The store is closed.');
    }
  }

  /** Runs `work`, for which `close` waits. Throws as `assertUsable` does. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.assertUsable();
    const running = work();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Runs the work of a transaction: inside it, the root handle is out of reach. */
  inside<T>(work: () => Promise<T>): Promise<T> {
    return this.#scope.run(work);
  }

  /** Waits for what runs, then calls `finish`, once. Throws `storage_nested`. */
  async close(finish: () => Promise<void>): Promise<void> {
    this.#scope.assertOutside();
    this.#closing ??= Promise.allSettled(this.#running).then(finish);
    await this.#closing;
  }
}
