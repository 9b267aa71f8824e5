import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeviceSecrets } from '../../client/key-store.ts';
import { createMemoryKeyStore, createMemoryPinStore } from '../../client/memory-stores.ts';
import { createFileKeyStore } from '../../client/node-file-key-store.ts';
import { createFilePinStore } from '../../client/node-file-pin-store.ts';
import { emptyPins, type PinStore, type Pins } from '../../client/pin-store.ts';
import { generateSigningKey, signBytes, verifyBytes } from '../../protocol/ed25519.ts';
import { codeOf } from '../protocol/codes.ts';
import { NOW, testDigest, testEncryptionKey, testKey } from '../protocol/company.ts';

const issuer = 'https://bridge.acme.example';
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-client-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const pinsPath = () => join(folder, 'state', 'pins.json');
const keysPath = () => join(folder, 'state', 'device.json');

async function bobPinned(version = 0): Promise<Pins> {
  const { publicKey } = await testKey('bob');
  const iss = 'https://bridge.globex.example';
  return {
    ...emptyPins(issuer),
    own: { root_thumbprint: testDigest('root'), serial: 3 },
    own_key: {
      address: 'alice@acme.example',
      client_half: testEncryptionKey('u'),
      sigs: [testDigest('sig')],
    },
    issuers: {
      [iss]: {
        entity_id: iss,
        root_thumbprint: testDigest('partner root'),
        domains: ['globex.example'],
        status: 'active',
        version: 1,
        expires: NOW,
        serial: 1,
      },
    },
    addresses: {
      'bob@globex.example': {
        iss,
        sub: 'sub-bob',
        pre: testEncryptionKey('bob'),
        sig: publicKey,
        version,
        key_version: 0,
        statement_hash: testDigest('statement'),
        status: 'active',
        first_seen: NOW,
      },
    },
  };
}

const kinds: [string, () => PinStore][] = [
  ['in memory', () => createMemoryPinStore()],
  ['in a file', () => createFilePinStore(pinsPath())],
];

