import type { Query, Transaction } from '../storage/database.ts';

/** What the log holds versions of. */
export type LoggedKind = 'address' | 'policy' | 'trust-change';

/** One version of one thing: of an address's key statement, of the policy, of a partner's record. */
export interface LoggedVersion {
  readonly kind: LoggedKind;
  /** The address, the policy's name, or the partner's entity id: in its one form. */
  readonly name: string;
  readonly version: number;
  /** The bytes that the log commits to: for an address `statementBytes` of the statement. */
  readonly value: Uint8Array;
}

/**
 * The key log. This version of it only orders what is staged and gives it positions; the map, its proofs and
 * checkpoints are computed from the same rows.
 */
export interface KeyLog {
  /**
   * Stages a version in the transaction of the change (PROTOCOL §8, transaction 1). A version that is staged already
   * is `conflict`, and the transaction is lost.
   */
  stage(tx: Transaction, version: LoggedVersion): Promise<void>;

  /**
   * Resolves once transaction 2 has sequenced the version: only then may a grant be served. Rejects with
   * `unavailable` after a bounded wait; the version is not lost then, only late.
   */
  published(kind: LoggedKind, name: string, version: number): Promise<void>;

  /** Whether the version is sequenced. False for one that was never staged. */
  isPublished(query: Query, kind: LoggedKind, name: string, version: number): Promise<boolean>;

  /** Sequences now what is staged. `stage` does this by itself. */
  wake(): void;
  start(): void;
  stop(): Promise<void>;
}
