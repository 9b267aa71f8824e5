import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Filling, makeFilling, storeMap, storeTree } from '../../bench/key-log/fill-log.ts';
import { openVrfKey } from '../../bridge/keylog/vrf-key.ts';
import { readHead } from '../../bridge/tlog/log-heads.ts';
import { inclusionProof, rootAt } from '../../bridge/tlog/log-tree.ts';
import { encodeLogEntry } from '../../protocol/keytrans/log-entry.ts';
import { hashLeaf, verifyInclusion } from '../../protocol/tlog/merkle.ts';
import { type KeyLogFixture, keyLogFixture } from '../keylog/key-log-fixture.ts';

const ENTRIES = 1_000;

let fixture: KeyLogFixture;
let filling: Filling;

beforeAll(async () => {
  fixture = await keyLogFixture();
  const { database, signer, clock } = fixture;
  const { publicKey } = await openVrfKey({ database, signer });
  filling = makeFilling(ENTRIES, clock.now() - 1);
  await storeTree(database, filling, publicKey);
  await storeMap(database, filling);
});
afterAll(() => fixture?.remove());

it('fills a log with as many entries as are asked for, give or take an epoch’s', async () => {
  const { size } = (await fixture.database.read((query) => readHead(query, 'keys'))) ?? { size: 0 };
  expect(size).toBe(filling.epochs.at(-1)?.size);
  expect(Math.abs(size - ENTRIES)).toBeLessThan(3);
});

it('has each version in the tree', async () => {
  const { size } = filling.epochs.at(-1) ?? { size: 0 };
  const [, second] = filling.leaves;
  const leafHash = hashLeaf(encodeLogEntry({ kind: 'version', ...(second ?? raise()) }));
  const [root, proof] = await fixture.database.read((query) =>
    Promise.all([rootAt(query, 'keys', size), inclusionProof(query, 'keys', 2, size)]),
  );
  expect(() => verifyInclusion({ index: 2, size, leafHash, proof, root })).not.toThrow();
});

it('is a log that goes on: the first version behind it has a proof that verifies', async () => {
  const log = fixture.open();
  await fixture.stage(log);
  log.start();
  await log.published('address', 'alice@acme.example', 0);
  const verified = await fixture.verify(await fixture.staple(log));
  expect(verified).toMatchObject({ level: 'logged', epoch: filling.epochs.length + 1 });
});

function raise(): never {
  throw new RangeError('there is no such version');
}
