import * as z from 'zod/mini';
import { equalBytes } from '../bytes.ts';
import { compactJws } from '../claims.ts';
import { CountersignError } from '../errors.ts';
import { decodeClaims, readHeader } from '../jws.ts';
import { onlineKeysSchema, verifyOnlineKeys } from '../online-keys.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { logVerifierKeys } from './log-keys.ts';
import { HASH_BYTES, verifyConsistency } from './merkle.ts';
import { formatVerifierKey, parseVerifierKey, type VerifierKey } from './verifier-key.ts';

/** A note with a hundred cosignatures, the most that a note may have, is half as long. */
const NOTE_MAX = 65_536;
/** A tree of 2^53 leaves has as many levels; a proof of consistency has a hash more than that at most. */
const PROOF_MAX = 64;
const hash = z.string().check(z.maxLength(44));
const note = z.string().check(z.minLength(1), z.maxLength(NOTE_MAX));

/**
 * Two checkpoints, both signed by one log, that no log which only grows can sign. Whoever knows the log's key can check
 * it, offline and years later. Hashes are base64, as in the notes.
 *
 * Evolution: members are never added to v1; another way to prove it is a new format.
 */
export const splitViewSchema = z.strictObject({
  format: z.literal('countersign-split-view/v1'),
  /** Of the log. */
  origin: z.string().check(z.minLength(1), z.maxLength(260)),
  /** vkeys: each of the checkpoints is signed by one of them. */
  log_keys: z.array(z.string().check(z.maxLength(400))).check(z.minLength(1), z.maxLength(4)),
  /** `online-keys+jwt` of the bridge: that its root vouches for the keys. */
  online_keys: z.optional(compactJws),
  /** Notes, the one of the smaller tree first, with whatever cosignatures they bore. */
  checkpoints: z.tuple([note, note]),
  /**
   * Where the sizes differ: the root that the larger tree has at the size of the smaller one, and the proof that it
   * has (RFC 6962 §2.1.2). It is another root than the log signed for that size.
   */
  beginning: z.optional(z.strictObject({ root: hash, proof: z.array(hash).check(z.maxLength(PROOF_MAX)) })),
});

export type SplitView = z.infer<typeof splitViewSchema>;

