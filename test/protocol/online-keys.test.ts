import { beforeAll, describe, expect, it } from 'vitest';
import { signJws } from '../../protocol/jws.ts';
import { assertKeyInUse, keyPurpose, verifyOnlineKeys } from '../../protocol/online-keys.ts';
import { codeOf } from './codes.ts';
import { type Company, DAY, makeCompany, NOW, signRaw, testKey } from './company.ts';
import { knownAnswer } from './known-answers.ts';

const ONLINE_KEYS = knownAnswer('online-keys+jwt');

let acme: Company;

beforeAll(async () => {
  acme = await makeCompany();
});

const expected = () => ({ iss: acme.iss, rootThumbprint: acme.root.kid });
const refusal = (token: string, changes: object = {}, now = NOW) =>
  codeOf(() => verifyOnlineKeys(token, { ...expected(), ...changes }, now));

describe('verifyOnlineKeys', () => {
  it('takes the online keys of version 1, byte for byte', async () => {
    expect(await acme.onlineKeysToken()).toBe(ONLINE_KEYS);
    const keys = await verifyOnlineKeys(ONLINE_KEYS, expected(), NOW);
    expect(keys).toMatchObject({
      iss: acme.iss,
      serial: 1,
      exp: NOW + 90 * DAY,
      rootThumbprint: acme.root.kid,
    });
  });

  it('finds each key for its own purpose and for no other', async () => {
    const keys = await acme.onlineKeys();
    for (const purpose of keyPurpose.options) {
      const { kid, publicKey } = acme.keys[purpose];
      expect(keys.find(purpose, kid).jwk).toEqual(publicKey);
      for (const other of keyPurpose.options) {
        if (other !== purpose) expect(await codeOf(() => keys.find(other, kid))).toBe('jws_unknown_key');
      }
    }
  });

  it.each(['constructor', '__proto__', ''])('finds nothing under the key id "%s"', async (kid) => {
    const keys = await acme.onlineKeys();
    expect(await codeOf(() => keys.find('binding', kid))).toBe('jws_unknown_key');
  });

  it('refuses a key declared compromised, listed or not', async () => {
    const stolen = acme.keys.binding.kid;
    const listed = await acme.onlineKeys({ compromised: [stolen] });
    expect(await codeOf(() => listed.find('binding', stolen))).toBe('key_compromised');
    const remaining = acme.onlineKeysClaims().keys.filter(({ purpose }) => purpose !== 'binding');
    const removed = await acme.onlineKeys({ compromised: [stolen], keys: remaining });
    expect(await codeOf(() => removed.find('binding', stolen))).toBe('key_compromised');
  });

  it('is refused under another root than the pinned one', async () => {
    const impostor = await testKey('impostor root');
    expect(await refusal(await acme.onlineKeysToken({}, impostor))).toBe('root_mismatch');
  });

  it('is refused under another pinned root although it was verified under its own before', async () => {
    await acme.onlineKeys();
    const token = await acme.onlineKeysToken();
    expect(await refusal(token, { rootThumbprint: acme.keys.log.kid })).toBe('root_mismatch');
  });

  it('is refused when an impostor’s signature names the root’s key', async () => {
    const impostor = await testKey('impostor root');
    const header = { alg: 'Ed25519', typ: 'online-keys+jwt', kid: acme.root.kid, jwk: acme.root.publicKey };
    const token = await signRaw(impostor, header, JSON.stringify(acme.onlineKeysClaims()));
    expect(await refusal(token)).toBe('jws_signature');
  });

  it('is refused when its key id is not the root’s', async () => {
    const header = { alg: 'Ed25519', typ: 'online-keys+jwt', kid: 'root', jwk: acme.root.publicKey };
    const token = await signRaw(acme.root, header, JSON.stringify(acme.onlineKeysClaims()));
    expect(await refusal(token)).toBe('root_mismatch');
  });

  it('is refused when it does not carry the root’s key', async () => {
    const token = await signJws(acme.root, 'online-keys+jwt', acme.onlineKeysClaims());
    expect(await refusal(token)).toBe('root_mismatch');
  });

  it('is refused for another issuer, even under the same root', async () => {
    const token = await acme.onlineKeysToken();
    expect(await refusal(token, { iss: 'https://bridge.globex.example' })).toBe('jws_issuer');
  });

  it('is refused when its serial is lower than one seen, and taken when it is the same', async () => {
    const token = await acme.onlineKeysToken({ serial: 5 });
    expect((await verifyOnlineKeys(token, { ...expected(), leastSerial: 5 }, NOW)).serial).toBe(5);
    expect(await refusal(token, { leastSerial: 6 })).toBe('serial_rollback');
  });

  it('is refused when it has expired, although it was verified before', async () => {
    const token = await acme.onlineKeysToken();
    await verifyOnlineKeys(token, expected(), NOW);
    expect(await refusal(token, {}, NOW + 90 * DAY + 60)).toBe('jws_expired');
    expect(await refusal(token, {}, NOW - DAY - 61)).toBe('jws_not_yet_valid');
  });

  it('is refused when one key has two purposes', async () => {
    const { keys } = acme.onlineKeysClaims();
    const [first] = keys;
    const doubled = [...keys, { ...first, purpose: 'log' }];
    const token = await signJws(
      acme.root,
      'online-keys+jwt',
      JSON.parse(JSON.stringify(acme.onlineKeysClaims({ keys: doubled as typeof keys }))),
      { embedKey: true },
    );
    expect(await refusal(token)).toBe('claims_invalid');
  });

  it('is refused when the root is online', async () => {
    const keys = [{ jwk: acme.root.publicKey, purpose: 'binding' as const, nbf: NOW - DAY, exp: NOW + DAY }];
    expect(await refusal(await acme.onlineKeysToken({ keys }))).toBe('claims_invalid');
  });

  const lies: readonly (readonly [string, object])[] = [
    ['no keys', { keys: [] }],
    ['serial 0', { serial: 0 }],
    ['an unknown member', { extra: 1 }],
    ['65 compromised keys', { compromised: Array.from({ length: 65 }, () => 'A'.repeat(43)) }],
  ];
  it.each(lies)('is refused with %s', async (_, changes) => {
    expect(await refusal(await acme.onlineKeysToken(changes))).toBe('claims_invalid');
  });
});

describe('assertKeyInUse', () => {
  it('takes a minute of difference between clocks and no more', async () => {
    const [key] = acme.onlineKeysClaims().keys;
    if (key === undefined) throw new Error('unreachable');
    expect(() => assertKeyInUse(key, key.nbf - 60)).not.toThrow();
    expect(() => assertKeyInUse(key, key.exp + 59)).not.toThrow();
    expect(await codeOf(() => assertKeyInUse(key, key.nbf - 61))).toBe('jws_unknown_key');
    expect(await codeOf(() => assertKeyInUse(key, key.exp + 60))).toBe('jws_unknown_key');
  });
});
