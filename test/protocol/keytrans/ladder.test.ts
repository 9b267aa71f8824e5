import { describe, expect, it } from 'vitest';
import { ladderVersions, newRungs } from '../../../protocol/keytrans/ladder.ts';
import { codeOf } from '../codes.ts';

describe('ladderVersions', () => {
  it.each([
    [0, [0, 1]],
    [1, [0, 1, 3, 2]],
    [2, [0, 1, 3, 2]],
    [3, [0, 1, 3, 7, 5, 4]],
    [5, [0, 1, 3, 7, 5, 6]],
    [10, [0, 1, 3, 7, 15, 11, 9, 10]],
  ])('of %i is %j', (greatest, versions) => {
    expect(ladderVersions(greatest)).toEqual(versions);
  });

  it('holds the version itself and the next, none twice', () => {
    for (let version = 0; version < 300; version++) {
      const ladder = ladderVersions(version);
      expect(ladder).toEqual(expect.arrayContaining([version, version + 1]));
      expect(new Set(ladder).size).toBe(ladder.length);
    }
  });

  it('makes any two people who are shown different newest versions see one rung differently', () => {
    for (let low = 0; low < 64; low++) {
      for (let high = low + 1; high < 64; high++) {
        const ladder = ladderVersions(low);
        const shared = ladderVersions(high).filter((rung) => ladder.includes(rung));
        expect(shared.some((rung) => rung <= low !== rung <= high)).toBe(true);
      }
    }
  });

  it('stays short up to the last version', () => {
    expect(ladderVersions(2 ** 32 - 2).length).toBeLessThanOrEqual(64);
  });

  it.each([-1, 1.5, 2 ** 32 - 1, Number.POSITIVE_INFINITY])('refuses %d', async (version) => {
    expect(await codeOf(() => ladderVersions(version))).toBe('claims_invalid');
  });
});

describe('newRungs', () => {
  it('are those that no lower version has looked up', () => {
    const seen = new Set<number>();
    for (let version = 0; version < 300; version++) {
      const expected = ladderVersions(version).filter((rung) => !seen.has(rung));
      expect(newRungs(version)).toEqual(expected);
      for (const rung of expected) seen.add(rung);
    }
  });
});
