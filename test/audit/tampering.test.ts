import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkEvidence } from '../../bridge/keylog/audit/check-evidence.ts';
import { type AuditFixture, auditFixture } from './audit-fixture.ts';

let fixture: AuditFixture;
beforeEach(async () => {
  fixture = await auditFixture();
  await fixture.log.grow(200, 1, 130, 60, 200);
  await fixture.verify();
});
afterEach(() => fixture.remove());

const LENGTH = 597;

type Tampering = (entries: Uint8Array[], at: number, other: number) => number;

/** What can be done to a list of entries; each answers the first position that is another one then. */
const TAMPERINGS: Record<string, Tampering> = {
  remove(entries, at) {
    entries.splice(at, 1);
    return at;
  },
  insert(entries, at) {
    entries.splice(at, 0, Buffer.alloc(65, 1));
    return at;
  },
  change(entries, at, other) {
    const entry = Buffer.from(entries[at] ?? []);
    const byte = other % entry.length;
    entry[byte] = (entry[byte] ?? 0) ^ 1;
    entries[at] = entry;
    return at;
  },
  reorder(entries, at, other) {
    const [first, second] = [Math.min(at, other), Math.max(at, other)];
    [entries[first], entries[second]] = [
      entries[second] ?? Buffer.alloc(0),
      entries[first] ?? Buffer.alloc(0),
    ];
    return first;
  },
};

it('finds whatever was removed, inserted, changed or reordered, where it was, and proves it', async () => {
  const honest = [...fixture.log.entries];
  expect(honest).toHaveLength(LENGTH);
  const position = fc.integer({ min: 0, max: LENGTH - 1 });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(TAMPERINGS)),
      position,
      position,
      fc.integer({ min: 3, max: 300 }),
      async (name, at, other, more) => {
        fc.pre(name !== 'reorder' || at !== other);
        fixture.log.entries = [...honest];
        const first = TAMPERINGS[name]?.(fixture.log.entries, at, other);
        fixture.log.addVersions(more);
        fixture.log.closeEpoch();
        await fixture.log.publish();
        const evidence = await fixture.alarm({ state: await fixture.copyOfState() });
        expect(evidence.finding).toMatchObject({ code: 'history_rewritten', index: first });
        expect((await checkEvidence(evidence, { root: fixture.log.root })).proven).toBe(true);
      },
    ),
    { numRuns: 40 },
  );
});
