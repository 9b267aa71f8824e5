import { createPrivateKey, X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seconds } from '../../bridge/lib/clock.ts';
import { initializeKeys, type Rotation, rotateKeys } from '../../bridge/signer/key-ceremony.ts';
import { createRootKey, openRootKey } from '../../bridge/signer/root-key.ts';
import { activateSamlKey, stageSamlKey } from '../../bridge/signer/saml-keys.ts';
import type { Signer } from '../../bridge/signer/signer.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { verifyBytes } from '../../protocol/ed25519.ts';
import { verifyIssued } from '../../protocol/issued.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { keyPurpose, onlineKeysSchema, verifyOnlineKeys } from '../../protocol/online-keys.ts';
import { partnerRecordSchema } from '../../protocol/partner-record.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { DAY_MS, ISS, type SignerFixture, signerFixture } from './signer-fixture.ts';

let fixture: SignerFixture;

beforeEach(async () => {
  fixture = await signerFixture();
});

afterEach(async () => {
  await fixture.store.remove();
});

function rotate(options: Partial<Rotation> = {}) {
  const { root, keyEncryptionKey, clock, store } = fixture;
  return store.database.transaction((tx) => rotateKeys(tx, { root, keyEncryptionKey, clock, ...options }));
}

function record() {
  const iat = seconds(fixture.clock);
  const partner = { entity_id: ISS, root_thumbprint: fixture.root.kid, domains: [], scope: [] };
  return {
    ...{ iss: ISS, jti: 'j1', iat, exp: iat + 60, version: 1 },
    partner: { ...partner, status: 'active' as const },
  };
}

function verifyRecord(token: string, signer: Signer) {
  const trusted = { onlineKeys: signer.onlineKeys(), purpose: 'record' as const };
  return verifyIssued(token, 'partner-record+jwt', partnerRecordSchema, trusted, seconds(fixture.clock));
}

function published(signer: Signer) {
  return decodeClaims(signer.onlineKeysToken(), 'online-keys+jwt', onlineKeysSchema);
}

async function privateHalves(): Promise<string[]> {
  const rows = await fixture.store.database.read((query) =>
    query.selectFrom('signer_keys').select('thumbprint').execute(),
  );
  return rows.map((row) => row.thumbprint).sort();
}

function currentThumbprints(signer: Signer): string[] {
  return keyPurpose.options.map((purpose) => thumbprint(signer.currentKey(purpose))).sort();
}

describe('the local signer', () => {
  it('signs what verifies under its online keys, and those under the root', async () => {
    const signer = await fixture.open();
    const expected = { iss: ISS, rootThumbprint: fixture.root.kid };
    await verifyOnlineKeys(signer.onlineKeysToken(), expected, seconds(fixture.clock));
    const token = await signer.sign('record', 'partner-record+jwt', record());
    expect(await verifyRecord(token, signer)).toEqual(record());
  });

  it('has a key of its own for every purpose', async () => {
    const signer = await fixture.open();
    expect(new Set(currentThumbprints(signer)).size).toBe(keyPurpose.options.length);
  });

  it('has the same keys after a restart', async () => {
    const before = await fixture.open();
    const sealed = await before.seal({ kind: 'share', sub: 'p' }, utf8('s'));
    const after = await fixture.open({ database: await fixture.store.openAnother() });
    expect(currentThumbprints(after)).toEqual(currentThumbprints(before));
    expect(await after.open({ kind: 'share', sub: 'p' }, sealed)).toEqual(utf8('s'));
  });

  it('does not sign a type that verifiers do not take from the purpose', async () => {
    const signer = await fixture.open();
    const signed = signer.sign('binding', 'partner-record+jwt', record());
    await expect(signed).rejects.toMatchObject({ code: 'internal' });
  });

  it('does not sign for another issuer', async () => {
    const signer = await fixture.open();
    const claims = { ...record(), iss: 'https://bridge.globex.example' };
    await expect(signer.sign('record', 'partner-record+jwt', claims)).rejects.toMatchObject({
      code: 'internal',
    });
  });

  it('signs checkpoints of its own log, the same bytes each time, and nothing else with the log key', async () => {
    const signer = await fixture.open();
    const checkpoint = (origin: string) => utf8(`${origin}\n1\n${btoa('\0'.repeat(32))}\n`);
    const text = checkpoint('bridge.acme.example/log');
    const signature = await signer.signNote('log', text);
    expect(signature).toHaveLength(64);
    expect(await verifyBytes(signer.currentKey('log'), text, encodeBase64url(signature))).toBe(true);
    expect(await signer.signNote('log', text)).toEqual(signature);
    const others = [checkpoint('bridge.globex.example/log'), utf8('{"iss":"x"}'), new Uint8Array([255])];
    for (const other of others) {
      await expect(signer.signNote('log', other)).rejects.toMatchObject({ code: 'internal' });
    }
  });

  it('signs checkpoints of its event log with a key of their own, and none of them with that of another log', async () => {
    const signer = await fixture.open();
    const checkpoint = (log: string) => utf8(`bridge.acme.example/${log}\n1\n${btoa('\0'.repeat(32))}\n`);
    const signature = encodeBase64url(await signer.signNote('events', checkpoint('events')));
    expect(await verifyBytes(signer.currentKey('events'), checkpoint('events'), signature)).toBe(true);
    expect(await verifyBytes(signer.currentKey('log'), checkpoint('events'), signature)).toBe(false);
    await expect(signer.signNote('events', checkpoint('log'))).rejects.toMatchObject({ code: 'internal' });
    await expect(signer.signNote('log', checkpoint('events'))).rejects.toMatchObject({ code: 'internal' });
  });

  it('stops signing when its online keys expire', async () => {
    const signer = await fixture.open();
    fixture.clock.advance(90 * DAY_MS);
    await expect(signer.sign('record', 'partner-record+jwt', record())).rejects.toMatchObject({
      code: 'unavailable',
    });
  });
});

