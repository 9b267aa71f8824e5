import { existsSync, readFileSync, truncateSync } from 'node:fs';

/** Cuts off the part of a line that a killed process left at the end of its file. */
export function endAtWholeLine(file: string): void {
  if (!existsSync(file)) return;
  const bytes = readFileSync(file);
  const end = bytes.lastIndexOf('\n') + 1;
  if (end < bytes.length) truncateSync(file, end);
}

/** The ids that a receiver has on disk, in the order in which they came. */
export function readKeptIds(file: string): string[] {
  if (!existsSync(file)) return [];
  const text = readFileSync(file, 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1);
}
