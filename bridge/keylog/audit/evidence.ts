import * as z from 'zod';
import { parseLogEntry } from '../../../protocol/keytrans/log-entry.ts';
import type { PrefixLeaf } from '../../../protocol/keytrans/prefix-tree.ts';
import { encodeBase64 } from '../../../protocol/tlog/base64.ts';
import { TILE_WIDTH } from '../../../protocol/tlog/tile.ts';
import { hashEntries } from './bundle-hashes.ts';
import { EPOCH_ENTRIES } from './entry-rules.ts';
import { FINDINGS, type FindingCode, type LogViolation } from './finding.ts';
import type { LogSource } from './log-source.ts';
import type { LogTrust } from './log-trust.ts';
import { type MapPart, mapPartSchema, touchedMap } from './map-evidence.ts';
import { openCheckpointOf } from './open-checkpoint.ts';
import { readBundle, readForeignTree, type SignedTree } from './read-tree.ts';
import type { Replica } from './replica.ts';
import { type BundledTree, proveBeginning, proveEntry } from './signed-tree.ts';
import type { SignedCheckpoint, StateRecord } from './state-record.ts';

/** Entries that one file shows: those of one epoch, and the end of the one before. */
const MAX_ENTRIES = EPOCH_ENTRIES + 1;

const codes = Object.keys(FINDINGS) as [FindingCode, ...FindingCode[]];

/**
 * What an alarm leaves behind, for somebody who was not there: the checkpoints as the log signed them, the entries that
 * show the violation, and proofs that these stand in the trees of those checkpoints. All bytes are base64.
 */
export const evidenceSchema = z.strictObject({
  format: z.literal('countersign-log-evidence/v1'),
  /** When it was made, seconds, by the auditor's clock. */
  made: z.int().nonnegative(),
  bridge: z.string(),
  origin: z.string(),
  finding: z.strictObject({
    code: z.enum(codes),
    /** The entry's position in the log, where it is about one. */
    index: z.int().nullable(),
    meaning: z.string(),
    expected: z.string(),
    found: z.string(),
  }),
  /** Why the auditor believes the log's keys: the root, and the `online-keys+jwt` that it signed. */
  trust: z.strictObject({ root: z.string().nullable(), online_keys: z.string().nullable() }),
  /** First the one that was being replayed; then, where the finding is about two, the one seen before. */
  checkpoints: z
    .array(z.strictObject({ note: z.string(), log_keys: z.array(z.string()) }))
    .min(1)
    .max(2),
  entries: z
    .array(
      z.strictObject({
        /** Which of the checkpoints it stands under. */
        checkpoint: z.int().min(0).max(1),
        index: z.int().nonnegative(),
        entry: z.string(),
        /** RFC 6962 inclusion proof. */
        proof: z.array(z.string()).max(63),
      }),
    )
    .max(MAX_ENTRIES),
  /**
   * Of two checkpoints, whose sizes differ: the root that the newest tree has at the size of the earlier one, and the
   * proof of consistency from there. Another root than was signed for that size shows that the log was rewritten.
   */
  beginning: z.optional(z.strictObject({ root: z.string(), proof: z.array(z.string()).max(64) })),
  /** Of the map before the epoch whose root is wrong: what its leaves touch. */
  map: z.optional(mapPartSchema),
});

export type Evidence = z.infer<typeof evidenceSchema>;

export interface EvidenceContext {
  /** Keeps what it answered: the log may answer no more. */
  readonly source: LogSource;
  /** The tree of that checkpoint, where it was found to be the one that was signed: it begins with our copy. */
  readonly tree: SignedTree | undefined;
  readonly trust: LogTrust;
  /** The checkpoint that was being replayed. */
  readonly target: SignedCheckpoint;
  /** As it was before. */
  readonly record: StateRecord;
  readonly replica: Replica;
  readonly now: number;
}

/**
 * The evidence for a violation, out of what was read when it was found. What it takes beside that and the log does not
 * answer any more is left out; it never rejects for that.
 */
export async function collectEvidence(violation: LogViolation, context: EvidenceContext): Promise<Evidence> {
  const { record, target, trust } = context;
  const earlier = earlierCheckpoint(violation, record);
  const { code, index, expected, found } = violation.finding;
  const served = await servedEvidence(violation, context).catch(() => ({ entries: [] }));
  const beginning = await newBeginning(earlier, context).catch(() => ({}));
  const own = earlier.length === 0 ? [] : await ownEntries(violation.positions, context).catch(() => []);
  return {
    format: 'countersign-log-evidence/v1',
    made: context.now,
    bridge: record.url,
    origin: record.origin,
    finding: { code, index, meaning: FINDINGS[code], expected, found },
    trust: { root: trust.root, online_keys: trust.onlineKeys },
    checkpoints: [target, ...earlier].map(({ note, log_keys }) => ({ note, log_keys })),
    ...served,
    ...beginning,
    entries: [...served.entries, ...own],
  };
}

