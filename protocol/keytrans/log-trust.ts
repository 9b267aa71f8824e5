import { CountersignError } from '../errors.ts';
import { CLOCK_SKEW } from '../jws.ts';
import { ED25519_COSIGNATURE, parseVerifierKey, type VerifierKey } from '../tlog/verifier-key.ts';
import type { VerifiedSignature } from '../tlog/verify-note.ts';
import { MAX_CHECKPOINT_AGE } from './limits.ts';

/** Whom a verifier trusts to have watched a log: from its own pinned policy, never from the staple. */
export interface LogTrust {
  /** vkeys of cosigners (type 0x04) who see that the log only grows. */
  readonly witnesses: readonly string[];
  /** How many of them must have cosigned; 0: the level `witnessed` is out of reach. */
  readonly witnessQuorum: number;
  /** vkeys of cosigners who replay the log. */
  readonly auditors: readonly string[];
  readonly auditorQuorum: number;
  /** The oldest cosignature that counts, seconds. */
  readonly maxCheckpointAge?: number;
}

/** What a log proof shows, weakest first. */
export type LogLevel = 'logged' | 'witnessed' | 'audited';

export interface Cosigned {
  readonly name: string;
  /** Seconds. */
  readonly time: number;
}

/** How far a cosigned checkpoint is believed. */
export interface LogStanding {
  readonly level: LogLevel;
  /** Seconds: of `logged` the epoch's time; else when the last cosigner that the quorum needs saw the checkpoint. */
  readonly asOf: number;
  /** Those that count, the newest first. */
  readonly cosignatures: readonly Cosigned[];
}

/** The cosigners of a policy, each key in one role. */
export interface Cosigners {
  readonly witnesses: readonly VerifierKey[];
  readonly auditors: readonly VerifierKey[];
}

/**
 * The keys that a policy names, as they count for one log. A key counts once, whatever names it bears, and in one role:
 * one cosignature is one statement, so a key that is named as a witness too is no auditor. A log is neither for itself,
 * and a witness on the log's own host, which a policy names for others' logs, is none for this one. Throws `key_invalid`
 * and `log_policy_invalid`.
 */
export function cosignersOf(trust: LogTrust | undefined, logKeys: readonly VerifierKey[]): Cosigners {
  const taken = new Set(logKeys.map(nameOfKey));
  const own = new Set(logKeys.map(hostOf));
  const distinct = (vkeys: readonly string[]) =>
    vkeys.map(parseCosigner).filter((key) => {
      const counts = !taken.has(nameOfKey(key)) && !own.has(hostOf(key));
      taken.add(nameOfKey(key));
      return counts;
    });
  const witnesses = distinct(trust?.witnesses ?? []);
  return { witnesses, auditors: distinct(trust?.auditors ?? []) };
}

function parseCosigner(vkey: string): VerifierKey {
  const key = parseVerifierKey(vkey);
  if (key.type !== ED25519_COSIGNATURE) {
    throw new CountersignError('log_policy_invalid', `${key.name} is no key of a cosigner`);
  }
  return key;
}

/** Names of logs and cosigners begin with their host (C2SP signed-note). */
function hostOf({ name }: VerifierKey): string | undefined {
  return name.split('/')[0];
}

function nameOfKey({ publicKey }: VerifierKey): string {
  return publicKey.join();
}

/** The level that verified cosignatures reach under a policy; `epochTime` and `now` in seconds. */
export function standingOf(
  verified: readonly VerifiedSignature[],
  cosigners: Cosigners,
  trust: LogTrust | undefined,
  { epochTime, now }: { epochTime: number; now: number },
): LogStanding {
  const maxAge = trust?.maxCheckpointAge ?? MAX_CHECKPOINT_AGE;
  const counted = (keys: readonly VerifierKey[]) =>
    verified
      .flatMap(({ key, time }) =>
        keys.includes(key) && time !== undefined ? [{ name: key.name, time }] : [],
      )
      .filter(({ time }) => time <= now + CLOCK_SKEW && now - time <= maxAge)
      .toSorted((left, right) => right.time - left.time);
  const byWitnesses = counted(cosigners.witnesses);
  const byAuditors = counted(cosigners.auditors);
  const cosignatures = [...byWitnesses, ...byAuditors].toSorted((left, right) => right.time - left.time);
  const witnessed = quorumTime(byWitnesses, trust?.witnessQuorum);
  const audited = quorumTime(byAuditors, trust?.auditorQuorum);
  if (witnessed === undefined) return { level: 'logged', asOf: epochTime, cosignatures };
  if (audited === undefined) return { level: 'witnessed', asOf: witnessed, cosignatures };
  return { level: 'audited', asOf: Math.min(witnessed, audited), cosignatures };
}

/** When the last one that the quorum needs cosigned; undefined where it is not met, and for a quorum of nobody. */
function quorumTime(newestFirst: readonly Cosigned[], quorum = 0): number | undefined {
  return newestFirst[quorum - 1]?.time;
}
