import type { Transaction } from './database.ts';

const waiting = new WeakMap<Transaction, (() => void)[]>();

/**
 * Calls `then` once the transaction is committed, and never if it is not: for what others should look at, which before
 * the commit they would look for in vain. Through a handle that wraps the store's own it is called at once.
 */
export function afterCommit(transaction: Transaction, then: () => void): void {
  const those = waiting.get(transaction);
  if (those === undefined) then();
  else those.push(then);
}

/** For the drivers: has `afterCommit` wait for what is answered to be called. */
export function heldUntilCommit(transaction: Transaction): () => void {
  const those: (() => void)[] = [];
  waiting.set(transaction, those);
  return () => {
    waiting.delete(transaction);
    for (const then of those) then();
  };
}
