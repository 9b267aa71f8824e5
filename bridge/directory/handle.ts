import type { Query, Transaction } from '../storage/database.ts';

/** Whoever reads the directory hands in what they hold: committed state, or their own transaction. */
export type Reader = Query | Transaction;
