import { eventLogOrigin } from '../tlog/checkpoint.ts';
import type { Sha256 } from '../tlog/merkle.ts';
import type { VerifierKey } from '../tlog/verifier-key.ts';
import type { CopiedEvent } from './copied-line.ts';
import type { EventCopy } from './event-copy.ts';
import { missingEvents } from './missing-events.ts';
import { type ProvenHashes, proveHashes } from './prove-hashes.ts';
import { SeqRanges } from './seq-ranges.ts';
import { openSigned, type SignedCheckpoints } from './signed-checkpoints.ts';

export interface CopyTrust {
  /** Of the event log (`eventLogOrigin`). */
  readonly origin: string;
  /** Whose signature a checkpoint must bear. */
  readonly logKeys: readonly VerifierKey[];
  /** Notes of checkpoints that are known from elsewhere: where it is given, what does not connect with one proves nothing. */
  readonly checkpoints?: readonly string[];
  readonly sha256?: Sha256;
}

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
  /** Lines that are no events. */
  readonly unreadable: readonly number[];
  /** Sizes of the log for which different checkpoints were signed: whoever has its key told different stories. */
  readonly forked: readonly number[];
  /** Events that the newest verified checkpoint covers. */
  readonly covered: number;
}

export interface VerifyOptions {
  readonly filtered?: boolean;
  readonly expected?: Partial<SeqRange>;
  readonly redacted?: boolean;
}

/**
 * Says of a copy of the event log, complete or a part, what is proven of it: nothing but the keys and the checkpoints
 * is trusted. A copy that ends before the newest checkpoint is `partly`, unless it was asked for up to there.
 *
 * @param filtered - the copy is of a sink that does not get all events: what is missing is reported and no fault
 * @param redacted - the copy is of a sink that takes personal data out: without it, such events make it `unproven`, and
 *   beside a proof that the copy brings `refuted`, as the bridge exports none
 * @param expected - the events that must be there, both ends included
 */
export async function verifyEventCopy(
  copy: EventCopy,
  trust: CopyTrust,
  options: VerifyOptions = {},
): Promise<CopyReport> {
  const signed = await openSigned(copy, trust);
  const anchors = trust.checkpoints === undefined ? undefined : signed.kept.map(({ size }) => size);
  const proven = proveHashes(copy, signed, anchors, trust.sha256);
  return conclude(
    judge(copy, proven, expectedEvents(copy, signed, proven, options)),
    copy,
    signed,
    options,
    trust.origin,
  );
}

type Finding = 'proven' | 'redacted' | 'altered' | 'contradicted' | 'unproven';

interface Judged {
  readonly found: Readonly<Record<Finding, SeqRanges>>;
  readonly missing: SeqRanges;
  readonly added: SeqRanges;
  /** Rows of events that are not as they were signed, whatever else proves the events in them. */
  readonly contradictions: number;
}

/** Which events must be there, by what the copy itself shows and by what was asked for. */
function expectedEvents(
  copy: EventCopy,
  { proofs }: SignedCheckpoints,
  { hashes }: ProvenHashes,
  { expected }: VerifyOptions,
): SeqRange[] {
  const seqs = copy.seqs();
  const [first, last] = [expected?.from ?? seqs[0], expected?.to ?? seqs.at(-1)];
  return [
    ...(first === undefined || last === undefined ? [] : [{ from: first, to: last }]),
    ...(seqs[0] === undefined ? [] : [{ from: seqs[0], to: seqs.at(-1) ?? seqs[0] }]),
    ...proofs.filter(({ proof }) => copy.brings(proof)).map(({ proof: { from, to } }) => ({ from, to })),
    ...[...copy.listed()]
      .filter(([seq, hash]) => hashes.get(seq) === hash)
      .map(([seq]) => ({ from: seq, to: seq })),
  ];
}

function judge(copy: EventCopy, proven: ProvenHashes, expected: readonly SeqRange[]): Judged {
  const found = {
    proven: new SeqRanges(),
    redacted: new SeqRanges(),
    altered: new SeqRanges(),
    contradicted: new SeqRanges(),
    unproven: new SeqRanges(),
  };
  const missing = missingEvents(copy.seqs(), expected);
  const added = new SeqRanges();
  for (const seq of copy.seqs()) {
    const events = copy.at(seq);
    if (events.length > 1) added.add(seq);
    found[findingOf(copy, seq, events, proven)].add(seq);
  }
  return { found, missing, added, contradictions: proven.contradicted.length };
}

function findingOf(
  copy: EventCopy,
  seq: number,
  events: readonly CopiedEvent[],
  { hashes, contradicted }: ProvenHashes,
): Finding {
  const signed = hashes.get(seq);
  if (signed !== undefined) {
    if (events.some(({ computed, hash }) => computed === signed && hash === signed)) return 'proven';
    return events.some(({ computed, hash }) => computed === null && hash === signed) ? 'redacted' : 'altered';
  }
  if (events.every(({ computed, hash }) => computed !== null && computed !== hash)) return 'altered';
  const next = copy.at(seq + 1)[0];
  if (next !== undefined && !events.some(({ hash }) => hash === next.prev)) return 'altered';
  return contradicted.some(({ from, to }) => from <= seq && seq <= to) ? 'contradicted' : 'unproven';
}

function conclude(
  { found, missing, added, contradictions }: Judged,
  copy: EventCopy,
  { covered, forked }: SignedCheckpoints,
  { filtered = false, expected, redacted = false }: VerifyOptions,
  origin: string,
): CopyReport {
  const seqs = copy.seqs();
  const [from, to] = [seqs[0], seqs.at(-1)];
  const faults = [found.altered, found.contradicted, added, ...(filtered ? [] : [missing])];
  const unreadable = [...copy.unreadable, ...foreignLines(copy, origin)].sort((left, right) => left - right);
  const hidden = seqs.some((seq) => copy.at(seq).some(({ computed }) => computed === null));
  const refuted =
    unreadable.length > 0 ||
    (hidden && copy.proofs.some((proof) => copy.brings(proof))) ||
    forked.length > 0 ||
    contradictions > 0 ||
    faults.some(({ count }) => count > 0);
  // what was cut off at the end, only a checkpoint or whoever asked can tell
  const ended = expected?.to !== undefined || (to ?? 0) >= covered;
  const whole = ended && found.unproven.count + found.redacted.count === 0 && missing.count === 0;
  const shown = found.proven.count + found.redacted.count > 0;
  return {
    outcome: refuted ? 'refuted' : !shown || (hidden && !redacted) ? 'unproven' : whole ? 'proven' : 'partly',
    range: from === undefined || to === undefined ? null : { from, to },
    proven: found.proven.count,
    redacted: found.redacted.count,
    altered: found.altered.ranges,
    missing: missing.ranges,
    added: added.ranges,
    contradicted: found.contradicted.ranges,
    unproven: found.unproven.ranges,
    unreadable,
    forked,
    covered,
  };
}

/** Lines that say that their event is of another bridge. */
function foreignLines(copy: EventCopy, origin: string): number[] {
  const own = (source: string) => source.startsWith('https://') && eventLogOrigin(source) === origin;
  return [...copy.sources].flatMap(([source, lines]) => (own(source) ? [] : lines));
}
