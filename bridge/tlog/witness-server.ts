import { decodeBase64url } from '../../protocol/base64url.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { type Checkpoint, parseCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { cosign } from '../../protocol/tlog/cosignature.ts';
import { verifyConsistency } from '../../protocol/tlog/merkle.ts';
import { formatNote, formatSignatureLine, type Note, parseNote } from '../../protocol/tlog/signed-note.ts';
import type { VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { verifyNote } from '../../protocol/tlog/verify-note.ts';
import { parseAddCheckpoint } from '../../protocol/tlog/witness-protocol.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import type { Database, Transaction } from '../storage/database.ts';
import { describeForgotten } from './forgotten-cosignature.ts';
import type { WitnessKey } from './witness-key.ts';
import type { WitnessMemory } from './witness-memory.ts';
import { findWitnessed, saveWitnessed, type WitnessedLog, witnessedNote } from './witness-store.ts';

/** The keys that may sign checkpoints of an origin, type 0x01; none: we are no witness of that log. */
export interface LogKeys {
  readonly keys: readonly VerifierKey[];
  /** Where the keys may have been replaced by others: reads them anew, unless that was done just now. */
  refresh?(): Promise<readonly VerifierKey[]>;
}

/** Of the log of this origin. */
export type FindLogKeys = (origin: string) => Promise<LogKeys>;

/** Two checkpoints of one size, both signed by the log, with other roots: proof that it shows two histories. */
export interface SplitView {
  readonly origin: string;
  readonly size: number;
  /** The notes, each with the log's signature. */
  readonly seen: string;
  readonly offered: string;
}

export interface WitnessDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly key: WitnessKey;
  readonly findLogKeys: FindLogKeys;
  /** Looks whether we still know what we cosigned. Default: it is not looked at. */
  readonly memory?: WitnessMemory | undefined;
  /** Told of what no honest log does; the answer does not wait for it. */
  readonly onSplitView?: (found: SplitView) => void;
}

/** `stale`: the log must prove from the size that we have. */
export type WitnessAnswer =
  | { readonly kind: 'cosigned'; readonly lines: string }
  | { readonly kind: 'stale'; readonly size: number };

/** A witness (C2SP tlog-witness): it cosigns checkpoints that continue what it cosigned before, and nothing else. */
export interface Witness {
  readonly vkey: string;

  /**
   * Takes the body of `add-checkpoint`. What is cosigned was checked against the stored checkpoint and has taken its
   * place on disk, in one transaction. The attacker may have written all of the body.
   *
   * Throws in this order: `note_malformed`, `witness_log_unknown` (404), `witness_signature` (403), `witness_size`
   * (400) when the old size is above the new one, and `witness_proof` (422) for a proof that does not hold or the
   * same size with another root; `unavailable` and `state_refused` where we may have forgotten what we cosigned. An old
   * size that is not the stored one is answered with the stored one (409).
   */
  addCheckpoint(body: string): Promise<WitnessAnswer>;

  /** The newest checkpoint cosigned of the log whose origin has this SHA-256 (hexadecimal), as a signed note. */
  checkpoint(originHash: string): Promise<string | undefined>;

  /** Why nothing is cosigned, of any log; empty where all is well. */
  reasons(): Promise<readonly string[]>;
}

