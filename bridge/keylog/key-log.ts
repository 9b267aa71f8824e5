import type { LoggedKind } from '../../protocol/keytrans/label.ts';
import type { Query, Transaction } from '../storage/database.ts';

/** What the log holds versions of. */
export type { LoggedKind };

/** One version of one thing: of an address's key statement, of the policy, of a partner's record. */
export interface LoggedVersion {
  readonly kind: LoggedKind;
  /** The address, the policy's name, or the partner's entity id: in its one form. */
  readonly name: string;
  readonly version: number;
  /** The bytes that the log commits to: for an address `statementBytes` of the statement. */
  readonly value: Uint8Array;
}

/** Which checkpoint a log proof is to be in. */
export type StapleAnchor = 'best' | 'newest';

/** The key log: every version of everything that can mislead somebody, in an order that cannot be changed. */
export interface KeyLog {
  /**
   * Stages a version in the transaction of the change (PROTOCOL §8, transaction 1). A version that is staged already
   * is `conflict`, a name that has no place in the log `claims_invalid`, and the transaction is lost.
   */
  stage(tx: Transaction, version: LoggedVersion): Promise<void>;

  /**
   * Says that a version will probably be staged soon: what takes long about it is begun beside whatever the caller does
   * until then. Returns at once, and binds nobody.
   */
  expect(version: Pick<LoggedVersion, 'kind' | 'name' | 'version'>): void;

  /**
   * Resolves once transaction 2 has put the version into the log and the checkpoint of its epoch is signed: only then
   * may a grant be served. Where witnesses are configured, it waits for their quorum too, but not longer than
   * configured. Rejects with `unavailable` after a bounded wait; the version is not lost then, only late.
   */
  published(kind: LoggedKind, name: string, version: number): Promise<void>;

  /**
   * Whether the version is in the log under a signed checkpoint, or was handed out before there was a log. False for
   * one that was never staged.
   */
  isPublished(query: Query, kind: LoggedKind, name: string, version: number): Promise<boolean>;

  /**
   * The proof to be stapled to a version that is the newest of its name: the text of protocol/keytrans/log-staple.ts.
   * Null where there is none (yet): not in the log, superseded in it, or forgotten. It is in the best checkpoint, which
   * enough others have seen, or in the `newest` one, which says most about now.
   */
  staple(
    query: Query,
    kind: LoggedKind,
    name: string,
    version: number,
    anchor?: StapleAnchor,
  ): Promise<string | null>;

  /**
   * The proof that a version has its entry in the log, whether or not others followed: the text of
   * protocol/keytrans/version-proof-format.ts. Null where it has none yet, or is forgotten.
   */
  proveEntry(query: Query, kind: LoggedKind, name: string, version: number): Promise<string | null>;

  /**
   * Forgets what was logged under a name, in the transaction that erases it: values, openings and proofs; with `versions`
   * those versions alone, and the proofs only with the newest one. The log stays whole, and so does the count of the
   * name's versions.
   */
  forget(tx: Transaction, kind: LoggedKind, name: string, versions?: readonly number[]): Promise<void>;

  /** To be called once that is committed: whoever read meanwhile must not have kept it in memory. */
  forgotten(kind: LoggedKind, name: string): void;

  /** Calls `listener` after an epoch was published, by this process or another. */
  onEpoch(listener: () => void): void;

  /** Sequences now what is staged. `stage` does this by itself. */
  wake(): void;
  start(): void;
  stop(): Promise<void>;
}

/** For whoever changes a store and does not run the bridge on it. */
export type StagingLog = Pick<KeyLog, 'stage'>;