describe.each(kinds)('a pin store %s', (_kind, open) => {
  it('has nothing before the first update', async () => {
    expect(await open().read()).toBeNull();
  });

  it('answers what was stored', async () => {
    const store = open();
    const pins = await bobPinned();
    expect(await store.update(async () => ({ pins, result: 'done' }))).toBe('done');
    expect(await store.read()).toEqual(pins);
  });

  it('changes nothing when the change throws', async () => {
    const store = open();
    const pins = await bobPinned();
    await store.update(async () => ({ pins, result: null }));
    await expect(store.update(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await store.read()).toEqual(pins);
  });

  it('lets one change at a time see the latest pins', async () => {
    const store = open();
    const raise = () =>
      store.update(async (pins) => {
        const next = (pins?.own?.serial ?? 0) + 1;
        const own = { root_thumbprint: testDigest('root'), serial: next };
        return { pins: { ...emptyPins(issuer), own }, result: next };
      });
    const results = await Promise.all(Array.from({ length: 10 }, raise));
    expect(results.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});

describe('a pin store in a file', () => {
  it('is shared by several clients', async () => {
    const stores = [createFilePinStore(pinsPath()), createFilePinStore(pinsPath())];
    const raise = (store: PinStore) =>
      store.update(async (pins) => {
        const own = { root_thumbprint: testDigest('root'), serial: (pins?.own?.serial ?? 0) + 1 };
        return { pins: { ...emptyPins(issuer), own }, result: null };
      });
    await Promise.all([...stores, ...stores, ...stores].map(raise));
    expect((await createFilePinStore(pinsPath()).read())?.own?.serial).toBe(6);
  });

  it('is for its owner only, and leaves nothing beside it', async () => {
    await createFilePinStore(pinsPath()).update(async () => ({ pins: await bobPinned(), result: null }));
    expect((await stat(pinsPath())).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'state'))).toEqual(['pins.json']);
  });

  it('keeps what was revoked before a key was seen, and reads a file from before that', async () => {
    const pins = await bobPinned();
    const revoked = { iss: 'https://bridge.globex.example', version: 4, statement_hash: testDigest('gone') };
    const store = createFilePinStore(pinsPath());
    await store.update(async () => ({ pins, result: null }));
    expect(await store.read()).toEqual(pins);
    const more = { ...pins, revoked: { 'gone@globex.example': revoked } };
    await store.update(async () => ({ pins: more, result: null }));
    expect(await store.read()).toEqual(more);
  });

  it('reads a file from before logs were remembered, and knows the own key by its pin', async () => {
    const bob = await bobPinned();
    const { logs: _none, ...old } = { ...bob, v: 1, own_key: { ...bob.own_key } };
    const { sigs: _unknown, ...ownKey } = old.own_key;
    const own = { ...bob.addresses['bob@globex.example'], iss: issuer };
    const addresses = { ...old.addresses, 'alice@acme.example': own };
    await mkdir(join(folder, 'state'));
    await writeFile(pinsPath(), JSON.stringify({ ...old, addresses, own_key: ownKey }));
    const sigs = [(await testKey('bob')).kid];
    expect(await createFilePinStore(pinsPath()).read()).toEqual({
      ...{ ...bob, addresses, logs: {}, own_key: { ...bob.own_key, sigs } },
    });
  });

  it.each([
    ['was cut off', (text: string) => text.slice(0, 100)],
    ['is empty', () => ''],
    ['has a member that is not known', (text: string) => text.replace('"v": 2', '"v": 2, "extra": true')],
    ['is of another version', (text: string) => text.replace('"v": 2', '"v": 3')],
  ])('is refused when it %s, rather than taken for empty', async (_what, damage) => {
    const store = createFilePinStore(pinsPath());
    await store.update(async () => ({ pins: await bobPinned(), result: null }));
    await writeFile(pinsPath(), damage(await readFile(pinsPath(), 'utf8')));
    expect(await codeOf(() => store.read())).toBe('pin_store_invalid');
    expect(await codeOf(() => store.update(async () => ({ pins: emptyPins(issuer), result: null })))).toBe(
      'pin_store_invalid',
    );
  });

  it('takes over the lock of a process that died', async () => {
    const store = createFilePinStore(pinsPath());
    await store.update(async () => ({ pins: emptyPins(issuer), result: null }));
    await writeFile(`${pinsPath()}.lock`, '');
    const longAgo = Date.now() / 1000 - 3600;
    await utimes(`${pinsPath()}.lock`, longAgo, longAgo);
    const pins = await bobPinned();
    await store.update(async () => ({ pins, result: null }));
    expect(await store.read()).toEqual(pins);
    expect(await readdir(join(folder, 'state'))).toEqual(['pins.json']);
  });
});

async function secrets(extractable: boolean): Promise<DeviceSecrets> {
  return {
    issuer,
    sig: await generateSigningKey(extractable),
    pre: crypto.getRandomValues(new Uint8Array(32)),
    tokens: { accessToken: 'access', refreshToken: null, expires: NOW },
  };
}

describe.each([
  ['in memory', () => createMemoryKeyStore()],
  ['in a file', () => createFileKeyStore(keysPath())],
] as const)('a key store %s', (_kind, open) => {
  it('gives back keys that sign as before, until it is cleared', async () => {
    const store = open();
    expect(await store.load()).toBeNull();
    const saved = await secrets(store.extractable);
    await store.save(saved);
    const loaded = await store.load();
    expect(loaded).toMatchObject({ issuer, pre: saved.pre, tokens: saved.tokens });
    const message = new TextEncoder().encode('message');
    const signature = loaded === null ? '' : await signBytes(loaded.sig, message);
    expect(await verifyBytes(saved.sig.publicKey, message, signature)).toBe(true);
    await store.clear();
    expect(await store.load()).toBeNull();
  });
});

describe('a key store in a file', () => {
  it('is for its owner only', async () => {
    await createFileKeyStore(keysPath()).save(await secrets(true));
    expect((await stat(keysPath())).mode & 0o777).toBe(0o600);
    await chmod(keysPath(), 0o644);
    await createFileKeyStore(keysPath()).save(await secrets(true));
    expect((await stat(keysPath())).mode & 0o777).toBe(0o600);
  });

  it('refuses a damaged file without quoting it', async () => {
    const store = createFileKeyStore(keysPath());
    const saved = await secrets(true);
    await store.save(saved);
    const text = await readFile(keysPath(), 'utf8');
    await writeFile(keysPath(), text.slice(0, -10));
    const refused = await store.load().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'key_store_invalid' });
    expect(refused).not.toHaveProperty('cause');
    await writeFile(keysPath(), text.replace('"v":1', '"v":9'));
    expect(await codeOf(() => store.load())).toBe('key_store_invalid');
  });
});