/** The checkpoint that the log went back on. */
function earlierCheckpoint({ finding, positions }: LogViolation, record: StateRecord): SignedCheckpoint[] {
  const { verified, seen } = record;
  const isOfVerified = positions.some((position) => position < (verified?.size ?? 0));
  if (finding.code === 'history_rewritten') return [isOfVerified ? (verified ?? []) : (seen ?? [])].flat();
  if (finding.code === 'split_view' || finding.code === 'rolled_back') return [seen ?? []].flat();
  return [];
}

type EvidenceEntry = Evidence['entries'][number];

/** The entries as they stand in the tree that the log signed now, and, for a wrong root of the map, its part. */
async function servedEvidence(
  { finding, positions }: LogViolation,
  context: EvidenceContext,
): Promise<Pick<Evidence, 'entries' | 'map'>> {
  if (positions.length === 0 || positions.length > MAX_ENTRIES) return { entries: [] };
  const tree = await signedTree(context);
  const read = readerOf(tree, context);
  const entries = await proveEntries(0, tree, positions, read);
  if (finding.code !== 'prefix_root') return { entries };
  return { entries, map: await mapBefore(positions, read) };
}

/** The tree that was signed; it is read from the log's tiles where our copy is not its beginning. */
async function signedTree({ tree, source, target, record }: EvidenceContext): Promise<SignedTree> {
  return tree ?? (await readForeignTree(source, await openCheckpointOf(target, record.origin)));
}

/** Entries of the signed tree: of our copy, where that is known to be its beginning. */
function readerOf(tree: SignedTree, { tree: verified, source, replica }: EvidenceContext): ReadEntries {
  const whole = replica.size >= tree.size ? Number.POSITIVE_INFINITY : Math.floor(replica.size / TILE_WIDTH);
  const own = verified === undefined ? 0 : whole;
  return (bundle) => (bundle < own ? replica.entriesOf(bundle) : readBundle(source, tree, bundle));
}

/** How the tree that the log signed now begins, where it has grown since the earlier one. */
async function newBeginning(
  [earlier]: readonly SignedCheckpoint[],
  context: EvidenceContext,
): Promise<Pick<Evidence, 'beginning'>> {
  if (earlier === undefined || earlier.size === 0 || earlier.size >= context.target.size) return {};
  const tree = await signedTree(context);
  const entries = await readerOf(tree, context)(Math.floor(earlier.size / TILE_WIDTH));
  const { root, proof } = proveBeginning(tree, earlier.size, hashEntries(entries));
  return { beginning: { root: encodeBase64(root), proof: proof.map((hash) => encodeBase64(hash)) } };
}

/** The same positions as they stood in the tree that was verified before, out of our own copy. */
async function ownEntries(
  positions: readonly number[],
  { replica, record }: EvidenceContext,
): Promise<EvidenceEntry[]> {
  const size = record.verified?.size ?? 0;
  const within = positions.filter((position) => position < size);
  return proveEntries(1, await replica.at(size), within, (bundle) => replica.entriesOf(bundle));
}

type ReadEntries = (bundle: number) => Promise<Uint8Array[]>;

async function proveEntries(
  checkpoint: number,
  tree: BundledTree,
  positions: readonly number[],
  read: ReadEntries,
): Promise<EvidenceEntry[]> {
  const bundles = new Map<number, Uint8Array[]>();
  const proven: EvidenceEntry[] = [];
  for (const index of positions) {
    const number = Math.floor(index / TILE_WIDTH);
    const bundle = bundles.get(number) ?? (await read(number));
    bundles.set(number, bundle);
    proven.push(proof(checkpoint, index, bundle, (leaves) => proveEntry(tree, index, leaves)));
  }
  return proven;
}

/** What the versions of an epoch touch of the map before it: all entries before are read again for it. */
async function mapBefore(positions: readonly number[], read: ReadEntries): Promise<MapPart> {
  const [before = 0, last = 0] = [positions[0], positions.at(-1)];
  const old: PrefixLeaf[] = [];
  const added: PrefixLeaf[] = [];
  for (let bundle = 0; bundle * TILE_WIDTH <= last; bundle++) {
    for (const [place, bytes] of (await read(bundle)).entries()) {
      const index = bundle * TILE_WIDTH + place;
      const entry = index < last ? parseLogEntry(bytes) : undefined;
      if (entry?.kind === 'version') (index < before ? old : added).push(entry);
    }
  }
  return touchedMap(old, added);
}

function proof(
  checkpoint: number,
  index: number,
  bundle: readonly Uint8Array[],
  prove: (leaves: Uint8Array) => Uint8Array[],
): EvidenceEntry {
  const entry = bundle[index % TILE_WIDTH] ?? new Uint8Array();
  return {
    checkpoint,
    index,
    entry: encodeBase64(entry),
    proof: prove(hashEntries(bundle)).map((hash) => encodeBase64(hash)),
  };
}
