import { describe, expect, it } from 'vitest';
import { METRICS } from '../../bridge/metrics/catalog.ts';
import { readPage } from './markdown.ts';

const { text } = readPage('docs/guides/metrics.md');

/** The table of the page, as the catalogue has it. */
function expectedRows(): string[] {
  return Object.entries(METRICS).map(
    ([name, { type, labels, doc }]) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${doc} |`,
  );
}

describe('the guide of metrics', () => {
  it('shows every metric that there is, and no other', () => {
    const shown = text.split('\n').filter((line) => line.startsWith('| `countersign_'));
    expect(shown).toEqual(expectedRows());
  });

  it('names in its alerts only metrics that exist', () => {
    const names = [...text.matchAll(/\bcountersign_[a-z_]+/g)].map(([name]) => name);
    const known = new Set<string>(Object.keys(METRICS));
    const unknown = names.filter((name) => !known.has(name.replace(/_(bucket|count|sum)$/, '')));
    expect(unknown).toEqual([]);
  });
});
