import { describe, expect, it } from 'vitest';
import { longestWaiting } from '../../bridge/keylog/longest-waiting.ts';
import type { StagedVersion } from '../../bridge/keylog/version-store.ts';

/** As the store answers them: lower versions first. `age` counts down: the higher, the longer it waits. */
function staged(...rows: readonly { name: string; version: number; age: number }[]): StagedVersion[] {
  return rows
    .map(({ name, version, age }) => ({
      ...({ kind: 'address', name, version, commitment: null } as const),
      staged_id: String(10_000 - age).padStart(8, '0'),
    }))
    .sort((a, b) => a.version - b.version || (a.staged_id < b.staged_id ? -1 : 1)) as StagedVersion[];
}

const newcomers = (count: number, age: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `new-${age}-${index}`, version: 0, age }));

describe('The versions that an epoch takes', () => {
  it('are all of a few', () => {
    const rows = staged(...newcomers(20, 1));
    expect(longestWaiting(rows)).toEqual(rows);
  });

  it('are of many the half that waits longest, however many names are new', () => {
    const rows = staged(...newcomers(99, 1), { name: 'revoked', version: 3, age: 5 });
    const taken = longestWaiting(rows);
    expect(taken).toHaveLength(50);
    expect(taken.map(({ name }) => name)).toContain('revoked');
    expect(rows.indexOf(taken.at(-1) as StagedVersion)).toBe(99);
  });

  it('never overtake an earlier version of their name, wherever the clock that staged it stood', () => {
    const rows = staged(
      ...newcomers(98, 2),
      { name: 'rotated', version: 1, age: 1 },
      { name: 'rotated', version: 2, age: 5 },
    );
    const taken = longestWaiting(rows).filter(({ name }) => name === 'rotated');
    expect(taken.map(({ version }) => version)).toEqual([1, 2]);
  });
});
