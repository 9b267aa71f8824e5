import { expect, it } from 'vitest';
import type { DryRun } from '../../bridge/lifecycle/policy-dry-run.ts';
import { trialsInTurn } from '../../bridge/lifecycle/trials-in-turn.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import { SOON } from '../fakes/soon.ts';

const content = readDefaultContent();
const FOUND: DryRun = {
  ...{ hash: 'h', present: [], recent: [], lifetimes: [], notLookedAt: [] },
  looked: {
    ...{ people: 0, groups: 0, partners: 0, administrators: 0, connections: 0 },
    ...{ decisions: 0, recent: 0 },
  },
};

it('tries one content at a time, also after one that failed', async () => {
  const ends: (() => void)[] = [];
  let failing = true;
  const tryPolicy = trialsInTurn(async () => {
    await new Promise<void>((resolve) => ends.push(resolve));
    if (!failing) return FOUND;
    failing = false;
    throw new Error('it failed');
  });
  const trials = [1, 2, 3].map(() => tryPolicy(content, { withExamples: false }));
  const [first, ...others] = trials;
  const failed = expect(first).rejects.toThrow('it failed');
  for (let running = 1; running <= 3; running += 1) {
    await expect.poll(() => ends.length, SOON).toBe(running);
    await new Promise((resolve) => setImmediate(resolve));
    expect(ends).toHaveLength(running);
    ends.at(-1)?.();
  }
  await failed;
  expect(await Promise.all(others)).toEqual([FOUND, FOUND]);
});
