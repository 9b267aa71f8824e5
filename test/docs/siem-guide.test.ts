import { describe, expect, it } from 'vitest';
import { SINK_KINDS } from '../../connectors/siem/kinds.ts';
import { kindsInGuide, withSettingTables } from '../../scripts/siem-guide.ts';
import { readPage } from './markdown.ts';

const { text: guide } = readPage('docs/guides/siem.md');

describe('the guide of sinks', () => {
  it('shows the settings of every kind that there is', () => {
    expect(kindsInGuide(guide).toSorted()).toEqual(SINK_KINDS.map(({ kind }) => kind).toSorted());
  });

  it('shows them as they are (npx tsx scripts/write-siem-guide.ts)', () => {
    expect(withSettingTables(guide)).toBe(guide);
  });

  it('names every setting in what it types only if there is one', () => {
    const commands = [...guide.matchAll(/countersign sink add ([a-z0-9-]+) ((?:.*\\\n)*.*)/g)];
    const unknown = commands.flatMap(([, name = '', rest = '']) => {
      const table = withSettingTables(`<!-- settings: ${name} -->\n<!-- end -->`);
      const given = [...rest.matchAll(/--(set|set-file|secret) ([a-z_]+)/g)];
      return given
        .map(([, option, setting]) => (option === 'secret' ? `--secret ${setting}` : `${setting}`))
        .filter((setting) => !table.includes(`| \`${setting}\` |`))
        .map((setting) => `${name}: ${setting}`);
    });
    expect(commands.length).toBeGreaterThanOrEqual(SINK_KINDS.length);
    expect(unknown).toEqual([]);
  });
});
