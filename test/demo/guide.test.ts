import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { STORY } from '../../demo/story.ts';
import { parseErrorCode } from '../../protocol/errors.ts';

const guide = readFileSync(new URL('../../docs/guides/demo.md', import.meta.url), 'utf8');

/** Answers and findings, not errors. */
const OTHER_NAMES = ['changed_key', 'revoked_pending', 'unrecognized_version', 'split_view'];

describe('the guide to the demo', () => {
  it('explains every step, in the order told', () => {
    const named = [...guide.matchAll(/^\| (\d+) \| `([a-z-]+)` \|/gm)].map(([, number, name]) => [
      number,
      name,
    ]);
    expect(named).toEqual(STORY.map(({ name }, index) => [String(index + 1), name]));
  });

  it('names only error codes that there are', () => {
    const cited = [...guide.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, code]) => code ?? '');
    const unknown = cited.filter((code) => parseErrorCode(code) === undefined && !OTHER_NAMES.includes(code));
    expect(cited.length).toBeGreaterThan(5);
    expect(unknown).toEqual([]);
  });
});
