import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import type { DatabaseKeyLog } from '../../bridge/keylog/database-key-log.ts';
import type { MapLeaf } from '../../bridge/keylog/map-pages.ts';
import { newestVersion } from '../../bridge/keylog/version-store.ts';
import { openVrfKey } from '../../bridge/keylog/vrf-key.ts';
import { readHead } from '../../bridge/tlog/log-heads.ts';
import { readEntryBundle } from '../../bridge/tlog/log-tree.ts';
import { commit } from '../../protocol/keytrans/commitment.ts';
import { label, vrfInput } from '../../protocol/keytrans/label.ts';
import { encodeLogEntry } from '../../protocol/keytrans/log-entry.ts';
import { decodeEntryBundle, TILE_WIDTH, tileWidth } from '../../protocol/tlog/tile.ts';
import { type KeyLogFixture, keyLogFixture, loggedValue } from './key-log-fixture.ts';
import { type ModelMap, modelMap } from './model-map.ts';
import { cheapOutput } from './model-vrf.ts';

vi.mock('../../bridge/keylog/vrf-pool.ts', async () => {
  const { cheapProver } = await import('./model-vrf.ts');
  const { vrfKeyPair } = await import('../../protocol/keytrans/vrf-prove.ts');
  return { createVrfPool: ({ seed }: { seed: Uint8Array }) => cheapProver(vrfKeyPair(seed).publicKey) };
});
vi.mock('../../protocol/keytrans/vrf.ts', async (original) => {
  const { cheapVerify } = await import('./model-vrf.ts');
  return { ...(await original<object>()), vrfVerify: cheapVerify };
});
// What is staged at once is one epoch of the model.
vi.mock('../../bridge/keylog/longest-waiting.ts', () => ({ longestWaiting: (rows: unknown) => rows }));

/** On PostgreSQL each statement is a way to another process and back. */
const STEPS = process.env.COUNTERSIGN_TEST_STORE === 'postgres' ? 1_500 : 10_000;
const PEOPLE = 250;
/** More at once would be several epochs. */
const EPOCH_STEPS = 128;
/** People whose proofs are checked after each epoch: so many of those that it changed, and as many others. All of them at the end. */
const LOOKED_AT = 2;

interface ModelPerson {
  readonly name: string;
  /** How many versions there are: keys and revocations alike. It only grows. */
  versions: number;
  forgotten: boolean;
}

/** What must be in the log, kept as plainly as possible. */
interface Model {
  readonly people: readonly ModelPerson[];
  readonly leaves: MapLeaf[];
  readonly entries: Uint8Array[];
  map: ModelMap;
}

it('the log and its map are what a naive model of the same adds, revocations and erasures is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const fixture = await keyLogFixture();
      try {
        await live(fixture, pickerOf(seed));
      } finally {
        await fixture.remove();
      }
    }),
    { numRuns: 1, endOnFailure: true },
  );
}, 240_000);

type Pick = (below: number) => number;

async function live(fixture: KeyLogFixture, pick: Pick): Promise<void> {
  const log = fixture.open();
  const { publicKey } = await openVrfKey(fixture);
  const model: Model = {
    people: Array.from({ length: PEOPLE }, (_, index) => {
      return { name: `p${index}@acme.example`, versions: 0, forgotten: false };
    }),
    leaves: [],
    entries: [encodeLogEntry({ kind: 'start', vrfPublicKey: publicKey })],
    map: modelMap([]),
  };
  for (let steps = 0, epoch = 1; steps < STEPS; epoch++) {
    const count = Math.min(1 + Math.max(pick(EPOCH_STEPS), pick(EPOCH_STEPS)), STEPS - steps);
    const changed = await stageSome(fixture, log, model, count, pick);
    await log.stop();
    await closeModelEpoch(fixture, model, epoch, publicKey);
    await checkMap(fixture, model, epoch);
    const looked = Array.from({ length: LOOKED_AT }, () => pick(PEOPLE));
    for (const index of [...changed.slice(0, LOOKED_AT), ...looked]) {
      await checkPerson(fixture, log, model.people[index]);
    }
    if (pick(6) === 0) await forgetSomebody(fixture, log, model, pick);
    steps += count;
  }
  expect(model.leaves).toHaveLength(STEPS);
  for (const person of model.people) await checkPerson(fixture, log, person);
  expect((await readEntries(fixture)).map(hex)).toEqual(model.entries.map(hex));
}

/** The next versions of some, all in one transaction; a version that is taken is refused. Answers whose. */
async function stageSome(
  { database }: KeyLogFixture,
  log: DatabaseKeyLog,
  { people }: Model,
  count: number,
  pick: Pick,
): Promise<number[]> {
  const changed = new Set<number>();
  await database.transaction(async (tx) => {
    for (let added = 0; added < count; added++) {
      // the lower ones change more often
      const index = pick(1 + pick(PEOPLE));
      const person = people[index];
      if (person === undefined) continue;
      const named = { kind: 'address', name: person.name, version: person.versions } as const;
      await log.stage(tx, { ...named, value: loggedValue(named) });
      person.versions += 1;
      person.forgotten = false;
      changed.add(index);
    }
  });
  return [...changed];
}

