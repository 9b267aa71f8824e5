import { AsyncLocalStorage } from 'node:async_hooks';
import { CountersignError } from '../../protocol/errors.ts';

interface Scope {
  open: boolean;
  violation?: CountersignError;
}

/**
 * Knows whether the code that runs was called, at whatever depth, from a transaction's work: there the root handle
 * would wait for the very transaction that waits for it.
 */
export class TransactionScope {
  readonly #scopes = new AsyncLocalStorage<Scope>();
  #open = 0;

  /** Runs `work` inside. Fails if the root handle was used meanwhile, even if `work` swallowed that error. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const scope: Scope = { open: true };
    this.#open += 1;
    try {
      const result = await this.#scopes.run(scope, work);
      if (scope.violation !== undefined) {
        throw scope.violation;
      }
      return result;
    } finally {
      scope.open = false;
      this.#open -= 1;
      // Before Node 24 every promise of the process costs twice as much for as long as this is followed.
      if (this.#open === 0) this.#scopes.disable();
    }
  }

  /** @throws `storage_nested` inside a transaction that has not ended. */
  assertOutside(): void {
    const scope = this.#scopes.getStore();
    if (scope?.open) {
      scope.violation = new CountersignError('storage_nested');
      throw scope.violation;
    }
  }
}