describe('the store’s rest', () => {
  it('holds no private key in the clear', async () => {
    const rows = await fixture.store.database.read((query) =>
      query.selectFrom('signer_keys').selectAll().execute(),
    );
    expect(rows).toHaveLength(keyPurpose.options.length);
    for (const row of rows) expect(row.sealed.length).toBe(1 + 8 + 12 + 32 + 16);
  });

  it('refuses a key moved to another purpose', async () => {
    const [first, second] = await fixture.store.database.read((query) =>
      query.selectFrom('signer_keys').select(['thumbprint', 'sealed']).limit(2).execute(),
    );
    await fixture.store.database.transaction((tx) =>
      tx
        .updateTable('signer_keys')
        .set({ sealed: second?.sealed ?? new Uint8Array() })
        .where('thumbprint', '=', first?.thumbprint ?? '')
        .execute(),
    );
    await expect(fixture.open()).rejects.toMatchObject({
      code: 'state_refused',
      cause: { code: 'seal_broken' },
    });
  });
});

describe('opening is refused, with what to do,', () => {
  it('for a store without keys', async () => {
    await fixture.store.database.transaction((tx) => tx.deleteFrom('signer').execute());
    await expect(fixture.open()).rejects.toMatchObject({
      code: 'state_refused',
      detail: expect.stringContaining('countersign init'),
    });
  });

  it('for another key-encryption key, which is told apart from damage', async () => {
    const keyEncryptionKey = crypto.getRandomValues(new Uint8Array(32));
    await expect(fixture.open({ keyEncryptionKey })).rejects.toMatchObject({
      code: 'state_refused',
      detail: expect.stringContaining('another key-encryption key'),
    });
  });

  it('for another entity id', async () => {
    await expect(fixture.open({ iss: 'https://other.example' })).rejects.toMatchObject({
      code: 'state_refused',
      detail: expect.stringContaining(ISS),
    });
  });

  it('for expired online keys', async () => {
    fixture.clock.advance(91 * DAY_MS);
    await expect(fixture.open()).rejects.toMatchObject({
      code: 'state_refused',
      cause: { code: 'jws_expired' },
    });
  });

  it('for online keys that another root signed', async () => {
    const root = (await createRootKey()).thumbprint;
    await fixture.store.database.transaction((tx) =>
      tx.updateTable('signer').set({ root_thumbprint: root }).execute(),
    );
    await expect(fixture.open()).rejects.toMatchObject({
      code: 'state_refused',
      cause: { code: 'root_mismatch' },
    });
  });

  it('when there are keys already and they would be initialized again', async () => {
    const { root, keyEncryptionKey, clock, store } = fixture;
    const again = store.database.transaction((tx) =>
      initializeKeys(tx, { iss: ISS, root, keyEncryptionKey, clock }),
    );
    await expect(again).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('a rotation', () => {
  it('by another process is in force after a refresh', async () => {
    const signer = await fixture.open();
    const old = thumbprint(signer.currentKey('binding'));
    const other = await fixture.store.openAnother();
    const { root, keyEncryptionKey, clock } = fixture;
    await other.transaction((tx) => rotateKeys(tx, { root, keyEncryptionKey, clock }));
    expect(thumbprint(signer.currentKey('binding'))).toBe(old);
    await signer.refresh();
    expect(thumbprint(signer.currentKey('binding'))).not.toBe(old);
    expect(signer.onlineKeys().serial).toBe(2);
  });

  it('leaves what the retired key signed valid', async () => {
    const signer = await fixture.open();
    const token = await signer.sign('record', 'partner-record+jwt', record());
    await rotate();
    await signer.refresh();
    await expect(verifyRecord(token, signer)).resolves.toMatchObject({ jti: 'j1' });
  });

  it('publishes the retired key with its end, which the next rotation does not move', async () => {
    const signer = await fixture.open();
    const old = thumbprint(signer.currentKey('statement'));
    const end = seconds(fixture.clock) + 3600;
    for (let times = 0; times < 2; times++) {
      await rotate();
      await signer.refresh();
      expect(published(signer).keys.find(({ jwk }) => thumbprint(jwk) === old)?.exp).toBe(end);
      fixture.clock.advance(10 * DAY_MS);
    }
  });

  it('leaves the keys of the logs unless they are named', async () => {
    const signer = await fixture.open();
    const [log, events] = [signer.currentKey('log'), signer.currentKey('events')];
    const { purposes } = await rotate();
    expect(purposes).toEqual(['binding', 'statement', 'federation', 'record']);
    await signer.refresh();
    expect([signer.currentKey('log'), signer.currentKey('events')]).toEqual([log, events]);
    await rotate({ purposes: ['log'] });
    await signer.refresh();
    expect(signer.currentKey('log')).not.toEqual(log);
    expect(published(signer).keys.map(({ jwk }) => jwk)).toContainEqual(log);
  });

  it('of one purpose leaves the other keys, and renews their time', async () => {
    const signer = await fixture.open();
    const [binding, log] = [signer.currentKey('binding'), signer.currentKey('log')];
    fixture.clock.advance(60 * DAY_MS);
    expect(await rotate({ purposes: ['binding'] })).toEqual({ serial: 2, purposes: ['binding'] });
    await signer.refresh();
    fixture.clock.advance(60 * DAY_MS);
    expect(signer.currentKey('binding')).not.toEqual(binding);
    expect(signer.currentKey('log')).toEqual(log);
  });

  it('deletes the private halves that are of no use any more', async () => {
    const signer = await fixture.open();
    await rotate();
    await signer.refresh();
    expect(await privateHalves()).toEqual(currentThumbprints(signer));
  });

  it('with a lead publishes the new key before it signs', async () => {
    const signer = await fixture.open();
    const old = thumbprint(signer.currentKey('federation'));
    await rotate({ purposes: ['federation'], lead: 86_400 });
    await signer.refresh();
    expect(published(signer).keys.filter((key) => key.purpose === 'federation')).toHaveLength(2);
    expect(thumbprint(signer.currentKey('federation'))).toBe(old);
    const restarted = await fixture.open();
    fixture.clock.advance(DAY_MS);
    expect(thumbprint(restarted.currentKey('federation'))).not.toBe(old);
    expect(restarted.currentKey('federation')).toEqual(signer.currentKey('federation'));
  });

  it('with a lead lets the old key sign until then, even if it would have ended before', async () => {
    fixture.clock.advance(89 * DAY_MS);
    await rotate({ lead: (7 * DAY_MS) / 1000 });
    const signer = await fixture.open();
    fixture.clock.advance(6 * DAY_MS);
    const token = await signer.sign('record', 'partner-record+jwt', record());
    await expect(verifyRecord(token, signer)).resolves.toMatchObject({ jti: 'j1' });
  });

  it('brings a bridge back whose online keys have expired', async () => {
    fixture.clock.advance(100 * DAY_MS);
    await rotate();
    const signer = await fixture.open();
    expect(signer.onlineKeys().serial).toBe(2);
  });

  it('forgets retired keys of short-lived objects, never those of statements', async () => {
    const signer = await fixture.open();
    const [binding, statement] = [signer.currentKey('binding'), signer.currentKey('statement')];
    for (let times = 0; times < 2; times++) {
      await rotate();
      fixture.clock.advance(40 * DAY_MS);
    }
    await rotate();
    await signer.refresh();
    const keys = published(signer).keys.map(({ jwk }) => thumbprint(jwk));
    expect(keys).not.toContain(thumbprint(binding));
    expect(keys).toContain(thumbprint(statement));
  });

  it('under another root is refused', async () => {
    const other = await openRootKey(await createRootKey());
    await expect(rotate({ root: other })).rejects.toMatchObject({ code: 'root_mismatch' });
  });

  it('is refused once more keys would be published than verifiers take', async () => {
    const rotations = async () => {
      for (let times = 0; times < 32; times++) {
        await rotate({ purposes: keyPurpose.options });
        fixture.clock.advance(31 * DAY_MS);
      }
    };
    await expect(rotations()).rejects.toMatchObject({ code: 'state_refused' });
  });
});

describe('a compromised key', () => {
  it('is replaced at once, and what it signed is refused whatever its date', async () => {
    const signer = await fixture.open();
    const token = await signer.sign('record', 'partner-record+jwt', record());
    const stolen = thumbprint(signer.currentKey('record'));
    expect(await rotate({ purposes: [], compromised: [stolen], lead: 3600 })).toEqual({
      serial: 2,
      purposes: ['record'],
    });
    await signer.refresh();
    await expect(verifyRecord(token, signer)).rejects.toMatchObject({ code: 'key_compromised' });
    const anew = await signer.sign('record', 'partner-record+jwt', record());
    await expect(verifyRecord(anew, signer)).resolves.toMatchObject({ jti: 'j1' });
    expect(await privateHalves()).not.toContain(stolen);
  });

  it('stays listed after the next rotation', async () => {
    const signer = await fixture.open();
    const stolen = thumbprint(signer.currentKey('record'));
    await rotate({ compromised: [stolen] });
    await rotate();
    await signer.refresh();
    expect(published(signer).compromised).toEqual([stolen]);
  });

  it('that was never published is refused, and nothing changes', async () => {
    const unknown = (await createRootKey()).thumbprint;
    await expect(rotate({ compromised: [unknown] })).rejects.toMatchObject({ code: 'jws_unknown_key' });
    expect((await fixture.open()).onlineKeys().serial).toBe(1);
  });
});

describe('SAML keys', () => {
  it('are made on first use, once, and are the same after a restart', async () => {
    const [signer, other] = [await fixture.open(), await fixture.open()];
    const [one, two] = await Promise.all([signer.samlKeys(), other.samlKeys()]);
    expect(one).toEqual(two);
    expect(await (await fixture.open()).samlKeys()).toEqual(one);
    expect(one.next).toBeNull();
  });

  it('are RSA with 3,072 bits, in a certificate of their own for our host', async () => {
    const { current } = await (await fixture.open()).samlKeys();
    const certificate = new X509Certificate(current.certificate);
    const privateKey = createPrivateKey(current.privateKey);
    expect(certificate.subject).toBe('CN=bridge.acme.example');
    expect(certificate.publicKey.asymmetricKeyDetails?.modulusLength).toBe(3072);
    expect(certificate.checkPrivateKey(privateKey)).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });

  it('are announced before they are used', async () => {
    const { store, keyEncryptionKey, clock } = fixture;
    const deps = { database: store.database, keyEncryptionKey, iss: ISS, clock };
    const signer = await fixture.open();
    const { current } = await signer.samlKeys();
    await stageSamlKey(deps);
    await expect(stageSamlKey(deps)).rejects.toMatchObject({ code: 'conflict' });
    await signer.refresh();
    const announced = await signer.samlKeys();
    expect(announced.current).toEqual(current);
    await store.database.transaction(activateSamlKey);
    await signer.refresh();
    expect(await signer.samlKeys()).toEqual({ current: announced.next, next: null });
    await expect(store.database.transaction(activateSamlKey)).rejects.toMatchObject({ code: 'conflict' });
  });
});
