import { CountersignError, isCountersignError } from '../protocol/errors.ts';
import { CLOCK_SKEW } from '../protocol/jws.ts';
import { MAX_CHECKPOINT_AGE } from '../protocol/keytrans/limits.ts';
import type { SplitView } from '../protocol/tlog/split-view.ts';
import type { ClientContext } from './context.ts';
import type { PinDraft } from './pin-draft.ts';
import type { CheckpointPin, IssuerPin, LogPin } from './pin-store.ts';
import { SplitViewError } from './split-view-error.ts';

/** How many checkpoints are remembered until a proof joins them: notes of a few hundred bytes, for each issuer. */
const UNPROVEN_MAX = 8;

/** A checkpoint that was just verified. */
export interface SeenCheckpoint {
  readonly issuer: Pick<IssuerPin, 'entity_id' | 'root_thumbprint'>;
  /** `online-keys+jwt` that vouches for the key that signed it. */
  readonly onlineKeys: string;
  readonly pin: CheckpointPin;
}

/**
 * Holds a checkpoint against what was seen of its log before, and remembers it if it is the newest.
 *
 * One of a size that was seen before must have the same root (`log_split_view`, a `SplitViewError`). One that is smaller
 * than what was seen counts only as long as checkpoints may age: an answer from a cache, or stapled to the newest one that
 * enough witnesses and auditors have seen, is older than the newest, but not for ever. The age counts from when the next
 * larger one that is known here was there to `asOf`, when the answer was made (seconds): `checkpoint_rollback`.
 */
export async function seeCheckpoint(
  context: ClientContext,
  draft: PinDraft,
  seen: SeenCheckpoint,
  asOf: number,
): Promise<void> {
  const { entity_id: issuer } = seen.issuer;
  const known = draft.log(issuer);
  if (known === undefined) {
    draft.setLog(issuer, { anchor: seen.pin, unproven: [], split_view: null });
    return;
  }
  const all = seenOf(known);
  const same = all.find(({ size }) => size === seen.pin.size);
  if (same !== undefined && same.root !== seen.pin.root) {
    const evidence = await evidenceOf(context, seen, same);
    draft.setLog(issuer, withEvidence(known, evidence));
    throw new SplitViewError(evidence, issuer);
  }
  const next = all.find(({ size }) => size > seen.pin.size);
  if (next !== undefined) {
    assertNotLongSuperseded(next, asOf, context.policy.log?.maxCheckpointAge ?? MAX_CHECKPOINT_AGE);
  }
  if (same !== undefined) return;
  const { unproven } = known;
  // Where there is no more room the newest gives way to a newer one, and to nothing else.
  const room = unproven.length < UNPROVEN_MAX;
  if (!room && next !== undefined) return;
  const kept = [...(room ? unproven : unproven.slice(0, -1)), seen.pin];
  draft.setLog(issuer, { ...known, unproven: kept.toSorted((left, right) => left.size - right.size) });
}

/** All that was seen of a log, by size. */
export function seenOf({ anchor, unproven }: LogPin): CheckpointPin[] {
  return [anchor, ...unproven].toSorted((left, right) => left.size - right.size);
}

function assertNotLongSuperseded({ time }: CheckpointPin, asOf: number, maxAge: number): void {
  if (asOf - time <= maxAge + CLOCK_SKEW) return;
  throw new CountersignError(
    'checkpoint_rollback',
    `a newer checkpoint was there ${asOf - time} s before this answer`,
  );
}

/** Two notes of one size and different roots, both signed: null where the earlier one's key is not published any more. */
async function evidenceOf(
  context: ClientContext,
  { issuer, onlineKeys, pin }: SeenCheckpoint,
  earlier: CheckpointPin,
): Promise<SplitView | null> {
  const { proveSplit } = await import('./split-proof.ts');
  const expected = { iss: issuer.entity_id, rootThumbprint: issuer.root_thumbprint };
  try {
    return await proveSplit([earlier.note, pin.note], { onlineKeys, expected, now: context.now() });
  } catch (error) {
    if (isCountersignError(error, 'note_signature')) return null;
    throw error;
  }
}

/** The first evidence stays: whatever follows is the same log's. */
export function withEvidence(known: LogPin, evidence: SplitView | null): LogPin {
  if (evidence === null || known.split_view !== null) return known;
  return { ...known, split_view: JSON.stringify(evidence) };
}

/** Changes what is pinned of one log, by itself. */
export async function changeLogPin(
  { pins }: Pick<ClientContext, 'pins'>,
  issuer: string,
  change: (log: LogPin) => LogPin,
): Promise<void> {
  await pins.update(async (before) => {
    const log = before.logs[issuer];
    if (log === undefined) return { pins: before, result: undefined };
    return { pins: { ...before, logs: { ...before.logs, [issuer]: change(log) } }, result: undefined };
  });
}

/**
 * Runs a task on the pins that throws what it finds. That a log was split is kept all the same: what a failed task
 * changed would be lost otherwise, and with it the evidence.
 */
export async function keepingEvidence<Result>(
  context: Pick<ClientContext, 'pins'>,
  issuer: string,
  task: () => Promise<Result>,
): Promise<Result> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof SplitViewError) {
      const { evidence } = error;
      await changeLogPin(context, issuer, (log) => withEvidence(log, evidence));
    }
    throw error;
  }
}

/** The evidence that was kept, by entity id. */
export async function keptSplitViews({
  pins,
}: Pick<ClientContext, 'pins'>): Promise<Record<string, SplitView>> {
  const { logs } = await pins.read();
  return Object.fromEntries(
    Object.entries(logs).flatMap(([issuer, { split_view: kept }]) =>
      kept === null ? [] : [[issuer, JSON.parse(kept) as SplitView]],
    ),
  );
}
