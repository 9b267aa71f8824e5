import * as z from 'zod';
import { encodeBase64 } from '../../../protocol/tlog/base64.ts';
import { TILE_WIDTH } from '../../../protocol/tlog/tile.ts';
import { hashEntries } from './bundle-hashes.ts';
import { FINDINGS, type FindingCode, type LogViolation } from './finding.ts';
import type { LogSource } from './log-source.ts';
import { openCheckpointOf } from './open-checkpoint.ts';
import { readBundle, readForeignTree } from './read-tree.ts';
import type { Replica } from './replica.ts';
import { proveEntry } from './signed-tree.ts';
import type { SignedCheckpoint, StateRecord } from './state-record.ts';

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
  checkpoints: z.array(z.strictObject({ note: z.string(), log_keys: z.array(z.string()) })).max(2),
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
    .max(4_096),
});

export type Evidence = z.infer<typeof evidenceSchema>;

export interface EvidenceContext {
  readonly source: LogSource;
  /** The checkpoint that was being replayed. */
  readonly target: SignedCheckpoint;
  readonly record: StateRecord;
  readonly replica: Replica;
  readonly now: number;
}

/** The evidence for a violation. What cannot be fetched again for it is left out; it never rejects for that. */
export async function collectEvidence(violation: LogViolation, context: EvidenceContext): Promise<Evidence> {
  const { record, target } = context;
  const earlier = earlierCheckpoint(violation.finding.code, record);
  const { code, index, expected, found } = violation.finding;
  return {
    format: 'countersign-log-evidence/v1',
    made: context.now,
    bridge: record.url,
    origin: record.origin,
    finding: { code, index, meaning: FINDINGS[code], expected, found },
    trust: { root: record.root, online_keys: record.online_keys },
    checkpoints: [target, ...earlier].map(({ note, log_keys }) => ({ note, log_keys })),
    entries: [
      ...(await servedEntries(violation.positions, context).catch(() => [])),
      ...(earlier.length === 0 ? [] : await ownEntries(violation.positions, context)),
    ],
  };
}

/** The checkpoint that the log went back on. */
function earlierCheckpoint(code: FindingCode, { verified, seen }: StateRecord): SignedCheckpoint[] {
  if (code === 'history_rewritten') return [verified ?? seen ?? []].flat();
  if (code === 'split_view' || code === 'rolled_back') return [seen ?? []].flat();
  return [];
}

type EvidenceEntry = Evidence['entries'][number];

async function servedEntries(
  positions: readonly number[],
  context: EvidenceContext,
): Promise<EvidenceEntry[]> {
  if (positions.length === 0) return [];
  const tree = await readForeignTree(
    context.source,
    await openCheckpointOf(context.target, context.record.origin),
  );
  const proven: EvidenceEntry[] = [];
  for (const index of positions) {
    const entries = await readBundle(context.source, tree, Math.floor(index / TILE_WIDTH));
    proven.push(proof(0, index, entries, (leaves) => proveEntry(tree, index, leaves)));
  }
  return proven;
}

/** The same positions as they stood in the tree that was verified before, out of our own copy. */
async function ownEntries(
  positions: readonly number[],
  { replica, record }: EvidenceContext,
): Promise<EvidenceEntry[]> {
  const size = record.verified?.size ?? 0;
  const tree = await replica.at(size);
  const proven: EvidenceEntry[] = [];
  for (const index of positions.filter((position) => position < size)) {
    const entries = await replica.entriesOf(Math.floor(index / TILE_WIDTH));
    proven.push(proof(1, index, entries, (leaves) => proveEntry(tree, index, leaves)));
  }
  return proven;
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
