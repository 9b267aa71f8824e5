/** What one part of the bench found. */
export interface Chapter {
  readonly title: string;
  /** What was compared with what, in Markdown. */
  readonly text: string;
  readonly tables: readonly Table[];
  readonly goals: readonly Goal[];
}

export interface Table {
  readonly head: readonly string[];
  /** As many cells each as the head has. */
  readonly rows: readonly (readonly string[])[];
}

/** Something that was promised of the bridge, and how it turned out. */
export interface Goal {
  readonly name: string;
  readonly wanted: string;
  readonly measured: string;
  /** Null where a figure was only to be reported. */
  readonly met: boolean | null;
}

/** All of it as Markdown: the goals first, then each chapter. `conditions` says where and when. */
export function renderChapters(chapters: readonly Chapter[], conditions: Table): string {
  const goals = chapters.flatMap((chapter) => chapter.goals);
  return [
    '## Where and when',
    renderTable(conditions),
    '## Goals',
    renderGoals(goals),
    ...chapters.flatMap(({ title, text, tables }) => [`## ${title}`, text, ...tables.map(renderTable)]),
  ].join('\n\n');
}

/** One chapter by itself, with its own goals and with where and when it was measured. */
export function renderAlone({ title, text, tables, goals }: Chapter, conditions: Table): string {
  const parts = [
    `## ${title}`,
    text,
    renderGoals(goals),
    ...tables.map(renderTable),
    renderTable(conditions),
  ];
  return parts.join('\n\n');
}

function renderGoals(goals: readonly Goal[]): string {
  return renderTable({
    head: ['Goal', 'Wanted', 'Measured', ''],
    rows: goals.map(({ name, wanted, measured, met }) => [name, wanted, measured, VERDICTS.get(met) ?? '']),
  });
}

const VERDICTS = new Map<boolean | null, string>([
  [true, 'met'],
  [false, '**missed**'],
]);

function renderTable({ head, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
