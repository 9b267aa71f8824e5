import { equalBytes, utf8 } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { EMPTY_ROOT, HASH_BYTES } from './merkle.ts';
import { parseDecimal } from './note-lines.ts';
import { formatNote, type Note, type NoteSignature, type NoteSigner, parseNote } from './signed-note.ts';
import { ED25519_NOTE, type VerifierKey, verifierKey } from './verifier-key.ts';
import { type VerifiedSignature, verifyNote } from './verify-note.ts';

export type { NoteSigner };

/** The head of a log: what it was at a size (C2SP tlog-checkpoint). */
export interface Checkpoint {
  /** Names the log. */
  readonly origin: string;
  /** Entries, all of them. */
  readonly size: number;
  readonly root: Uint8Array;
}

/** The origin of the key log of a bridge, which is the name of its log keys too: `bridge.acme.example/log`. */
export function logOrigin(issuer: string): string {
  return `${issuer.replace(/^https:\/\//, '')}/log`;
}

/** The origin of the event log of a bridge, which is the name of its keys too: `bridge.acme.example/events`. */
export function eventLogOrigin(issuer: string): string {
  return `${issuer.replace(/^https:\/\//, '')}/events`;
}

/** The note text of a checkpoint. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${encodeBase64(root)}\n`;
}

/**
 * The checkpoint that a note text states. Extension lines are refused: nobody could audit what they say.
 * Throws `note_malformed`.
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin, decimal, encoded, end, ...more] = text.split('\n', 5);
  const size = parseDecimal(decimal ?? '');
  const root = decodeBase64(encoded ?? '', HASH_BYTES);
  if (origin === undefined || origin === '' || size === undefined || root === undefined) {
    throw new CountersignError('note_malformed', 'the text is no checkpoint');
  }
  if (end !== '' || more.length > 0) {
    throw new CountersignError('note_malformed', 'the checkpoint has more than three lines');
  }
  if (size === 0 && !equalBytes(root, EMPTY_ROOT)) {
    throw new CountersignError('note_malformed', 'the root is not that of an empty tree');
  }
  return { origin, size, root };
}

/** The log's own signature over its checkpoint. Ed25519 is deterministic: the same head gives the same bytes. */
export async function signCheckpoint(signer: NoteSigner, checkpoint: Checkpoint): Promise<NoteSignature> {
  const { name, keyId } = verifierKey(signer.name, ED25519_NOTE, signer.publicKey);
  return { name, keyId, bytes: await signer.sign(utf8(formatCheckpoint(checkpoint))) };
}

/** The note of a checkpoint with these signatures, the log's first. */
export function checkpointNote(checkpoint: Checkpoint, signatures: readonly NoteSignature[]): string {
  return formatNote({ text: formatCheckpoint(checkpoint), signatures });
}

/** A checkpoint that its log signed. */
export interface OpenedCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly note: Note;
  /** By the log and by known cosigners; at most one for each key. */
  readonly verified: readonly VerifiedSignature[];
}

/**
 * The checkpoint in a note, of the log that the caller means, signed by one of the log's keys. The attacker may have
 * written all of the note.
 *
 * `logKeys` are keys of type 0x01, of which at least one must have signed; signatures of unknown keys are passed over.
 * Throws `note_malformed`, `log_origin`, and `note_signature` when no log key has signed or the signature of a known
 * key, a cosigner's included, is wrong.
 */
export async function openCheckpoint(
  note: string,
  trusted: {
    readonly origin: string;
    readonly logKeys: readonly VerifierKey[];
    readonly cosigners?: readonly VerifierKey[];
  },
): Promise<OpenedCheckpoint> {
  const parsed = parseNote(note);
  const checkpoint = parseCheckpoint(parsed.text);
  if (checkpoint.origin !== trusted.origin) {
    throw new CountersignError('log_origin', 'the checkpoint is of another log than the one asked for');
  }
  const logKeys = trusted.logKeys.filter(({ type }) => type === ED25519_NOTE);
  const verified = await verifyNote(parsed, [...logKeys, ...(trusted.cosigners ?? [])]);
  if (!verified.some(({ key }) => logKeys.includes(key))) {
    throw new CountersignError('note_signature', 'the log has not signed the checkpoint');
  }
  return { checkpoint, note: parsed, verified };
}