export function createWitness(deps: WitnessDeps): Witness {
  const { database, clock, key } = deps;
  return {
    vkey: key.vkey,
    async addCheckpoint(body) {
      const { oldSize, proof, checkpoint: noteText } = parseAddCheckpoint(body);
      const note = parseNote(noteText);
      const checkpoint = parseCheckpoint(note.text);
      const { origin } = checkpoint;
      const signed = await signedByLog(note, origin, await deps.findLogKeys(origin));
      if (oldSize > checkpoint.size) throw new CountersignError('witness_size');
      await deps.memory?.assertWhole(checkpoint.origin);
      const ours = await cosign(key, note.text, seconds(clock));
      const kept = formatNote({ text: note.text, signatures: [...signed.signatures, ours] });
      const claim = { checkpoint, oldSize, proof, note: kept };

      const outcome = await database.transaction((tx) => checkAndKeep(tx, claim));
      if (outcome.contradicted !== undefined) {
        const { size } = checkpoint;
        deps.onSplitView?.({ origin, size, seen: outcome.contradicted, offered: formatNote(signed) });
      }
      if (outcome.staleAt !== undefined) return { kind: 'stale', size: outcome.staleAt };
      if (!outcome.kept) throw new CountersignError('witness_proof');
      return { kind: 'cosigned', lines: formatSignatureLine(ours) };
    },
    checkpoint: (hash) => database.read((query) => witnessedNote(query, hash)),
    async reasons() {
      const forgotten = await deps.memory?.forgotten();
      return forgotten === undefined ? [] : [describeForgotten(forgotten)];
    },
  };
}

/** The note with those signatures alone that are the log's: only what was verified is ever stored. */
async function signedByLog(note: Note, origin: string, log: LogKeys): Promise<Note> {
  if (log.keys.length === 0) throw new CountersignError('witness_log_unknown');
  try {
    const verified = await verifyNote(note, await keysFor(note, origin, log));
    return { text: note.text, signatures: verified.map(({ signature }) => signature) };
  } catch (cause) {
    if (isCountersignError(cause, 'note_signature')) {
      throw new CountersignError('witness_signature', cause.detail, { cause });
    }
    throw cause;
  }
}

/** Read anew where only a key has signed that is not known: the log may have another since. */
async function keysFor(
  note: Note,
  origin: string,
  { keys, refresh }: LogKeys,
): Promise<readonly VerifierKey[]> {
  const named = note.signatures.filter(({ name }) => name === origin);
  const isKnown = named.some(({ keyId }) => keys.some((key) => key.keyId === keyId));
  return isKnown || named.length === 0 || refresh === undefined ? keys : refresh();
}

interface Claim {
  readonly checkpoint: Checkpoint;
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
  /** To be kept if the claim holds. */
  readonly note: string;
}

interface Outcome {
  readonly kept: boolean;
  /** The size that is stored, where the claim started from another. */
  readonly staleAt?: number;
  /** The stored note, where it and the claim's are two histories. */
  readonly contradicted?: string;
}

/** In one serializable transaction: of two requests that continue the same checkpoint differently, one is stale. */
async function checkAndKeep(tx: Transaction, claim: Claim): Promise<Outcome> {
  const { checkpoint, oldSize, note } = claim;
  const stored = await findWitnessed(tx, checkpoint.origin);
  const contradicted = contradicts(stored, checkpoint) ? { contradicted: stored.note } : {};
  const size = stored?.size ?? 0;
  if (oldSize !== size) return { kept: false, staleAt: size, ...contradicted };
  if (!continues(stored, claim)) return { kept: false, ...contradicted };
  await saveWitnessed(tx, { ...checkpoint, note });
  return { kept: true };
}

function contradicts(stored: WitnessedLog | undefined, { size, root }: Checkpoint): stored is WitnessedLog {
  return stored?.size === size && !equalBytes(decodeBase64url(stored.root, 32), root);
}

function continues(stored: WitnessedLog | undefined, { checkpoint, oldSize, proof }: Claim): boolean {
  // Every tree continues the empty one, whose root the checkpoint of size 0 has by its form.
  if (stored === undefined || oldSize === 0) return proof.length === 0;
  const oldRoot = decodeBase64url(stored.root, 32);
  if (oldSize === checkpoint.size) return proof.length === 0 && equalBytes(oldRoot, checkpoint.root);
  const { size: newSize, root: newRoot } = checkpoint;
  try {
    verifyConsistency({ oldSize, oldRoot, newSize, newRoot, proof });
    return true;
  } catch (error) {
    if (isCountersignError(error, 'log_proof')) return false;
    throw error;
  }
}
