import { equalBytes } from '../../protocol/bytes.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type Checkpoint, parseCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { parseNote } from '../../protocol/tlog/signed-note.ts';
import type { VerifierKey } from '../../protocol/tlog/verifier-key.ts';
import { verifyNote } from '../../protocol/tlog/verify-note.ts';
import { WITNESS_ANSWER_BYTES, WITNESS_TIMEOUT_MS } from '../lib/limits.ts';
import type { Outbound } from '../lib/outbound.ts';
import type { Query } from '../storage/database.ts';
import { type LogName, readHead } from './log-heads.ts';
import { rootAt } from './log-tree.ts';
import { textOf } from './witness-exchange.ts';
import { originHash } from './witness-store.ts';

/** A log of ours, as what others say of it is checked. */
export interface OwnedLog {
  readonly origin: string;
  /** Those under which it signs, and has signed; not the compromised ones. */
  logKeys(): readonly VerifierKey[];
}

/** A checkpoint of our log, as a witness shows it. */
export interface SeenCheckpoint extends Checkpoint {
  /** The note itself, to be kept as evidence. */
  readonly note: string;
  /**
   * Whether a key of our log that counts has signed it. If not, the witness has: it vouches for what it has seen, as of a
   * log key that was compromised since, and is never believed against us.
   */
  readonly signed: boolean;
  /** Whether the witness that shows it has cosigned it; if not, it says nothing of what that witness has seen. */
  readonly cosigned: boolean;
}

/**
 * What a witness has cosigned last of our log (C2SP tlog-witness: `GET <prefix>/<SHA-256 of the origin>/checkpoint`);
 * `undefined` where it has nothing, or does not offer that. The witness may be an attacker: nobody but us can have made
 * what is `signed`.
 *
 * Throws what `outbound` throws, `outbound_failed` for another status than 200 and 404, and `note_malformed`,
 * `log_origin`, and `note_signature` for what neither our log nor the witness has signed.
 */
export async function readSeenCheckpoint(
  outbound: Pick<Outbound, 'request'>,
  { key, url }: { readonly key: VerifierKey; readonly url: string },
  { origin, logKeys }: OwnedLog,
  signal: AbortSignal,
): Promise<SeenCheckpoint | undefined> {
  const answer = await outbound.request(`${url.replace(/\/$/, '')}/${originHash(origin)}/checkpoint`, {
    maxBytes: WITNESS_ANSWER_BYTES,
    timeoutMs: WITNESS_TIMEOUT_MS,
    signal,
  });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) {
    const { hostname } = new URL(url);
    throw new CountersignError('outbound_failed', `${hostname} answered with status ${answer.status}.`);
  }
  const note = textOf(answer);
  const parsed = parseNote(note);
  const checkpoint = parseCheckpoint(parsed.text);
  if (checkpoint.origin !== origin) throw new CountersignError('log_origin');
  const verified = await verifyNote(parsed, [...logKeys(), key]);
  return {
    ...{ ...checkpoint, note },
    signed: verified.some((each) => each.key !== key),
    cosigned: verified.some((each) => each.key === key),
  };
}

/** How what was signed stands to the store: in it, beyond its end, or of another history. */
export type Standing = 'contained' | 'beyond' | 'another';

/** Read after the checkpoint was: other replicas go on meanwhile. Throws what the database throws. */
export async function standingOf(
  query: Query,
  log: LogName,
  { size, root }: Pick<Checkpoint, 'size' | 'root'>,
): Promise<Standing> {
  const head = (await readHead(query, log))?.size ?? 0;
  if (size > head) return 'beyond';
  if (size === 0) return 'contained';
  return equalBytes(await rootAt(query, log, size), root) ? 'contained' : 'another';
}
