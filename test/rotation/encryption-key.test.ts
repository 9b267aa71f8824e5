import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createVaults } from '../../bridge/binding/vaults.ts';
import { SEALED_COLUMNS } from '../../bridge/cli/sealed-columns.ts';
import { REENCRYPTION_BATCH } from '../../bridge/lib/limits.ts';
import { type ReencryptionDeps, reencrypt } from '../../bridge/lifecycle/reencryption.ts';
import { rotateKeys } from '../../bridge/signer/key-ceremony.ts';
import { KeyEncryptionKey, sealedUnder } from '../../bridge/signer/key-encryption-key.ts';
import { KeyRing } from '../../bridge/signer/key-ring.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { replaceSealed, sealedRows } from '../../bridge/signer/sealed-columns.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { expectCode } from '../binding/expect-code.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { begin, contextOf, type Enrolled, enrol } from '../fakes/client-side.ts';
import { rotatable, rotate } from './rotating.ts';

const newKey = () => crypto.getRandomValues(new Uint8Array(32));

let parts: BridgeParts;
let alice: Enrolled;
let key: Uint8Array;

beforeEach(async () => {
  parts = await bridgeParts();
  key = newKey();
  const sub = await parts.addPerson({ addresses: ['alice@acme.example'] });
  alice = await enrol(parts, sub);
  // Of an enrolment that is under way the share rests sealed, too.
  await begin(parts, await parts.addPerson({ addresses: ['bob@acme.example'] }));
  await parts.signer.samlKeys();
});

afterEach(() => parts.remove());

const given = () => ({ keyEncryptionKey: key, previousKeyEncryptionKey: parts.keyEncryptionKey });
const signerWith = (keys: ReturnType<typeof given> | { keyEncryptionKey: Uint8Array }) =>
  openLocalSigner({ ...parts, iss: parts.issuer.entity_id, ...keys });

function run(changes: Partial<ReencryptionDeps> = {}) {
  const deps = {
    ...parts,
    ring: new KeyRing(given()),
    columns: SEALED_COLUMNS,
    settle: async () => undefined,
  };
  return reencrypt({ ...deps, ...changes });
}

/** How many values of the whole store name this key. */
async function sealedWith(secret: Uint8Array, database: Database = parts.database): Promise<number> {
  const named = new KeyEncryptionKey(secret);
  let found = 0;
  for (const column of SEALED_COLUMNS) {
    const rows = await database.read((query) =>
      sealedRows(query, column, { after: undefined, limit: 10_000 }),
    );
    found += rows.filter((row) => {
      const value = row[column.column];
      return value instanceof Uint8Array && sealedUnder(value, named);
    }).length;
  }
  return found;
}

describe('a new key-encryption key', () => {
  it('opens all that there is afterwards, and the old one nothing', async () => {
    const before = await sealedWith(parts.keyEncryptionKey);
    expect(before).toBeGreaterThanOrEqual(10);
    const done = await run();
    expect(done.values).toBe(before);
    expect(await sealedWith(parts.keyEncryptionKey)).toBe(0);
    expect(await sealedWith(key)).toBe(before);

    const signer = await signerWith({ keyEncryptionKey: key });
    const vaults = createVaults({ ...parts, signer });
    await vaults.open(alice.who, contextOf(alice.who));
    expect(await signer.samlKeys()).toEqual(await parts.signer.samlKeys());
    await expectCode(signerWith({ keyEncryptionKey: parts.keyEncryptionKey }), 'state_refused');
    const old = new KeyEncryptionKey(parts.keyEncryptionKey);
    for (const column of SEALED_COLUMNS) {
      const rows = await parts.database.read((query) =>
        sealedRows(query, column, { after: undefined, limit: 10 }),
      );
      for (const row of rows) {
        const value = row[column.column];
        if (!(value instanceof Uint8Array)) throw new Error(`${column.table} holds no bytes`);
        expect(() => old.open(column.context(row), value)).toThrow();
      }
    }
  });

  it('is reported once, by the ids of the keys', async () => {
    await run();
    await run();
    const events = (await parts.eventsSoFar()).filter(({ type }) => type === 'keys.reencrypted');
    expect(events.map(({ data }) => data)).toMatchObject([
      { key: new KeyEncryptionKey(key).id, previous: new KeyEncryptionKey(parts.keyEncryptionKey).id },
    ]);
  });

  it('is not taken in the place of the old one before everything was sealed anew', async () => {
    const interrupted = run({
      settle: () => Promise.reject(new Error('interrupted')),
    });
    await expect(interrupted).rejects.toThrow('interrupted');
    await expectCode(signerWith({ keyEncryptionKey: key }), 'state_refused');
    await expectCode(signerWith({ keyEncryptionKey: parts.keyEncryptionKey }), 'state_refused');
    await signerWith(given());
  });

  it('seals nothing while the store does not say so, though a bridge has it already', async () => {
    const signer = await signerWith(given());
    const sealed = await signer.seal({ kind: 'test' }, new Uint8Array(3));
    expect(sealedUnder(sealed, new KeyEncryptionKey(parts.keyEncryptionKey))).toBe(true);
    await run();
    await signer.refresh();
    expect(
      sealedUnder(await signer.seal({ kind: 'test' }, new Uint8Array(3)), new KeyEncryptionKey(key)),
    ).toBe(true);
    expect(await signer.open({ kind: 'test' }, sealed)).toEqual(new Uint8Array(3));
  });
});

