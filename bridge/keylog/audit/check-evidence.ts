import { equalBytes } from '../../../protocol/bytes.ts';
import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import { decodeClaims } from '../../../protocol/jws.ts';
import { type EpochEntry, type LogEntry, parseLogEntry } from '../../../protocol/keytrans/log-entry.ts';
import { EMPTY_NODE } from '../../../protocol/keytrans/prefix-tree.ts';
import { onlineKeysSchema, verifyOnlineKeys } from '../../../protocol/online-keys.ts';
import { decodeBase64 } from '../../../protocol/tlog/base64.ts';
import type { Checkpoint } from '../../../protocol/tlog/checkpoint.ts';
import { logVerifierKeys } from '../../../protocol/tlog/log-keys.ts';
import { hashLeaf, verifyConsistency, verifyInclusion } from '../../../protocol/tlog/merkle.ts';
import { formatVerifierKey } from '../../../protocol/tlog/verifier-key.ts';
import { sha256 } from '../../lib/hash.ts';
import { EPOCH_ENTRIES } from './entry-rules.ts';
import { type Evidence, evidenceSchema } from './evidence.ts';
import { FINDINGS } from './finding.ts';
import { type MapPart, refutesRoot } from './map-evidence.ts';
import { openCheckpointOf } from './open-checkpoint.ts';

/** What a file of evidence shows to somebody who was not there. */
export interface EvidenceVerdict {
  readonly evidence: Evidence;
  /** Signed by the log, and against the rules by itself; else it takes another audit to see it. */
  readonly proven: boolean;
  /** The root under which the log's keys are known, if the evidence says so and it is true. */
  readonly root: string | null;
  readonly logKeys: readonly string[];
}

/** What the reader trusts; without either, whose signatures they are is for the reader to compare. */
export interface EvidenceTrust {
  readonly root?: string;
  readonly logKey?: string;
}

/**
 * Checks evidence without the log: that the log signed the checkpoints, that the entries stand in their trees, and that
 * they break the rule that is named. Nothing of it is believed before.
 *
 * Throws `audit_evidence` when something of it is not so, `root_mismatch` when it is of another root than `trust` says,
 * and what the checks of notes, keys and proofs throw.
 */
export async function checkEvidence(file: unknown, trust: EvidenceTrust = {}): Promise<EvidenceVerdict> {
  const parsed = evidenceSchema.safeParse(file);
  if (!parsed.success) {
    throw new CountersignError('audit_evidence', 'This is no evidence of an audit.', { cause: parsed.error });
  }
  const { finding } = parsed.data;
  // What a finding means is for us to say: the file is whoever's.
  const evidence = { ...parsed.data, finding: { ...finding, meaning: FINDINGS[finding.code] } };
  const logKeys = [...new Set(evidence.checkpoints.flatMap(({ log_keys }) => log_keys))];
  const root = await trustedRoot(evidence, logKeys, trust);
  const checkpoints: Checkpoint[] = [];
  for (const signed of evidence.checkpoints) {
    checkpoints.push(await openCheckpointOf(signed, evidence.origin));
  }
  const entries = evidence.entries.map((entry) => includedEntry(entry, checkpoints));
  return { evidence, proven: isProven(evidence, checkpoints, entries), root, logKeys };
}

/** Whether it shows, to anybody, that the log broke a rule: not what a cache or a broken disk may have done. */
export async function isProof(evidence: Evidence): Promise<boolean> {
  try {
    return (await checkEvidence(evidence)).proven;
  } catch (error) {
    if (isCountersignError(error)) return false;
    throw error;
  }
}

async function trustedRoot(
  { trust, bridge }: Evidence,
  logKeys: readonly string[],
  wanted: EvidenceTrust,
): Promise<string | null> {
  if (wanted.logKey !== undefined && logKeys.some((vkey) => vkey !== wanted.logKey)) {
    throw new CountersignError(
      'audit_evidence',
      'The checkpoints were signed by another key than the one given.',
    );
  }
  if (trust.root === null || trust.online_keys === null) {
    if (wanted.root === undefined) return null;
    throw new CountersignError('root_mismatch', 'The evidence names no root.');
  }
  if (wanted.root !== undefined && wanted.root !== trust.root) {
    throw new CountersignError('root_mismatch', `The evidence is of the root ${trust.root}.`);
  }
  // As of when they were issued: evidence is read long after they have expired.
  const { iat } = decodeClaims(trust.online_keys, 'online-keys+jwt', onlineKeysSchema);
  const onlineKeys = await verifyOnlineKeys(
    trust.online_keys,
    { iss: bridge, rootThumbprint: trust.root },
    iat,
  );
  const vouched = logVerifierKeys(onlineKeys).map((key) => formatVerifierKey(key));
  if (logKeys.every((vkey) => vouched.includes(vkey))) return trust.root;
  throw new CountersignError('audit_evidence', 'The root does not vouch for the keys of the checkpoints.');
}

interface IncludedEntry {
  readonly checkpoint: number;
  readonly index: number;
  readonly bytes: Uint8Array;
  /** Undefined where it is of no known form. */
  readonly parsed: LogEntry | undefined;
}

function includedEntry(
  { checkpoint, index, entry, proof }: Evidence['entries'][number],
  checkpoints: readonly Checkpoint[],
): IncludedEntry {
  const bytes = decodeBase64(entry);
  const signed = checkpoints[checkpoint];
  if (bytes === undefined || signed === undefined) {
    throw new CountersignError('audit_evidence', `Entry ${index} of the evidence is malformed.`);
  }
  const claim = {
    index,
    size: signed.size,
    root: signed.root,
    leafHash: hashLeaf(bytes, sha256),
    proof: proof.map(bytesOf),
  };
  verifyInclusion(claim, sha256);
  return { checkpoint, index, bytes, parsed: parse(bytes) };
}

