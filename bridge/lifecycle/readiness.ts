import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { hasStagedEventBefore } from '../events/event-store.ts';
import { type LogStatus, logWarnings } from '../keylog/log-status.ts';
import { hasStagedVersionBefore } from '../keylog/version-store.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { ONLINE_KEYS_WARNING_S } from '../lib/limits.ts';
import type { PolicyInForce } from '../policy/versions/policy-in-force.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database } from '../storage/database.ts';

/** How the bridge stands: it can serve when there is no reason against it. */
export interface Readiness {
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
  readonly signer: Signer;
  readonly engine: TransformEngine;
  readonly policyInForce: Pick<PolicyInForce, 'current' | 'reasons' | 'warnings'>;
  readonly clock: Clock;
  readonly version: string;
  /** How the key log stands. */
  readonly logStatus: () => Promise<LogStatus>;
  /** Its witnesses. */
  readonly witnesses: { warnings(): readonly string[] };
  /** Its head file, at the start. */
  readonly lostHead: { warnings(): readonly string[] };
}

/** An entry that has no place after this long means that sequencing stands still: it takes milliseconds. */
const STAGED_TOO_LONG_MS = 30_000;

/** Looks anew at each call; throws nothing. */
export function createReadiness(deps: ReadinessDeps): () => Promise<Readiness> {
  const { database, signer, engine, policyInForce, clock, version } = deps;
  return async () => {
    const { serial, exp } = signer.onlineKeys();
    const now = seconds(clock);
    const expired = exp <= now;
    const ending = onlineKeysWarning(exp, now);
    const stored = await storageReasons(database, clock);
    const log = await logState(deps);
    return {
      reasons: [
        ...(expired ? ['The online keys have expired: run `countersign keys rotate`.'] : []),
        ...policyInForce.reasons(),
        ...log.reasons,
        ...stored,
      ],
      warnings: [...(ending === undefined ? [] : [ending]), ...policyInForce.warnings(), ...log.warnings],
      version,
      engine: { name: engine.name, version: engine.version },
      policyHash: policyInForce.current?.hash ?? '',
      onlineKeys: { serial, expires: exp },
    };
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

async function storageReasons(database: Database, clock: Clock): Promise<string[]> {
  try {
    return await database.read(async (query) => {
      const before = clock.now() - STAGED_TOO_LONG_MS;
      const events = await hasStagedEventBefore(query, before);
      const versions = await hasStagedVersionBefore(query, before);
      return [
        ...(events ? ['The event log is not being sequenced.'] : []),
        ...(versions ? ['The key log is not being sequenced.'] : []),
      ];
    });
  } catch {
    return ['The database does not answer.'];
  }
}
