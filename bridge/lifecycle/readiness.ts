import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import type { Policy } from '../policy/built-in-policy.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database } from '../storage/database.ts';

/** How the bridge stands: it can serve when there is no reason against it. */
export interface Readiness {
  readonly reasons: readonly string[];
  readonly version: string;
  readonly engine: { readonly name: string; readonly version: string };
  readonly policyHash: string;
  /** `expires` in seconds. */
  readonly onlineKeys: { readonly serial: number; readonly expires: number };
}

export interface ReadinessDeps {
  readonly database: Database;
  readonly signer: Signer;
  readonly engine: TransformEngine;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly version: string;
}

/** An entry that has no place after this long means that sequencing stands still: it takes milliseconds. */
const STAGED_TOO_LONG_MS = 30_000;

/** Looks anew at each call; throws nothing. */
export function createReadiness(deps: ReadinessDeps): () => Promise<Readiness> {
  const { database, signer, engine, policy, clock, version } = deps;
  return async () => {
    const { serial, exp } = signer.onlineKeys();
    const expired = exp <= seconds(clock);
    return {
      reasons: [
        ...(expired ? ['The online keys have expired: run `countersign keys rotate`.'] : []),
        ...(await storageReasons(database, clock)),
      ],
      version,
      engine: { name: engine.name, version: engine.version },
      policyHash: policy.hash,
      onlineKeys: { serial, expires: exp },
    };
  };
}

async function storageReasons(database: Database, clock: Clock): Promise<string[]> {
  try {
    const stuck = await database.read(async (query) => {
      const before = uuidBefore(clock.now() - STAGED_TOO_LONG_MS);
      const event = await query
        .selectFrom('events')
        .select('event_id')
        .where('seq', 'is', null)
        .where('event_id', '<', before)
        .limit(1)
        .executeTakeFirst();
      const version = await query
        .selectFrom('logged_versions')
        .select('staged_id')
        .where('position', 'is', null)
        .where('staged_id', '<', before)
        .limit(1)
        .executeTakeFirst();
      return [
        ...(event === undefined ? [] : ['The event log is not being sequenced.']),
        ...(version === undefined ? [] : ['The key log is not being sequenced.']),
      ];
    });
    return stuck;
  } catch {
    return ['The database does not answer.'];
  }
}

/** Lower than any UUIDv7 (RFC 9562 §5.7) of this moment or later: its first 48 bits are the time. */
function uuidBefore(ms: number): string {
  const hex = Math.max(0, ms).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}
