import { equalBytes } from '../bytes.ts';
import type { EventCopy, EventRow } from './event-copy.ts';
import { missingEvents } from './missing-events.ts';
import { type ProvenHashes, proveHashes } from './prove-hashes.ts';
import { SeqRanges } from './seq-ranges.ts';

export interface SeqRange {
  readonly from: number;
  readonly to: number;
}

/** What a copy is found to be. Lists are ranges of `seq`. */
export interface CopyReport {
  /**
   * `refuted`: something was altered, added or left out. `proven`: all of it is as it was signed. `partly`: nothing is
   * wrong, but not all of it is proven. `unproven`: no checkpoint proves any of it.
   */
  readonly outcome: 'proven' | 'partly' | 'unproven' | 'refuted';
  /** The first event of the copy and the last one; null where there is none. */
  readonly range: SeqRange | null;
  /** Events that are as they were signed, content and place. */
  readonly proven: number;
  /** Events of which the place and the hash are proven, and not the content: personal data was taken out. */
  readonly redacted: number;
  /** Of these the place and the hash are proven, and not the content: they say that a sink cut them, which anybody can write. */
  readonly shortened: readonly SeqRange[];
  /** Not what was signed, or at odds with their own hash. */
  readonly altered: readonly SeqRange[];
  /** Not there, and expected: between the first and the last, in the range of a proof, in a proven list, or asked for. */
  readonly missing: readonly SeqRange[];
  /** There twice, with different content: one of them is not of the log. */
  readonly added: readonly SeqRange[];
  /** They fit together, and yet they are not what was signed: at least one was altered and all behind it linked anew. */
  readonly contradicted: readonly SeqRange[];
  /** They fit together, and no checkpoint says more. */
  readonly unproven: readonly SeqRange[];
  /** Lines that are no events, or of another bridge. */
  readonly unreadable: readonly number[];
  /** Lines that say more than follows from the original that they carry: nothing but the original is proven. */
  readonly beside: readonly number[];
  /** Events that say that they were sent to try the sink out: no part of the log, signed by nobody, no proof of anything. */
  readonly tests: number;
  /** Sizes of the log for which different checkpoints were signed: whoever has its key told different stories. */
  readonly forked: readonly number[];
  /** Events that the newest verified checkpoint covers. */
  readonly covered: number;
}

export interface VerifyOptions {
  /** Notes of checkpoints that are known from elsewhere: where they are given, what does not connect with one proves nothing. */
  readonly checkpoints?: readonly string[];
  readonly filtered?: boolean;
  readonly expected?: Partial<SeqRange>;
  readonly redacted?: boolean;
  readonly shortened?: boolean;
  readonly originals?: boolean;
}

/**
 * Says of a copy of the event log, complete or a part, what is proven of it: nothing but the keys and the checkpoints
 * is trusted. A copy that ends before the newest checkpoint is `partly`, unless it was asked for up to there.
 *
 * @param filtered - the copy is of a sink that does not get all events: what is missing is reported and no fault
 * @param redacted - the copy is of a sink that takes personal data out: without it, such events make it `unproven`, and
 *   beside a proof that the copy brings `refuted`, as the bridge exports none
 * @param shortened - the copy is of a sink that cuts long events: without it, such events make it `unproven`, and beside a
 *   proof that the copy brings `refuted`
 * @param originals - of lines in formats of others, which carry originals, nothing else counts. Without it a line that
 *   says anything beside its original makes the copy `unproven`
 * @param expected - the events that must be there, both ends included
 */
export async function verifyEventCopy(copy: EventCopy, options: VerifyOptions = {}): Promise<CopyReport> {
  const proven = proveHashes(copy, await anchorsOf(copy, options));
  return conclude(judge(copy, proven, expectedEvents(copy, proven, options)), copy, options);
}

/** Sizes of the kept checkpoints that the log's keys have signed. */
async function anchorsOf(copy: EventCopy, { checkpoints }: VerifyOptions): Promise<number[] | undefined> {
  if (checkpoints === undefined) return undefined;
  const kept = await Promise.all(checkpoints.map((note) => copy.signed.add(note)));
  return kept.flatMap((checkpoint) => (checkpoint === undefined ? [] : [checkpoint.size]));
}

type Finding = 'proven' | 'redacted' | 'shortened' | 'altered' | 'contradicted' | 'unproven';

interface Judged {
  readonly found: Readonly<Record<Finding, SeqRanges>>;
  readonly missing: SeqRanges;
  readonly added: SeqRanges;
  /** Rows of events that are not as they were signed, whatever else proves the events in them. */
  readonly contradictions: number;
}