describe('while it is replaced', () => {
  it('goes on after an interruption, at what is left', async () => {
    const before = await sealedWith(parts.keyEncryptionKey);
    let told = 0;
    const interrupted = run({
      onProgress() {
        told += 1;
        if (told === 3) throw new Error('interrupted');
      },
    });
    await expect(interrupted).rejects.toThrow('interrupted');
    const left = await sealedWith(parts.keyEncryptionKey);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(before);
    const signer = await signerWith(given());
    await createVaults({ ...parts, signer }).open(alice.who, contextOf(alice.who));
    expect((await run()).values).toBe(left);
    expect(await sealedWith(parts.keyEncryptionKey)).toBe(0);
  });

  it('finds what a bridge sealed under the old key late, and what persons changed meanwhile', async () => {
    await run({
      async settle() {
        // This bridge has not heard of it yet: it goes on to seal under the old key.
        await rotate(parts, rotatable(alice));
      },
    });
    expect(await sealedWith(parts.keyEncryptionKey)).toBe(0);
    const signer = await signerWith({ keyEncryptionKey: key });
    await createVaults({ ...parts, signer }).open(alice.who, contextOf(alice.who));
  });

  it('leaves alone what another process changed between its look and its write', async () => {
    const [shares] = SEALED_COLUMNS.filter(({ table }) => table === 'person_keys');
    if (shares === undefined) throw new Error('shares are on no list');
    const [row] = await parts.database.read((query) =>
      sealedRows(query, shares, { after: undefined, limit: 1 }),
    );
    if (row === undefined) throw new Error('there is no share');
    const stale = { ...row, share: new Uint8Array([1]) };
    const replaced = await parts.database.transaction((tx) =>
      replaceSealed(tx, shares, stale, new Uint8Array([2])),
    );
    expect(replaced).toBe(false);
  });

  it('refuses to finish over a value that does not open', async () => {
    const [keys] = SEALED_COLUMNS.filter(({ table }) => table === 'devices');
    if (keys === undefined) throw new Error('transform keys are on no list');
    const [row] = await parts.database.read((query) =>
      sealedRows(query, keys, { after: undefined, limit: 1 }),
    );
    const value = row?.transform_key;
    if (row === undefined || !(value instanceof Uint8Array)) throw new Error('there is no transform key');
    const damaged = Uint8Array.from(value);
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
    await parts.database.transaction((tx) => replaceSealed(tx, keys, row, damaged));
    await expectCode(run(), 'seal_broken');
    await expectCode(signerWith({ keyEncryptionKey: key }), 'state_refused');
  });

  it('seals more than one batch, and every row once', async () => {
    const more = REENCRYPTION_BATCH + 5;
    const signingKeys = SEALED_COLUMNS.find(({ table }) => table === 'signer_keys');
    if (signingKeys === undefined) throw new Error('signing keys are on no list');
    await parts.database.transaction(async (tx) => {
      for (let index = 0; index < more; index += 1) {
        const named = { thumbprint: `retired-${index}`, purpose: 'binding' };
        const sealed = await parts.signer.seal(signingKeys.context(named), new Uint8Array(32));
        await tx
          .insertInto('signer_keys')
          .values({ ...named, sealed, created_at: 0 })
          .execute();
      }
    });
    const before = await sealedWith(parts.keyEncryptionKey);
    expect((await run()).values).toBe(before);
    expect(await sealedWith(parts.keyEncryptionKey)).toBe(0);
  });

  it('makes new online keys under the key that seals now', async () => {
    await run();
    await parts.database.transaction((tx) => rotateKeys(tx, { ...parts, ...given(), purposes: ['binding'] }));
    expect(await sealedWith(parts.keyEncryptionKey)).toBe(0);
    await signerWith({ keyEncryptionKey: key });
  });

  it('is refused without the key before it, with the same key twice, and over a store of neither', async () => {
    await expectCode(run({ ring: new KeyRing({ keyEncryptionKey: key }) }), 'config_invalid');
    expect(() => new KeyRing({ keyEncryptionKey: key, previousKeyEncryptionKey: key })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
    const strangers = new KeyRing({ keyEncryptionKey: newKey(), previousKeyEncryptionKey: newKey() });
    await expectCode(run({ ring: strangers }), 'state_refused');
  });

  it('a bridge that was not given the new key seals nothing any more', async () => {
    await run();
    await expectCode(parts.signer.refresh(), 'state_refused');
    await expectCode(parts.signer.seal({ kind: 'test' }, new Uint8Array(1)), 'unavailable');
  });
});