/** Adds to the model what the log must have added, in the log's order. */
async function closeModelEpoch(
  { database, clock }: KeyLogFixture,
  model: Model,
  epoch: number,
  publicKey: Uint8Array,
): Promise<void> {
  const placed = await database.read((query) =>
    query
      .selectFrom('logged_versions')
      .select(['kind', 'name', 'version', 'opening'])
      .where('position', '>=', model.entries.length)
      .orderBy('position')
      .execute(),
  );
  for (const { kind, name, version, opening } of placed) {
    const named = label(kind, name);
    const committed = {
      opening: opening ?? new Uint8Array(),
      version,
      value: loggedValue({ name, version }),
    };
    const commitment = commit({ ...committed, label: named });
    const output = cheapOutput(publicKey, vrfInput(named, version));
    model.leaves.push({ output, commitment });
    model.entries.push(encodeLogEntry({ kind: 'version', output, commitment }));
  }
  model.map = modelMap(model.leaves);
  const { time_ms } = await database.read((query) =>
    query.selectFrom('log_epochs').select('time_ms').where('epoch', '=', epoch).executeTakeFirstOrThrow(),
  );
  clock.advance(1);
  const leaves = model.leaves.length;
  const prefixRoot = model.map.root;
  model.entries.push(encodeLogEntry({ kind: 'epoch', epoch, time: time_ms, leaves, prefixRoot }));
}

/** The newest epoch's root, and every page of its map. */
async function checkMap({ database }: KeyLogFixture, { map, leaves, entries }: Model, epoch: number) {
  await database.read(async (query) => {
    const newest = await query
      .selectFrom('log_epochs')
      .selectAll()
      .orderBy('epoch', 'desc')
      .executeTakeFirst();
    const size = entries.length;
    expect(newest).toMatchObject({ epoch, leaves: leaves.length, size });
    expect(hex(newest?.prefix_root)).toBe(hex(map.root));
    expect((await readHead(query, 'keys'))?.size).toBe(size);
    const pages = await query
      .selectFrom('map_pages')
      .select(['path', 'bytes'])
      .where('until', 'is', null)
      .execute();
    expect(pages).toHaveLength(map.pages.size);
    const different = pages.filter(({ path, bytes }) => hex(bytes) !== hex(map.pages.get(path)));
    expect(different.map(({ path }) => path)).toEqual([]);
  });
}

const NEIGHBOURS = [-1, 1];

/** There is a proof for the newest version alone, and it shows no other. */
async function checkPerson(fixture: KeyLogFixture, log: DatabaseKeyLog, person: ModelPerson | undefined) {
  if (person === undefined) return;
  const { name, versions, forgotten } = person;
  const newest = versions - 1;
  const counted = await fixture.database.read((query) => newestVersion(query, 'address', name));
  expect(counted?.version).toBe(versions === 0 ? undefined : newest);
  for (const other of NEIGHBOURS.map((step) => newest + step)) {
    if (other >= 0) expect(await fixture.staple(log, { name, version: other })).toBeNull();
  }
  if (versions === 0) return;
  const staple = await fixture.staple(log, { name, version: newest });
  if (forgotten) {
    expect(staple).toBeNull();
    return;
  }
  expect(await fixture.verify(staple, { name, version: newest })).toMatchObject({ level: 'logged' });
  for (const other of NEIGHBOURS.map((step) => newest + step)) {
    if (other < 0) continue;
    const shown = fixture.verify(staple, { name, version: other });
    await expect(shown).rejects.toMatchObject({ code: expect.stringMatching(/^(log_proof|vrf_invalid)$/) });
  }
}

/** It changes nothing that was published, and no count begins again. */
async function forgetSomebody(fixture: KeyLogFixture, log: DatabaseKeyLog, { people }: Model, pick: Pick) {
  const person = people[pick(PEOPLE)];
  if (person === undefined) return;
  const before = await published(fixture);
  await fixture.database.transaction((tx) => log.forget(tx, 'address', person.name));
  person.forgotten = true;
  expect(await published(fixture)).toBe(before);
  await checkPerson(fixture, log, person);
  if (person.versions === 0) return;
  for (const version of [0, person.versions - 1]) {
    const again = fixture.stage(log, { name: person.name, version });
    await expect(again).rejects.toMatchObject({ code: 'conflict' });
  }
}

/** A digest of roots, checkpoints, tiles, entries and the map's pages. */
function published({ database }: KeyLogFixture): Promise<string> {
  return database.read(async (query) => {
    const rows = [
      await query.selectFrom('log_epochs').selectAll().orderBy('epoch').execute(),
      await query.selectFrom('log_checkpoints').selectAll().orderBy('size').execute(),
      await query.selectFrom('log_tiles').selectAll().orderBy('level').orderBy('index').execute(),
      await query.selectFrom('log_entry_bundles').selectAll().orderBy('index').execute(),
      await query.selectFrom('map_pages').selectAll().where('until', 'is', null).orderBy('path').execute(),
    ];
    const plain = JSON.stringify(rows, (_, value) => (value instanceof Uint8Array ? hex(value) : value));
    return createHash('sha256').update(plain).digest('hex');
  });
}

async function readEntries({ database }: KeyLogFixture): Promise<Uint8Array[]> {
  return database.read(async (query) => {
    const size = (await readHead(query, 'keys'))?.size ?? 0;
    const entries: Uint8Array[] = [];
    for (let index = 0; index * TILE_WIDTH < size; index++) {
      const bundle = await readEntryBundle(query, 'keys', index, tileWidth('entries', index, size));
      entries.push(...decodeEntryBundle(bundle ?? new Uint8Array()));
    }
    return entries;
  });
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}

/** Whole numbers from a seed (a linear congruence is random enough to pick by). */
function pickerOf(seed: number): Pick {
  let state = BigInt.asUintN(64, BigInt(seed));
  return (below) => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number((state >> 33n) % BigInt(below));
  };
}