/** Which events must be there, by what the copy itself shows and by what was asked for. */
function expectedEvents(copy: EventCopy, { hashes }: ProvenHashes, { expected }: VerifyOptions): SeqRange[] {
  const { range } = copy;
  const [first, last] = [expected?.from ?? range?.from, expected?.to ?? range?.to];
  const listed = new SeqRanges();
  for (const seq of copy.listed()) {
    const [signed, said] = [hashes.get(seq), copy.listedHash(seq)];
    if (signed !== undefined && said !== undefined && equalBytes(signed, said)) listed.add(seq);
  }
  return [
    ...(first === undefined || last === undefined ? [] : [{ from: first, to: last }]),
    ...(range === undefined ? [] : [range]),
    ...copy.proofs.filter(({ brought }) => brought).map(({ proof: { from, to } }) => ({ from, to })),
    ...listed.ranges,
  ];
}

function judge(copy: EventCopy, proven: ProvenHashes, expected: readonly SeqRange[]): Judged {
  const found = {
    proven: new SeqRanges(),
    redacted: new SeqRanges(),
    shortened: new SeqRanges(),
    altered: new SeqRanges(),
    contradicted: new SeqRanges(),
    unproven: new SeqRanges(),
  };
  const missing = missingEvents(copy.seqs(), expected);
  const added = new SeqRanges();
  const isContradicted = risingWithin(proven.contradicted);
  for (const seq of copy.seqs()) {
    const events = copy.at(seq);
    if (differing(events).length > 1) added.add(seq);
    const finding = findingOf(events, proven.hashes.get(seq), copy.at(seq + 1)[0]?.prev);
    found[finding === 'unproven' && isContradicted(seq) ? 'contradicted' : finding].add(seq);
  }
  return { found, missing, added, contradictions: proven.contradicted.length };
}

/** Those that cannot be one event: a replay may bring whole what was shortened before. */
function differing(events: readonly EventRow[]): readonly EventRow[] {
  return events.filter(
    ({ content, hash, prev }) =>
      content !== 'shortened' ||
      !events.some(
        (other) => other.content === 'whole' && equalBytes(other.hash, hash) && equalBytes(other.prev, prev),
      ),
  );
}

/** Whether one of the ranges has a `seq`: asked for rising ones only. */
function risingWithin(ranges: readonly SeqRange[]): (seq: number) => boolean {
  const sorted = [...ranges].sort((left, right) => left.from - right.from);
  let [next, reach] = [0, 0];
  return (seq) => {
    for (let range = sorted[next]; range !== undefined && range.from <= seq; range = sorted[next]) {
      reach = Math.max(reach, range.to);
      next += 1;
    }
    return seq <= reach;
  };
}

/** @param following - the hash that the next event names */
function findingOf(
  events: readonly EventRow[],
  signed: Uint8Array | undefined,
  following: Uint8Array | undefined,
): Finding {
  if (signed !== undefined) {
    const ours = events.filter(({ hash }) => equalBytes(hash, signed));
    // beside the whole event too: this line of it is not proven
    if (ours.some(({ content }) => content === 'shortened')) return 'shortened';
    if (ours.some(({ content }) => content === 'whole')) return 'proven';
    return ours.some(({ content }) => content === 'redacted') ? 'redacted' : 'altered';
  }
  if (events.every(({ content }) => content === 'altered')) return 'altered';
  const linked = following === undefined || events.some(({ hash }) => equalBytes(hash, following));
  return linked ? 'unproven' : 'altered';
}

function conclude(
  { found, missing, added, contradictions }: Judged,
  copy: EventCopy,
  { filtered = false, expected, redacted = false, shortened = false, originals = false }: VerifyOptions,
): CopyReport {
  const { range = null, unreadable, beside, tests } = copy;
  const { covered, forked } = copy.signed;
  const faults = [found.altered, found.contradicted, added, ...(filtered ? [] : [missing])];
  const refuted =
    unreadable.length > 0 ||
    ((copy.redacted || copy.shortened) && copy.broughtProof) ||
    forked.length > 0 ||
    contradictions > 0 ||
    faults.some(({ count }) => count > 0);
  // what was cut off at the end, only a checkpoint or whoever asked can tell
  const ended = expected?.to !== undefined || (range?.to ?? 0) >= covered;
  const withoutContent = found.redacted.count + found.shortened.count;
  const left = found.unproven.count + withoutContent + missing.count;
  const shown = found.proven.count + withoutContent > 0;
  const hidden =
    (copy.redacted && !redacted) || (copy.shortened && !shortened) || (beside.length > 0 && !originals);
  const partly = ended && left === 0 ? 'proven' : 'partly';
  return {
    outcome: refuted ? 'refuted' : !shown || hidden ? 'unproven' : partly,
    range,
    proven: found.proven.count,
    redacted: found.redacted.count,
    shortened: found.shortened.ranges,
    altered: found.altered.ranges,
    missing: missing.ranges,
    added: added.ranges,
    contradicted: found.contradicted.ranges,
    unproven: found.unproven.ranges,
    unreadable,
    beside,
    tests,
    forked,
    covered,
  };
}
