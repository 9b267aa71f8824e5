import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DatabaseKeyLog } from '../../bridge/keylog/database-key-log.ts';
import type { MapLeaf } from '../../bridge/keylog/map-pages.ts';
import { readEntryBundle, rootAt } from '../../bridge/tlog/log-tree.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { parseLogEntry } from '../../protocol/keytrans/log-entry.ts';
import { hashLeaf, hashNode } from '../../protocol/tlog/merkle.ts';
import { decodeEntryBundle } from '../../protocol/tlog/tile.ts';
import { type KeyLogFixture, keyLogFixture } from './key-log-fixture.ts';
import { naiveRoot } from './naive-map.ts';

/** What happens: a person's next version (a key, a revocation) is staged, an epoch is closed, a person is erased. */
const act = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant('version' as const), person: fc.nat(7) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('epoch' as const), person: fc.nat(7) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('forget' as const), person: fc.nat(7) }) },
);

interface Person {
  readonly name: string;
  /** The next version's number. */
  staged: number;
  /** How many are in the log. */
  logged: number;
  forgotten: boolean;
}

describe('any history of versions, epochs and erasures', () => {
  it('leaves a log that replays to its roots, and a proof for exactly what is the newest', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 40 }), async (acts) => {
        const fixture = await keyLogFixture();
        try {
          await live(fixture, acts);
        } finally {
          await fixture.remove();
        }
      }),
      { numRuns: 5 },
    );
  });
});

async function live(
  fixture: KeyLogFixture,
  acts: readonly { readonly act: 'version' | 'epoch' | 'forget'; readonly person: number }[],
): Promise<void> {
  const log = fixture.open();
  const people = Array.from(
    { length: 8 },
    (_, index): Person => ({ name: `p${index}@acme.example`, staged: 0, logged: 0, forgotten: false }),
  );
  for (const { act, person: index } of acts) {
    const person = people[index];
    if (person === undefined) continue;
    if (act === 'version') {
      await fixture.stage(log, { name: person.name, version: person.staged });
      person.staged += 1;
      person.forgotten = false;
    } else if (act === 'forget') {
      await fixture.database.transaction((tx) => log.forget(tx, 'address', person.name));
      person.forgotten = true;
    } else {
      await log.stop();
      for (const each of people) each.logged = each.staged;
      await checkProofs(fixture, log, people);
    }
  }
  await log.stop();
  await replay(fixture);
}

async function checkProofs(
  fixture: KeyLogFixture,
  log: DatabaseKeyLog,
  people: readonly Person[],
): Promise<void> {
  for (const { name, logged, forgotten } of people) {
    const newest = logged - 1;
    if (newest >= 1) expect(await fixture.staple(log, { name, version: newest - 1 })).toBeNull();
    expect(await fixture.staple(log, { name, version: logged })).toBeNull();
    if (newest < 0) continue;
    const staple = await fixture.staple(log, { name, version: newest });
    if (forgotten) expect(staple).toBeNull();
    else expect(await fixture.verify(staple, { name, version: newest })).toMatchObject({ level: 'logged' });
  }
}

/** As an auditor does it, slowly: from the entries alone. */
async function replay({ database }: KeyLogFixture): Promise<void> {
  const stored = await database.read((query) =>
    query.selectFrom('log_checkpoints').selectAll().orderBy('size').execute(),
  );
  const size = stored.at(-1)?.size ?? 0;
  if (size === 0) return;
  const bundle = await database.read((query) => readEntryBundle(query, 'keys', 0, size));
  const entries = decodeEntryBundle(bundle ?? new Uint8Array());
  const leaves: MapLeaf[] = [];
  let epochs = 0;
  for (const [index, bytes] of entries.entries()) {
    const entry = parseLogEntry(bytes);
    expect(entry.kind === 'start').toBe(index === 0);
    if (entry.kind === 'version') leaves.push(entry);
    if (entry.kind !== 'epoch') continue;
    epochs += 1;
    expect(entry).toMatchObject({ epoch: epochs, leaves: leaves.length });
    expect(encodeBase64url(entry.prefixRoot)).toBe(encodeBase64url(naiveRoot(leaves)));
    const root = treeRoot(entries.slice(0, index + 1));
    expect(stored[epochs - 1]).toMatchObject({ epoch: epochs, size: index + 1, root: encodeBase64url(root) });
    const stillThere = await database.read((query) => rootAt(query, 'keys', index + 1));
    expect(encodeBase64url(stillThere)).toBe(encodeBase64url(root));
  }
  expect(stored).toHaveLength(epochs);
}

/** RFC 6962 §2.1, of one entry or more. */
function treeRoot(entries: readonly Uint8Array[]): Uint8Array {
  const [only = new Uint8Array()] = entries;
  if (entries.length === 1) return hashLeaf(only);
  let half = 1;
  while (half * 2 < entries.length) half *= 2;
  return hashNode(treeRoot(entries.slice(0, half)), treeRoot(entries.slice(half)));
}