/** How a larger tree begins: its root at a smaller size, and the proof of consistency from there. Not yet verified. */
export interface TreeBeginning {
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** Whose checkpoints they must be. */
export interface ComparedLog {
  readonly origin: string;
  readonly logKeys: readonly VerifierKey[];
  /** `online-keys+jwt` that vouches for the keys: goes into the evidence. */
  readonly onlineKeys?: string;
}

/**
 * Compares two signed checkpoints of one log: null if the larger tree begins with the smaller one, else the evidence
 * that it does not. `beginningOf` is asked for the beginning of the larger tree where the sizes differ; what it
 * answers may come from the log itself.
 *
 * Throws what opening the notes throws (`note_malformed`, `note_signature`, `log_origin`), and `log_proof` when the
 * beginning is not that of the larger tree: then nothing is decided.
 */
export async function compareCheckpoints(
  notes: readonly [string, string],
  log: ComparedLog,
  beginningOf: (older: Checkpoint, newer: Checkpoint) => Promise<TreeBeginning>,
): Promise<SplitView | null> {
  const [first, second] = [await openView(notes[0], log), await openView(notes[1], log)];
  const [older, newer] = first.checkpoint.size <= second.checkpoint.size ? [first, second] : [second, first];
  // Every tree begins with the empty one, whose root is the same for all.
  if (older.checkpoint.size === 0) return null;
  const evidence = {
    format: 'countersign-split-view/v1' as const,
    origin: log.origin,
    log_keys: [...new Set([...older.signers, ...newer.signers])],
    ...(log.onlineKeys === undefined ? {} : { online_keys: log.onlineKeys }),
    checkpoints: [older.note, newer.note] as [string, string],
  };
  if (older.checkpoint.size === newer.checkpoint.size) {
    return equalBytes(older.checkpoint.root, newer.checkpoint.root) ? null : evidence;
  }
  const { root, proof } = await beginningOf(older.checkpoint, newer.checkpoint);
  assertBeginning(older.checkpoint, newer.checkpoint, { root, proof });
  if (equalBytes(root, older.checkpoint.root)) return null;
  const beginning = { root: encodeBase64(root), proof: proof.map((each) => encodeBase64(each)) };
  return { ...evidence, beginning };
}

/** What evidence proves, and of whom. */
export interface VerifiedSplitView {
  readonly origin: string;
  /** Of the two trees, the smaller one first; equal for two trees of one size. */
  readonly sizes: readonly [number, number];
  /** vkeys that signed. */
  readonly logKeys: readonly string[];
  /** The root key that vouches for them, which the reader compares unless it was given; null where none does. */
  readonly root: string | null;
}

/** What the reader knows of the log. Without either, whose keys they are is the reader's to compare. */
export interface SplitViewTrust {
  /** Thumbprint of the bridge's root. */
  readonly root?: string;
  /** vkeys. */
  readonly logKeys?: readonly string[];
}

/**
 * Checks evidence offline; the attacker may have written all of it. It cannot be made against a log that only ever grew,
 * by anybody who has not its key.
 *
 * Throws `split_view_evidence` when it proves nothing, `root_mismatch` when it is of another root than `trust` says, and
 * what opening notes, keys and tokens throws.
 */
export async function verifySplitView(
  value: unknown,
  trust: SplitViewTrust = {},
): Promise<VerifiedSplitView> {
  const parsed = splitViewSchema.safeParse(value);
  if (!parsed.success) refuse('it is not in the form that it must have');
  const evidence = parsed.data;
  const log = { origin: evidence.origin, logKeys: evidence.log_keys.map((vkey) => parseVerifierKey(vkey)) };
  // A log's key bears its name: another key of the same people says nothing about this log.
  if (log.logKeys.some(({ name }) => name !== evidence.origin)) refuse('a key is not one of this log');
  const root = await trustedRoot(evidence, trust);
  const [older, newer] = [
    await openView(evidence.checkpoints[0], log),
    await openView(evidence.checkpoints[1], log),
  ];
  assertSplit(older.checkpoint, newer.checkpoint, evidence.beginning);
  return {
    origin: evidence.origin,
    sizes: [older.checkpoint.size, newer.checkpoint.size],
    logKeys: [...new Set([...older.signers, ...newer.signers])],
    root,
  };
}

function assertSplit(older: Checkpoint, newer: Checkpoint, beginning: SplitView['beginning']): void {
  if (older.size === newer.size) {
    if (beginning !== undefined) refuse('two trees of one size need no more');
    if (equalBytes(older.root, newer.root)) refuse('both checkpoints are of one tree');
    return;
  }
  if (older.size > newer.size) refuse('the checkpoint of the smaller tree comes first');
  if (beginning === undefined) refuse('how the larger tree begins is missing');
  const root = decodeBase64(beginning.root, HASH_BYTES);
  const proof = beginning.proof.flatMap((each) => decodeBase64(each, HASH_BYTES) ?? []);
  if (root === undefined || proof.length < beginning.proof.length) refuse('a hash is malformed');
  try {
    assertBeginning(older, newer, { root, proof });
  } catch (cause) {
    refuse('the larger tree does not begin as it says', cause);
  }
  if (equalBytes(root, older.root)) refuse('the larger tree begins with the smaller one');
}

/** Throws `log_proof`. */
function assertBeginning({ size }: Checkpoint, newer: Checkpoint, { root, proof }: TreeBeginning): void {
  verifyConsistency({ oldSize: size, oldRoot: root, newSize: newer.size, newRoot: newer.root, proof });
}

interface OpenedView {
  readonly note: string;
  readonly checkpoint: Checkpoint;
  /** vkeys of the log's keys that have signed. */
  readonly signers: readonly string[];
}

async function openView(text: string, { origin, logKeys }: ComparedLog): Promise<OpenedView> {
  const { checkpoint, verified } = await openCheckpoint(text, { origin, logKeys });
  return { note: text, checkpoint, signers: verified.map(({ key }) => formatVerifierKey(key)) };
}

async function trustedRoot(
  { origin, log_keys, online_keys }: SplitView,
  { root, logKeys }: SplitViewTrust,
): Promise<string | null> {
  if (logKeys !== undefined && log_keys.some((vkey) => !logKeys.includes(vkey))) {
    refuse('a key is another than those given');
  }
  if (online_keys === undefined) {
    if (root !== undefined) throw new CountersignError('root_mismatch', 'the evidence names no root');
    return null;
  }
  // As of when they were issued: evidence is read long after they have expired.
  const { iss, iat } = decodeClaims(online_keys, 'online-keys+jwt', onlineKeysSchema);
  const rootThumbprint = root ?? readHeader(online_keys).kid;
  const vouched = logVerifierKeys(await verifyOnlineKeys(online_keys, { iss, rootThumbprint }, iat));
  const names = vouched.map((key) => formatVerifierKey(key));
  if (vouched.some(({ name }) => name !== origin) || log_keys.some((vkey) => !names.includes(vkey))) {
    refuse('its root does not vouch for the keys');
  }
  return rootThumbprint;
}

function refuse(detail: string, cause?: unknown): never {
  throw new CountersignError('split_view_evidence', detail, { cause });
}