function isProven(
  evidence: Evidence,
  checkpoints: readonly Checkpoint[],
  entries: readonly IncludedEntry[],
): boolean {
  const [signed, earlier] = checkpoints;
  const [first, second] = entries;
  const [before, after] = epochPair(entries);
  switch (evidence.finding.code) {
    case 'split_view':
      return earlier !== undefined && signed?.size === earlier.size && !equalBytes(signed.root, earlier.root);
    case 'history_rewritten':
      return isRewritten(entries) || beginsOtherwise(evidence, checkpoints);
    case 'first_entry':
      return first?.index === 0 && first.parsed?.kind !== 'start';
    case 'second_start':
      return entries.some(({ index, parsed }) => index > 0 && parsed?.kind === 'start');
    case 'unknown_entry':
      return entries.some(({ parsed }) => parsed === undefined);
    case 'output_twice':
      return (
        first !== undefined &&
        second !== undefined &&
        first.index !== second.index &&
        sameOutput(first, second)
      );
    case 'epoch_not_next':
      return after !== undefined && !follows(before, after);
    case 'time_back':
      return before !== undefined && after !== undefined && after.time < before.time;
    case 'epoch_too_long':
      return (
        after !== undefined && isNext(before, after) && after.index - (before?.index ?? 0) > EPOCH_ENTRIES
      );
    case 'leaves_count':
      return after !== undefined && isNext(before, after) && after.leaves !== leavesAt(before, after);
    case 'not_at_epoch_end':
      return (
        signed?.size === 0 || (first?.index === (signed?.size ?? 0) - 1 && first.parsed?.kind !== 'epoch')
      );
    case 'prefix_root':
      return evidence.map !== undefined && isRootRefuted(evidence.map, entries);
    default:
      return false;
  }
}

/** Whether the entries are all versions between two epochs that follow each other, and lead to another root. */
function isRootRefuted(map: MapPart, entries: readonly IncludedEntry[]): boolean {
  const [before, after] = epochPair(entries);
  if (after === undefined || !isNext(before, after)) return false;
  const between = entries.filter(({ index }) => index > (before?.index ?? 0) && index < after.index);
  const added = between.flatMap(({ parsed }) => (parsed?.kind === 'version' ? [parsed] : []));
  const places = new Set(between.map(({ index }) => index));
  if (added.length !== between.length || places.size !== after.index - (before?.index ?? 0) - 1) return false;
  return refutesRoot(map, added, { before: before?.prefixRoot ?? EMPTY_NODE, claimed: after.prefixRoot });
}

/** Whether one position has two entries, each in a tree that the log signed. */
function isRewritten(entries: readonly IncludedEntry[]): boolean {
  return entries.some(({ checkpoint, index, bytes }) =>
    entries.some(
      (other) => checkpoint !== other.checkpoint && index === other.index && !equalBytes(bytes, other.bytes),
    ),
  );
}

/** Whether the newest tree has another root, at the size of the earlier one, than was signed for it. */
function beginsOtherwise({ beginning }: Evidence, [newest, earlier]: readonly Checkpoint[]): boolean {
  if (beginning === undefined || newest === undefined || earlier === undefined) return false;
  const oldRoot = bytesOf(beginning.root);
  const proof = beginning.proof.map(bytesOf);
  const sizes = { oldSize: earlier.size, newSize: newest.size };
  verifyConsistency({ ...sizes, oldRoot, newRoot: newest.root, proof }, sha256);
  return !equalBytes(oldRoot, earlier.root);
}

function bytesOf(hash: string): Uint8Array {
  const bytes = decodeBase64(hash, 32);
  if (bytes === undefined)
    throw new CountersignError('audit_evidence', 'A hash of the evidence is malformed.');
  return bytes;
}

type PlacedEpoch = EpochEntry & { readonly index: number };

/** Two epochs of one tree in their order, or one alone, which claims to be the first. */
function epochPair(entries: readonly IncludedEntry[]): [PlacedEpoch | undefined, PlacedEpoch | undefined] {
  const epochs = entries
    .flatMap(({ checkpoint, index, parsed }) => {
      return checkpoint === 0 && parsed?.kind === 'epoch' ? [{ ...parsed, index }] : [];
    })
    .toSorted((one, other) => one.index - other.index);
  return epochs.length > 1 ? [epochs[0], epochs[1]] : [undefined, epochs[0]];
}

/**
 * Whether the second epoch may be the next after the first. Where its number leaps ahead, epochs may lie between the
 * two, unless the leaves say that every entry between them is a version.
 */
function follows(before: PlacedEpoch | undefined, after: PlacedEpoch): boolean {
  if (isNext(before, after)) return true;
  return after.epoch > (before?.epoch ?? 0) && after.leaves !== leavesAt(before, after);
}

function isNext(before: PlacedEpoch | undefined, after: PlacedEpoch): boolean {
  return after.epoch === (before?.epoch ?? 0) + 1;
}

/** The leaves at the second epoch, if versions alone lie before it, down to the first one or to entry 0. */
function leavesAt(before: PlacedEpoch | undefined, after: PlacedEpoch): number {
  return (before?.leaves ?? 0) + after.index - (before?.index ?? 0) - 1;
}

function sameOutput(one: IncludedEntry, other: IncludedEntry): boolean {
  return (
    one.parsed?.kind === 'version' &&
    other.parsed?.kind === 'version' &&
    equalBytes(one.parsed.output, other.parsed.output)
  );
}

function parse(bytes: Uint8Array): LogEntry | undefined {
  try {
    return parseLogEntry(bytes);
  } catch (error) {
    if (isCountersignError(error, 'log_proof')) return undefined;
    throw error;
  }
}
