import type { Level } from '../protocol/credential.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { KeyFindingKind, KeyHistoryCause } from '../protocol/key-history.ts';
import type { KeyStatement } from '../protocol/key-statement.ts';
import type { LogLevel } from '../protocol/keytrans/log-trust.ts';
import type { SplitView } from '../protocol/tlog/split-view.ts';
import type { Shortfall } from './answers.ts';

/**
 * Whose a version's keys are. `own`: this device knows them as the person's. `continued`: signed by the version before,
 * which was the person's. `unrecognized`: the bridge alone vouches for them.
 */
export type KeyMark = 'own' | 'continued' | 'unrecognized';

/** One version of the person's own address. */
export interface KeyVersion {
  readonly statement: KeyStatement;
  readonly mark: KeyMark;
  /** When it came into the log, seconds, as the bridge says; null where it does not. */
  readonly logged: number | null;
  /** Who caused it, as the bridge says; what is signed is the statement alone. */
  readonly by: KeyHistoryCause | null;
  /** What an administrator wrote about it. */
  readonly said: string | null;
  /** Why the bridge's signature does not count (any more): its key was declared compromised since. */
  readonly problem: ErrorCode | null;
}

/** Every version of an address, each the continuation of the one before, the last one the newest in the log. */
export interface OwnKeyHistory {
  readonly address: string;
  /** By version, from 0, without a gap but for `erased`. */
  readonly versions: readonly KeyVersion[];
  /** Versions of others who had the address and were erased: what stood in them is forgotten. */
  readonly erased: readonly number[];
  /** How far it is proved that the last version is the newest. */
  readonly level: Level;
  /** Seconds since what carries the level. */
  readonly age: number;
  readonly shortOf: Shortfall | null;
  /** As of which epoch of the log, and when that closed (seconds). */
  readonly epoch: number;
  readonly epochTime: number;
  /**
   * Versions with keys that the person did not make, from their first own one on; of an address of theirs without own keys, the
   * last version if it is in force. None, if all is well.
   */
  readonly unrecognized: readonly KeyVersion[];
  /** The same of the person's other addresses, of those that have versions; empty where one address was asked for. */
  readonly others: readonly OwnKeyHistory[];
}

/** Something that is wrong with the person's own keys, or with what the log says of them. */
export interface KeyFinding {
  readonly finding: KeyFindingKind;
  readonly address: string;
  /** The version that it is about; null where it is about none. */
  readonly version: KeyVersion | null;
  /** What did not verify; null for an unrecognized version, where everything does. */
  readonly code: ErrorCode | null;
  /** May be shown. */
  readonly detail: string;
  /** Of `log_split`: proof of it that anybody can check. */
  readonly evidence: SplitView | null;
}

export interface CheckOptions {
  /** Only this one of the person's addresses; all of them, if absent. */
  readonly address?: string;
  /** Told of each finding before all are reported to the bridge, for the company's security people. Without it nothing is reported. */
  readonly onFinding?: (finding: KeyFinding) => unknown;
}

export interface MonitorOptions {
  /** Told once of each finding; the next check waits for it. */
  readonly onFinding: (finding: KeyFinding) => unknown;
  readonly signal?: AbortSignal;
  /** Only this one of the person's addresses; all of them, if absent. */
  readonly address?: string;
  /** From one check to the next where nothing is heard in between: 600 by default, 5 at least. */
  readonly intervalSeconds?: number;
}

/** What is known of an issuer's log once all that was seen of it is proved to be one log. */
export interface LogCheck {
  readonly issuer: string;
  /** Entries of the newest checkpoint. */
  readonly size: number;
  readonly level: LogLevel;
  /** How many checkpoints, seen before, it was proved to continue. */
  readonly continued: number;
}

/** What a bridge's own log has of its company, held against what this device has pinned of it. */
export interface TrustCheck {
  readonly issuer: string;
  /** How far it is proved that everybody is shown the same: the lower of the two proofs, and its age in seconds. */
  readonly level: LogLevel;
  readonly age: number;
  /** Of the company, by its own record. */
  readonly domains: readonly string[];
  readonly policy: { readonly version: number; readonly hash: string };
  /** Domains that the own bridge has the company speak for, and which are not its own by its own log: none, if all is well. */
  readonly strangeDomains: readonly string[];
}
