import * as z from 'zod';
import { SeqRanges } from '../../protocol/events/seq-ranges.ts';
import type { CopyReport, SeqRange, verifyEventCopy } from '../../protocol/events/verify-copy.ts';
import type { ApiClient } from './api-client.ts';
import { deadLettersSchema, sinkPath } from './commands/sink-answers.ts';

/** What the event log and the dead letters tell of a sink: why its receiver may lack events. */
export interface SinkCourse {
  /** The first event that it was to get; `undefined` where the log does not tell any more. */
  readonly begin: number | undefined;
  readonly deadLetters: ReadonlySet<number>;
  readonly givenUp: readonly SeqRange[];
  /** At most `events` of each were refused. Dead letters that were discarded stand here alone. */
  readonly refused: readonly (SeqRange & { readonly events: number })[];
}

/** What the receiver lacks for a known reason: no fault of the copy. Lists are ranges of `seq`. */
export interface ExplainedAbsence {
  /** The receiver did not take them. */
  readonly refused: readonly SeqRange[];
  /** The sink was too far behind. */
  readonly given_up: readonly SeqRange[];
  /** Before the sink was there. */
  readonly before: readonly SeqRange[];
  /** Where the copy begins, if it is not known that nothing came before: retention and deletion look alike. */
  readonly begins_late: { readonly at: number; readonly sink_began: number | null } | null;
}

const TYPES = 'sink.created,sink.overflowed,sink.events_refused';

const about = z.looseObject({ sink: z.string() });
const range = { from_seq: z.int(), to_seq: z.int() };
const courseEvent = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('sink.created'), data: about.extend({ from_seq: z.int() }) }),
  z.looseObject({ type: z.literal('sink.overflowed'), data: about.extend(range) }),
  z.looseObject({
    type: z.literal('sink.events_refused'),
    data: about.extend({ ...range, events: z.int() }),
  }),
]);
type CourseEvent = z.infer<typeof courseEvent>;

/** Asks the bridge. @param id - of the sink */
export async function sinkCourse(api: ApiClient, id: string): Promise<SinkCourse> {
  const course = {
    begin: undefined as number | undefined,
    deadLetters: new Set<number>(),
    givenUp: [] as SeqRange[],
    refused: [] as (SeqRange & { events: number })[],
  };
  for await (const { type, data } of courseEvents(api)) {
    if (data.sink !== id) continue;
    if (type === 'sink.created') course.begin = data.from_seq;
    if (type === 'sink.overflowed') course.givenUp.push({ from: data.from_seq, to: data.to_seq });
    if (type === 'sink.events_refused') {
      course.refused.push({ from: data.from_seq, to: data.to_seq, events: data.events });
    }
  }
  for (let after: number | null = 0; after !== null; ) {
    const path: string = sinkPath(id, `/dead-letters?after=${after}`);
    const page: z.infer<typeof deadLettersSchema> = await api.get(path, deadLettersSchema);
    for (const { seq } of page.dead_letters) course.deadLetters.add(seq);
    after = page.next;
  }
  return course;
}

async function* courseEvents(api: ApiClient): AsyncGenerator<CourseEvent, void> {
  for (let since: string | undefined = ''; since !== undefined; ) {
    const { text, link }: { text: string; link: string | null } = await api.page(
      `/v1/events?type=${TYPES}${since === '' ? '' : `&since=${since}`}`,
    );
    for (const line of text.split('\n')) if (line !== '') yield courseEvent.parse(JSON.parse(line));
    const next: string | undefined = /[?&]since=(\d+)/.exec(link ?? '')?.[1];
    // the link goes on also where there is nothing new
    since = next === since ? undefined : next;
  }
}

/**
 * Takes out of a report what the receiver was never to have or did not take. What stays in `missing` refutes the copy;
 * what is explained does not, and makes it `partly`.
 *
 * @param verify - verifies the same copy; `filtered`: what is missing is no fault
 */
export async function explainAbsence(
  verify: (filtered: boolean) => ReturnType<typeof verifyEventCopy>,
  course: SinkCourse,
  demandedFrom: number | undefined,
): Promise<CopyReport & ExplainedAbsence> {
  const strict = await verify(false);
  const { missing, ...explained } = explain(strict, course);
  const excused = strict.missing.length > 0 && missing.length === 0;
  const report = excused ? await verify(true) : strict;
  const at = report.range?.from ?? 1;
  const late = demandedFrom === undefined && at > (course.begin ?? 1);
  return {
    ...{ ...report, missing, ...explained },
    outcome: report.outcome === 'proven' && late ? 'partly' : report.outcome,
    begins_late: late ? { at, sink_began: course.begin ?? null } : null,
  };
}

function explain({ missing, covered }: CopyReport, { begin = 1, deadLetters, givenUp, refused }: SinkCourse) {
  const found = {
    missing: new SeqRanges(),
    refused: new SeqRanges(),
    given_up: new SeqRanges(),
    before: new SeqRanges(),
  };
  const left = refused.map((one) => ({ ...one }));
  for (const { from, to } of missing) {
    // a forged line may name any `seq`: nothing is explained behind what is signed
    for (let seq = from; seq <= Math.min(to, covered); seq++) {
      const within = (one: SeqRange) => one.from <= seq && seq <= one.to;
      const told = left.find((one) => one.events > 0 && within(one));
      if (told !== undefined) told.events -= 1;
      if (seq < begin) found.before.add(seq);
      else if (deadLetters.has(seq) || told !== undefined) found.refused.add(seq);
      else found[givenUp.some(within) ? 'given_up' : 'missing'].add(seq);
    }
    if (to > covered) found.missing.addRange(Math.max(from, covered + 1), to);
  }
  return {
    missing: found.missing.ranges,
    refused: found.refused.ranges,
    given_up: found.given_up.ranges,
    before: found.before.ranges,
  };
}
