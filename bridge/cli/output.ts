import type { Terminal } from './terminal.ts';

/** Prints an answer: as JSON if asked for, else as `render` words it. */
export function show<Value>(
  terminal: Terminal,
  options: { json?: boolean | undefined },
  value: Value,
  render: (value: Value) => string,
): void {
  terminal.out(options.json === true ? JSON.stringify(value, null, 2) : render(value));
}

/** Rows under headings, columns as wide as their widest cell. `none` is said where there are no rows. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  none = 'There are none.',
): string {
  if (rows.length === 0) return none;
  const all = [headings.map((heading) => heading.toUpperCase()), ...rows.map((row) => row.map(printable))];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `name: value` lines, the values below each other. */
export function facts(entries: Readonly<Record<string, string | null>>): string {
  const known = Object.entries(entries).filter((entry): entry is [string, string] => entry[1] !== null);
  const width = Math.max(...known.map(([name]) => name.length)) + 1;
  return known.map(([name, value]) => `${`${name}:`.padEnd(width)} ${printable(value)}`).join('\n');
}

/** Seconds since the epoch as people read them, in UTC. */
export function when(seconds: number | null): string {
  if (seconds === null) return '-';
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}

/** What others named may hold control characters that a terminal would obey. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu, '�');
}
