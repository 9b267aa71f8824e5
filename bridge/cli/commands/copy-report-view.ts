import type { CopyReport, SeqRange } from '../../../protocol/events/verify-copy.ts';
import type { EventLogTrust } from '../event-copy.ts';
import { facts } from '../output.ts';
import { count } from '../quantities.ts';
import type { ExplainedAbsence } from '../sink-course.ts';

/** More are counted. */
const RANGES_NAMED = 20;

const VERDICTS = {
  proven: 'PROVEN: every event from the first to the last is there, as it was signed.',
  partly: 'NOTHING IS WRONG, and not everything is proven: see below.',
  unproven:
    'NOT PROVEN: nothing is wrong by itself, but nothing that was signed says that these are the events.',
  refuted: 'NOT AS IT WAS SIGNED: these events were tampered with, or the copy is damaged.',
} as const;

function verdictOf({ outcome, proven, beside }: CopyReport): string {
  if (outcome !== 'unproven' || proven === 0 || beside.length === 0) return VERDICTS[outcome];
  return 'NOT PROVEN: the originals are as they were signed, and lines say something beside them that is not proven.';
}

/** What was found, for a person. */
export function reportView(
  report: CopyReport & Partial<ExplainedAbsence>,
  { origin, root }: EventLogTrust,
): string {
  const { range, proven, redacted, covered } = report;
  const lines = facts({
    'event log': origin,
    'root key': root,
    events: range === null ? 'none' : `${range.from} to ${range.to}`,
    proven: `${proven}, content and place`,
    redacted:
      redacted === 0
        ? null
        : `${redacted}, of which place and hash are proven and the content cannot be (say --redacted for a sink that does so)`,
    shortened: ranges(
      report.shortened,
      'place and hash are proven, the content is not: they say that a sink cut them, as anybody can write (say --shortened for a syslog sink); export them whole',
    ),
    altered: ranges(report.altered),
    missing: ranges(report.missing),
    refused: ranges(
      report.refused ?? [],
      'the receiver did not take them: see `countersign sink dead-letters`; no fault of the copy',
    ),
    'given up': ranges(report.given_up ?? [], 'the sink was too far behind; a replay brings them'),
    'before the sink': ranges(report.before ?? [], 'it was not there yet'),
    'begins late': beginsLate(report.begins_late ?? null),
    added: ranges(report.added, 'there twice, with different content'),
    contradicted: ranges(
      report.contradicted,
      'linked anew: at least one of them was altered, added or left out',
    ),
    'not proven': ranges(report.unproven, 'they fit together, and no checkpoint here says more'),
    unreadable: lineNumbers(report.unreadable),
    'said beside': lineNumbers(
      report.beside,
      'only the original in them can be proven; say --originals where another version or a pipeline wrote the rest',
    ),
    'sent as tests':
      report.tests === 0
        ? null
        : `${report.tests}, no part of the log: nobody signed them and they prove nothing, whoever wrote them`,
    forked:
      report.forked.length === 0
        ? null
        : `different checkpoints were signed for the events up to ${report.forked.slice(0, RANGES_NAMED).join(', ')}`,
    checkpoint: `the newest verified one covers the events up to ${covered}`,
    'behind the end':
      range === null || range.to >= covered
        ? null
        : `there are events up to ${covered}; say by --to how far this copy must go`,
  });
  return `${verdictOf(report)}\n${lines}`;
}

function beginsLate(begins: ExplainedAbsence['begins_late']): string | null {
  if (begins === null) return null;
  const before =
    begins.sink_began === null
      ? 'whether there were earlier ones is not known'
      : `the sink got them from ${begins.sink_began} on, and whether what came before was let go or deleted is not known`;
  return `at ${begins.at}; ${before}: give --from`;
}

function lineNumbers(lines: readonly number[], meaning?: string): string | null {
  if (lines.length === 0) return null;
  const more = lines.length > RANGES_NAMED ? ` and ${count(lines.length - RANGES_NAMED)} more` : '';
  return `lines ${lines.slice(0, RANGES_NAMED).join(', ')}${more}${meaning === undefined ? '' : ` (${meaning})`}`;
}

function ranges(found: readonly SeqRange[], meaning?: string): string | null {
  if (found.length === 0) return null;
  const named = found
    .slice(0, RANGES_NAMED)
    .map(({ from, to }) => (from === to ? `${from}` : `${from} to ${to}`));
  const more = found.length > RANGES_NAMED ? ` and ${found.length - RANGES_NAMED} more ranges` : '';
  return `${named.join(', ')}${more}${meaning === undefined ? '' : ` (${meaning})`}`;
}
