import { decodeBase64url } from '../../protocol/base64url.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { type Checkpoint, parseCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { parseNote } from '../../protocol/tlog/signed-note.ts';
import { formatVerifierKey, type VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { verifyNote } from '../../protocol/tlog/verify-note.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { WITNESS_ANSWER_BYTES, WITNESS_MEMORY_TIMEOUT_MS, WITNESS_RETRY_MS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import type { Outbound } from '../lib/outbound.ts';
import type { Database, Query } from '../storage/database.ts';
import {
  describeForgotten,
  type ForgottenCosignature,
  findForgotten,
  keepForgotten,
} from './forgotten-cosignature.ts';
import { findWitnessed } from './witness-store.ts';

/** Whether a witness still knows what it cosigned of a log: one with a restored backup would cosign a second history. */
export interface WitnessMemory {
  /**
   * To be asked before anything is cosigned. Holds, once for each log, what is stored against what the log publishes
   * with our own cosignature. Throws `unavailable` while the log does not show its checkpoint, `state_refused` when we
   * have cosigned what is not stored: then for every log, in every process, until another store or another key is there.
   */
  assertWhole(origin: string): Promise<void>;
  /** What we are known to have forgotten. */
  forgotten(): Promise<ForgottenCosignature | undefined>;
}

export interface WitnessMemoryDeps {
  readonly database: Database;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly outbound: Pick<Outbound, 'request'>;
  readonly key: VerifierKey;
  /** Where the log of this origin publishes its checkpoint; undefined: nowhere that is known, and it is not asked. */
  readonly checkpointUrl: (origin: string) => string | undefined;
  /** Told once, by the process that found it. */
  readonly onForgotten?: (forgotten: ForgottenCosignature) => void;
}

export function createWitnessMemory(deps: WitnessMemoryDeps): WitnessMemory {
  const compared = new Set<string>();
  const looks = new Map<string, { readonly look: Promise<void>; readonly until: number }>();
  const vkey = formatVerifierKey(deps.key);
  const forgotten = () => deps.database.read((query) => findForgotten(query, vkey));

  async function look(origin: string, url: string): Promise<void> {
    const cosigned = await readCosigned(deps, origin, url);
    if (cosigned !== undefined && !(await deps.database.read((query) => isKnown(query, cosigned)))) {
      const { size, note } = cosigned;
      const found = { vkey, origin, size, note, found: seconds(deps.clock) };
      const isNew = await deps.database.transaction((tx) => keepForgotten(tx, found));
      deps.logger.error({ origin, size, note }, describeForgotten(found));
      if (isNew) deps.onForgotten?.(found);
      throw refusal(found);
    }
    compared.add(origin);
  }

  /** One look at a time for each log, and after one that failed a pause: anybody can make us look. */
  function looked(origin: string, url: string): Promise<void> {
    const now = performance.now();
    const last = looks.get(origin);
    if (last !== undefined && now < last.until) return last.look;
    const started = look(origin, url);
    looks.set(origin, { look: started, until: now + WITNESS_MEMORY_TIMEOUT_MS + WITNESS_RETRY_MS });
    return started;
  }

  return {
    forgotten,
    async assertWhole(origin) {
      const lost = await forgotten();
      if (lost !== undefined) throw refusal(lost);
      if (compared.has(origin)) return;
      const url = deps.checkpointUrl(origin);
      if (url !== undefined) await looked(origin, url);
    },
  };
}

/**
 * What the log publishes, where it carries a cosignature of ours that verifies: the log may be an attacker, so only our
 * own signature counts. `undefined`: nothing is published yet, or nothing that we cosigned.
 */
async function readCosigned(
  { outbound, key }: WitnessMemoryDeps,
  origin: string,
  url: string,
): Promise<ShownCheckpoint | undefined> {
  try {
    const { status, body } = await outbound.request(url, {
      maxBytes: WITNESS_ANSWER_BYTES,
      timeoutMs: WITNESS_MEMORY_TIMEOUT_MS,
    });
    if (status === 404) return undefined;
    if (status !== 200) throw new CountersignError('outbound_failed', `status ${status}`);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    const note = parseNote(text);
    const checkpoint = parseCheckpoint(note.text);
    if (checkpoint.origin !== origin) throw new CountersignError('log_origin');
    const ours = note.signatures.some(({ name, keyId }) => name === key.name && keyId === key.keyId);
    if (!ours) return undefined;
    await verifyNote(note, [key]);
    return { ...checkpoint, note: text };
  } catch (cause) {
    if (isCountersignError(cause, 'unavailable')) throw cause;
    throw new CountersignError(
      'unavailable',
      `Nothing of ${origin} is cosigned before it shows its checkpoint: it is held against what was cosigned before.`,
      { cause },
    );
  }
}

/** What is stored is at least that. A larger one continues it: it was proven when it was cosigned. */
async function isKnown(query: Query, { origin, size, root }: Checkpoint): Promise<boolean> {
  const stored = await findWitnessed(query, origin);
  if (stored === undefined || stored.size < size) return false;
  return stored.size > size || equalBytes(decodeBase64url(stored.root, 32), root);
}

interface ShownCheckpoint extends Checkpoint {
  readonly note: string;
}

function refusal(forgotten: ForgottenCosignature): CountersignError {
  return new CountersignError('state_refused', describeForgotten(forgotten));
}
