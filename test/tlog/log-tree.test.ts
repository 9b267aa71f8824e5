import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../bridge/lib/hash.ts';
import {
  appendEntries,
  consistencyProof,
  EMPTY_LOG,
  inclusionProof,
  readEntryBundle,
  readTile,
  rootAt,
} from '../../bridge/tlog/log-tree.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { concatBytes } from '../../protocol/bytes.ts';
import { hashLeaf, verifyConsistency, verifyInclusion } from '../../protocol/tlog/merkle.ts';
import { decodeEntryBundle, tilesFor, tileWidth } from '../../protocol/tlog/tile.ts';
import { movableClock, type TemporaryStore, temporaryStore } from '../signer/signer-fixture.ts';
import { append, entriesBetween, naiveRoot } from './tree-fixture.ts';

let store: TemporaryStore;

beforeEach(async () => {
  store = await temporaryStore(movableClock());
});

afterEach(async () => {
  await store.remove();
});

describe('the tree of a log', () => {
  it('has the root of RFC 6962 after each batch, whatever the sizes of the batches', async () => {
    let size = 0;
    for (const batch of [1, 1, 2, 250, 2, 256, 1, 300, 1000, 255]) {
      const head = await append(store.database, entriesBetween(size, size + batch));
      size += batch;
      expect(head).toEqual({ size, hash: encodeBase64url(naiveRoot(entriesBetween(0, size))) });
    }
  });

  it('reaches the third level of tiles, with the same bytes as built at once', async () => {
    const entries = entriesBetween(0, 65_536 + 300);
    await append(store.database, entries.slice(0, 65_000));
    const head = await append(store.database, entries.slice(65_000));
    expect(head.hash).toBe(encodeBase64url(naiveRoot(entries)));
    const leaves = entries.map((entry) => hashLeaf(entry, sha256));
    await store.database.read(async (query) => {
      expect(await readTile(query, 'keys', 0, 256, 256)).toEqual(
        concatBytes(...leaves.slice(65_536, 65_792)),
      );
      expect(await readTile(query, 'keys', 1, 1, 1)).toEqual(naiveRoot(entries.slice(65_536, 65_792)));
      expect(await readTile(query, 'keys', 2, 0, 1)).toEqual(naiveRoot(entries.slice(0, 65_536)));
      expect(await readTile(query, 'keys', 2, 0, 2)).toBeUndefined();
    });
  });

  it('proves each of its entries at each size, and that each size continues the ones before', async () => {
    const sizes = [1, 2, 5, 255, 256, 257, 700];
    let taken = 0;
    for (const size of sizes) {
      await append(store.database, entriesBetween(taken, size));
      taken = size;
    }
    const entries = entriesBetween(0, taken);
    await store.database.read(async (query) => {
      for (const size of sizes) {
        const root = await rootAt(query, 'keys', size);
        expect(root).toEqual(naiveRoot(entries.slice(0, size)));
        for (const index of [0, 1, 254, 255, 256, size - 1].filter((each) => each < size)) {
          const leafHash = hashLeaf(entries[index] ?? new Uint8Array());
          const proof = await inclusionProof(query, 'keys', index, size);
          verifyInclusion({ index, size, leafHash, proof, root });
        }
        for (const oldSize of sizes.filter((older) => older <= size)) {
          const oldRoot = await rootAt(query, 'keys', oldSize);
          const proof = await consistencyProof(query, 'keys', oldSize, size);
          verifyConsistency({ oldSize, oldRoot, newSize: size, newRoot: root, proof });
        }
      }
    });
  });

  it('gives the tiles and entries of an older size while newer ones are there', async () => {
    await append(store.database, entriesBetween(0, 300));
    await append(store.database, entriesBetween(300, 600));
    const leaves = entriesBetween(0, 600).map((entry) => hashLeaf(entry));
    await store.database.read(async (query) => {
      for (const { level, index, width } of tilesFor(300)) {
        const tile = await readTile(query, 'keys', level, index, width);
        expect(tile).toHaveLength(width * 32);
        const first = index * 256;
        if (level === 0) expect(tile).toEqual(concatBytes(...leaves.slice(first, first + width)));
      }
      for (const index of [0, 1]) {
        const bundle = await readEntryBundle(query, 'keys', index, tileWidth('entries', index, 300));
        const expected = entriesBetween(index * 256, Math.min(300, (index + 1) * 256));
        expect(decodeEntryBundle(bundle ?? new Uint8Array()).map((entry) => entry.slice())).toEqual(expected);
      }
      expect(await readEntryBundle(query, 'keys', 2, 89)).toBeUndefined();
      expect(await readEntryBundle(query, 'keys', 3, 1)).toBeUndefined();
    });
  });

  it('of one log knows nothing of another', async () => {
    await append(store.database, entriesBetween(0, 3));
    await store.database.read(async (query) => {
      expect(await readTile(query, 'events', 0, 0, 1)).toBeUndefined();
      expect(await readEntryBundle(query, 'events', 0, 1)).toBeUndefined();
    });
  });

  it('refuses to prove what is beyond its end', async () => {
    await append(store.database, entriesBetween(0, 3));
    await store.database.read(async (query) => {
      await expect(rootAt(query, 'keys', 4)).rejects.toMatchObject({ code: 'state_refused' });
      await expect(inclusionProof(query, 'keys', 3, 3)).rejects.toMatchObject({ code: 'log_proof' });
      await expect(consistencyProof(query, 'keys', 3, 2)).rejects.toMatchObject({ code: 'log_proof' });
    });
  });

  it('is not built upon when it is not the one that the head names', async () => {
    const head = await append(store.database, entriesBetween(0, 300));
    const grow = (from: typeof head) =>
      store.database.transaction((tx) => appendEntries(tx, 'keys', from, entriesBetween(0, 1)));
    await expect(grow({ size: 299, hash: head.hash })).rejects.toMatchObject({ code: 'state_refused' });
    await expect(grow({ size: 300, hash: EMPTY_LOG })).rejects.toMatchObject({ code: 'state_refused' });
    await expect(grow({ size: 0, hash: head.hash })).rejects.toMatchObject({ code: 'state_refused' });
    await store.database.transaction((tx) =>
      tx.deleteFrom('log_entry_bundles').where('index', '=', 1).execute(),
    );
    await expect(grow(head)).rejects.toMatchObject({ code: 'state_refused' });
  });
});

describe('the hash of the bridge', () => {
  it('is SHA-256', () => {
    const bytes = crypto.getRandomValues(new Uint8Array(100));
    expect(sha256(bytes)).toEqual(new Uint8Array(createHash('sha256').update(bytes).digest()));
  });
});
