import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { hasStagedEventBefore } from '../events/event-store.ts';
import { type LogStatus, logWarnings } from '../keylog/log-status.ts';
import { hasStagedVersionBefore } from '../keylog/version-store.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { ONLINE_KEYS_WARNING_S, READINESS_MEMORY_MS } from '../lib/limits.ts';
import { engineReasons } from '../policy/engine/engine-doubt.ts';
import type { PolicyInForce } from '../policy/versions/policy-in-force.ts';
import type { Signer } from '../signer/signer.ts';
import { type Keyspace, keyspace } from '../storage/cache.ts';
import type { Database } from '../storage/database.ts';

/** How the bridge stands. */
export interface Readiness {
  /**
   * `not_ready`: it could not even take back what was granted, so requests are better sent elsewhere. `degraded`: something
   * stands still, often in all replicas at once; restrictions act all the same (PROTOCOL §8), so it must stay reachable.
   */
  readonly status: 'ready' | 'degraded' | 'not_ready';
  /** What is wrong, in words; empty when ready. */
  readonly reasons: readonly string[];
  /** What will be a reason if nobody acts. */
  readonly warnings: readonly string[];
  readonly version: string;
  readonly engine: { readonly name: string; readonly version: string };
  /** Empty while no policy is in force, and everything is refused. */
  readonly policyHash: string;
  /** `expires` in seconds. */
  readonly onlineKeys: { readonly serial: number; readonly expires: number };
}

export interface ReadinessDeps {
  readonly database: Database;
  readonly cache: Keyspace;
  readonly signer: Signer;
  readonly engine: TransformEngine;
  readonly policyInForce: Pick<PolicyInForce, 'current' | 'reasons' | 'warnings'>;
  readonly clock: Clock;
  readonly version: string;
  /** How the key log stands. */
  readonly logStatus: () => Promise<LogStatus>;
  /** Its witnesses. */
  readonly witnesses: { warnings(): readonly string[] };
  /** The witness that this bridge is of others, if it is one. */
  readonly witness?: { reasons(): Promise<readonly string[]> } | undefined;
  /** Its head file, at the start. */
  readonly lostHead: { warnings(): readonly string[] };
  /** The key-encryption key. */
  readonly encryptionKey?: { warnings(): Promise<readonly string[]> };
}

/** An entry that has no place after this long means that sequencing stands still: it takes milliseconds. */
const STAGED_TOO_LONG_MS = 30_000;

/** Looks anew at each call; throws nothing. */
export function createReadiness(deps: ReadinessDeps): () => Promise<Readiness> {
  const { database, cache, signer, engine, policyInForce, clock, version } = deps;
  const probed = keyspace(cache, 'readiness');
  return async () => {
    const { serial, exp } = signer.onlineKeys();
    const now = seconds(clock);
    const ending = onlineKeysWarning(exp, now);
    const [stored, log, cached, forgotten, old] = await Promise.all([
      storageReasons(database, clock),
      logState(deps),
      cacheReasons(probed),
      witnessReasons(deps.witness),
      encryptionKeyWarnings(deps.encryptionKey),
    ]);
    const policy = policyInForce.reasons();
    const decides = policyInForce.current !== undefined && engineReasons().length === 0;
    const preventing = [
      ...(exp <= now ? ['The online keys have expired: run `countersign keys rotate`.'] : []),
      ...(decides ? [] : policy),
      ...stored.preventing,
    ];
    const reasons = [
      ...preventing,
      ...(decides ? policy : []),
      ...log.reasons,
      ...stored.standingStill,
      ...cached,
      ...forgotten,
    ];
    return {
      status: preventing.length > 0 ? 'not_ready' : reasons.length > 0 ? 'degraded' : 'ready',
      reasons,
      warnings: [
        ...(ending === undefined ? [] : [ending]),
        ...old,
        ...policyInForce.warnings(),
        ...log.warnings,
      ],
      version,
      engine: { name: engine.name, version: engine.version },
      policyHash: policyInForce.current?.hash ?? '',
      onlineKeys: { serial, expires: exp },
    };
  };
}

/**
 * Answers everybody who asks within a second from one look: who asks is not limited, and store and cache must not feel it.
 * A clock that was set is a reason to look anew.
 */
export function rememberReadiness(look: () => Promise<Readiness>, clock: Clock): () => Promise<Readiness> {
  let last: { readonly found: Promise<Readiness>; readonly clockAt: number; readonly at: number } | undefined;
  return () => {
    const [clockAt, at] = [clock.now(), performance.now()];
    const isFresh =
      last !== undefined &&
      at - last.at < READINESS_MEMORY_MS &&
      Math.abs(clockAt - last.clockAt) < READINESS_MEMORY_MS;
    if (last === undefined || !isFresh) last = { found: look(), clockAt, at };
    return last.found;
  };
}

/** What to say of online keys that end soon; nothing of others, nor of those that have ended. Both in seconds. */
export function onlineKeysWarning(expires: number, now: number): string | undefined {
  const left = expires - now;
  if (left <= 0 || left > ONLINE_KEYS_WARNING_S) return undefined;
  const end = new Date(expires * 1000).toISOString();
  return `The online keys expire at ${end}: run \`countersign keys rotate\` before.`;
}

/** Where the store does not answer, that is said by itself. */
async function encryptionKeyWarnings(key: ReadinessDeps['encryptionKey']): Promise<readonly string[]> {
  try {
    return (await key?.warnings()) ?? [];
  } catch {
    return [];
  }
}

/** What is cosigned for others stands still; where the store does not answer, that is said by itself. */
async function witnessReasons(witness: ReadinessDeps['witness']): Promise<readonly string[]> {
  try {
    return (await witness?.reasons()) ?? [];
  } catch {
    return [];
  }
}

/** Where the store does not answer, that is said by itself. */
async function logState({
  logStatus,
  witnesses,
  lostHead,
  clock,
}: ReadinessDeps): Promise<Pick<Readiness, 'reasons' | 'warnings'>> {
  const warnings = [...lostHead.warnings(), ...witnesses.warnings()];
  try {
    const status = await logStatus();
    return { reasons: status.reasons, warnings: [...warnings, ...logWarnings(status, clock)] };
  } catch {
    return { reasons: [], warnings };
  }
}

async function storageReasons(
  database: Database,
  clock: Clock,
): Promise<{ readonly preventing: string[]; readonly standingStill: string[] }> {
  try {
    return await database.read(async (query) => {
      const before = clock.now() - STAGED_TOO_LONG_MS;
      const events = await hasStagedEventBefore(query, before);
      const versions = await hasStagedVersionBefore(query, before);
      const standingStill = [
        ...(events ? ['The event log is not being sequenced.'] : []),
        ...(versions ? ['The key log is not being sequenced.'] : []),
      ];
      return { preventing: [], standingStill };
    });
  } catch {
    return { preventing: ['The database does not answer.'], standingStill: [] };
  }
}

/** All replicas share it: taking them all out of service would not bring it back. */
async function cacheReasons(probed: Keyspace): Promise<string[]> {
  try {
    await probed.get('probe');
    return [];
  } catch {
    return ['The cache does not answer: requests are refused until it does.'];
  }
}
