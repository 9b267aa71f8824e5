import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openShare, openTransformKey } from '../../bridge/binding/transform-keys.ts';
import { findDevice } from '../../bridge/directory/devices.ts';
import { findPersonKeys } from '../../bridge/directory/person-keys.ts';
import { openGroupShare } from '../../bridge/groups/sealed-group-keys.ts';
import { findSealedKey } from '../../bridge/groups/sealed-key-store.ts';
import { findGroup, findMember, openMemberKey } from '../../bridge/groups/services.ts';
import type { OutboundResponse } from '../../bridge/lib/outbound.ts';
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { utf8 } from '../../protocol/bytes.ts';
import type { KeyOpening } from '../../protocol/groups/api.ts';
import {
  type KeyOpeningRequest,
  type KeyOpeningResponse,
  keyOpeningRequestSchema,
  keyOpeningResponseSchema,
  sealedKeyReceiptClaimsSchema,
} from '../../protocol/groups/federation.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import {
  decodeEncryptedValue,
  decodeTransformKey,
  encodeEncryptedValue,
  preFromJwk,
} from '../../recrypt/encoding.ts';
import type { EncryptedValue } from '../../recrypt/transform-engine.ts';
import { expectCode } from '../binding/expect-code.ts';
import { revoke } from '../binding/revoke.ts';
import { contextOf, type Enrolled, enrol } from '../fakes/client-side.ts';
import { addMembers, type MadeGroup } from '../fakes/group-side.ts';
import { depositKey, makeGroupOf, open, receive, recipientGroup, type Sealed, sealKey } from './sealing.ts';
import { type Lie, type OpeningBridge, type TwoBridges, twoBridges } from './two-bridges.ts';

let bridges: TwoBridges;
/** Home of the group: Ada's company. */
let acme: OpeningBridge;
/** The participant's bridge: Gwen's company. */
let globex: OpeningBridge;
let ada: Enrolled;
let gwen: Enrolled;
let hal: Enrolled;
let group: MadeGroup;
let sealed: Sealed;

beforeAll(async () => {
  bridges = await twoBridges();
  ({ acme, globex } = bridges);
  ada = await acme.addEnrolled('ada');
  gwen = await globex.addEnrolled('gwen');
  hal = await globex.addEnrolled('hal');
  group = await makeGroupOf(acme, ada, [ada, gwen], 'meeting');
  sealed = await depositKey(acme, ada, recipientGroup(group));
});

afterEach(() => {
  globex.lie = undefined;
});

afterAll(() => bridges.close());

const openAsGwen = () => open(globex, gwen, sealed.to, sealed.keyId);
const receiveAsGwen = (opening: KeyOpening) =>
  receive(opening, gwen, { to: sealed.to, keyId: sealed.keyId, sealerBridge: acme });

/** Home answers with its real signature, but otherwise than it should. */
function homeAnswers(
  change: (
    honest: KeyOpeningResponse,
    request: KeyOpeningRequest,
  ) => Partial<KeyOpeningResponse> | Promise<Partial<KeyOpeningResponse>>,
): Lie {
  return async (token, askHonestly) => {
    const request = decodeClaims(token, 'key-opening-request+jwt', keyOpeningRequestSchema);
    const response = await askHonestly();
    const text = new TextDecoder().decode(response.body);
    const honest = decodeClaims(text, 'key-opening-response+jwt', keyOpeningResponseSchema);
    const changed = { ...honest, ...(await change(honest, request)) };
    return answer(await acme.parts.signer.sign('federation', 'key-opening-response+jwt', changed));
  };
}

const answer = (text: string): OutboundResponse => ({
  ...{ status: 200, headers: new Headers(), body: utf8(text) },
});

/** A key that the attacker made, encrypted to somebody's key. */
function encryptedTo(key: Parameters<typeof preFromJwk>[1]): {
  plaintext: Uint8Array;
  value: EncryptedValue;
} {
  const { engine } = acme.parts;
  const plaintext = engine.generatePlaintext();
  const signing = engine.generateSigningKeyPair().privateKey;
  return { plaintext, value: engine.encrypt(plaintext, preFromJwk(engine, key), signing) };
}

const encoded = (value: EncryptedValue) => encodeBase64url(encodeEncryptedValue(value));
const decoded = (text: string) => decodeEncryptedValue(decodeBase64url(text), { maxBlocks: 3 });

async function faultsAt({ parts }: OpeningBridge): Promise<(string | null)[]> {
  const events = await parts.eventsSoFar();
  return events.filter(({ type }) => type === 'partner.fault').map(({ code }) => code);
}

/** What the home bridge holds of the way to Gwen: all that its database and its signer give. */
async function everythingAtHome() {
  const { database, signer } = acme.parts;
  const person = { iss: globex.iss, sub: gwen.who.sub };
  const found = await database.read(async (query) => ({
    group: await findGroup(query, group.group),
    member: await findMember(query, group.group, person),
    sealed: await findSealedKey(query, { recipient_kind: 'group', recipient: group.group }, sealed.keyId),
  }));
  if (!found.group?.share || !found.member || !found.sealed) throw new Error('home has lost something');
  const name = { group: group.group, keyVersion: found.group.key_version };
  return {
    share: await openGroupShare(signer, name, found.group.share),
    transformKey: decodeTransformKey(await openMemberKey(signer, found.member, found.member.transform_key)),
    value: decodeEncryptedValue(found.sealed.encrypted, { maxBlocks: 0 }),
  };
}

/** The same of the participant's bridge, with what home answers it. */
async function everythingAtGlobex() {
  const { database, signer } = globex.parts;
  const { keys, device } = await database.read(async (query) => ({
    keys: await findPersonKeys(query, gwen.who.sub),
    device: await findDevice(query, gwen.who.deviceId),
  }));
  if (!keys || !device) throw new Error('Globex has lost something');
  const key = { sub: gwen.who.sub, keyVersion: keys.key_version };
  const name = { ...key, deviceId: device.device_id };
  let answered = '';
  globex.lie = homeAnswers(({ encrypted }) => {
    answered = encrypted;
    return {};
  });
  const opening = await openAsGwen();
  globex.lie = undefined;
  return {
    share: await openShare(signer, key, keys.share),
    transformKey: decodeTransformKey(await openTransformKey(signer, name, device.transform_key)),
    fromHome: decoded(answered),
    forDevice: decoded(opening.encrypted),
  };
}

describe('a bridge alone, with its database and its signer', () => {
  it('at home decrypts neither what was sealed nor what it transformed', async () => {
    const { engine } = acme.parts;
    const { share, transformKey, value } = await everythingAtHome();
    const signing = engine.generateSigningKeyPair().privateKey;
    const transformed = engine.transform(value, transformKey, signing);
    // The only private scalars that it has or can make: its share, and keys of its own.
    for (const key of [share, engine.generateKeyPair().privateKey]) {
      for (const each of [value, transformed]) {
        expect(() => engine.decrypt(each, key)).toThrow(
          expect.objectContaining({ code: 'recrypt_decrypt_failed' }),
        );
      }
    }
  });

  it('at the participant’s decrypts neither what home answers nor what its device gets', async () => {
    const { engine } = globex.parts;
    const { share, fromHome, forDevice } = await everythingAtGlobex();
    for (const key of [share, engine.generateKeyPair().privateKey]) {
      for (const each of [fromHome, forDevice]) {
        expect(() => engine.decrypt(each, key)).toThrow(
          expect.objectContaining({ code: 'recrypt_decrypt_failed' }),
        );
      }
    }
  });

  it('and both together decrypt nothing either, without a device', async () => {
    const { engine } = globex.parts;
    const [home, there] = [await everythingAtHome(), await everythingAtGlobex()];
    const sum = engine.addPrivateKeys(home.share, there.share);
    for (const key of [home.share, there.share, sum]) {
      for (const each of [home.value, there.fromHome, there.forDevice]) {
        expect(() => engine.decrypt(each, key)).toThrow(
          expect.objectContaining({ code: 'recrypt_decrypt_failed' }),
        );
      }
    }
  });
});

describe('a key of its own that a bridge slips in', () => {
  it('at home, encrypted to the group, is refused by the commitment of the sealer', async () => {
    const { transformKey } = await everythingAtHome();
    const { engine } = acme.parts;
    globex.lie = homeAnswers(() => {
      const { value } = encryptedTo(group.key);
      const signing = engine.generateSigningKeyPair().privateKey;
      return { encrypted: encoded(engine.transform(value, transformKey, signing)) };
    });
    await expectCode(openAsGwen().then(receiveAsGwen), 'sealed_key_commitment');
  });

  it('at home, with a token to match, is refused by the signature of the sealer’s device', async () => {
    const { engine } = acme.parts;
    const { transformKey } = await everythingAtHome();
    const strangers = { ...ada, device: { ...ada.device, sig: gwen.device.sig } };
    const own = await sealKey(acme, strangers, recipientGroup(group), { key_id: sealed.keyId });
    const signing = engine.generateSigningKeyPair().privateKey;
    const value = decodeEncryptedValue(decodeBase64url(own.body.encrypted), { maxBlocks: 0 });
    globex.lie = homeAnswers(() => ({
      ...{ encrypted: encoded(engine.transform(value, transformKey, signing)), token: own.body.token },
    }));
    await expectCode(openAsGwen().then(receiveAsGwen), 'jws_unknown_key');
  });

  it('at the participant’s, encrypted to the device, is refused by the commitment', async () => {
    const honest = await openAsGwen();
    const { value } = encryptedTo(gwen.request.device_key);
    await expectCode(receiveAsGwen({ ...honest, encrypted: encoded(value) }), 'sealed_key_commitment');
  });

  it('at either, another key that was sealed to the same group, is refused by the commitment', async () => {
    const other = await depositKey(acme, ada, recipientGroup(group));
    const opening = await open(globex, gwen, other.to, other.keyId);
    const honest = await openAsGwen();
    await expectCode(receiveAsGwen({ ...honest, encrypted: opening.encrypted }), 'sealed_key_commitment');
    await expectCode(receiveAsGwen({ ...honest, token: opening.token }), 'sealed_key_mismatch');
  });
});

describe('an answer of home', () => {
  it.each<[string, Parameters<typeof homeAnswers>[0]]>([
    ['with no transform', () => ({ encrypted: sealed.body.encrypted })],
    ['with another number of transforms than it says', () => ({ hops: 2 })],
    ['about another key', () => ({ key_id: 'another-key' })],
    ['about another group', () => ({ group: sha256Base64url('another group') })],
    ['with the token of another key', async () => ({ token: (await anotherKey()).body.token })],
    [
      'with the token of a key to another group',
      async () => ({ token: (await sameKeyElsewhere()).body.token }),
    ],
    ['for another person', () => ({ target: { iss: globex.iss, sub: hal.who.sub, key_version: 0 } })],
    ['for a person of its own', () => ({ target: { iss: acme.iss, sub: gwen.who.sub, key_version: 0 } })],
    [
      'for a durable group in which the person is not',
      () => ({ target: { iss: globex.iss, group: sha256Base64url('a group'), key_version: 0 } }),
    ],
    ['that is no ciphertext', () => ({ encrypted: 'AAAA' })],
  ])('%s is partner_lying, and is reported', async (_what, change) => {
    const before = await faultsAt(globex);
    const transforms = globex.transformsRun();
    globex.lie = homeAnswers(change);
    await expectCode(openAsGwen(), 'partner_lying');
    expect(await faultsAt(globex)).toEqual([...before, 'partner_lying']);
    expect(globex.transformsRun()).toBe(transforms);
  });

  it('by a longer way to a durable group of ours than one that it keeps is partner_lying', async () => {
    const team = await makeGroupOf(globex, gwen, [gwen]);
    const weekly = await makeGroupOf(acme, ada, [team], 'meeting');
    const key = await depositKey(acme, ada, recipientGroup(weekly));
    const { engine } = acme.parts;
    const { transformKey } = await everythingAtHome();
    const signing = engine.generateSigningKeyPair().privateKey;
    globex.lie = homeAnswers(({ encrypted }) => ({
      ...{ hops: 2, encrypted: encoded(engine.transform(decoded(encrypted), transformKey, signing)) },
    }));
    const transforms = globex.transformsRun();
    await expectCode(open(globex, gwen, key.to, key.keyId), 'partner_lying');
    expect(globex.transformsRun()).toBe(transforms);
    globex.lie = undefined;
    expect(await open(globex, gwen, key.to, key.keyId)).toMatchObject({ hops: 3 });
  });

  it('that leads to keys which the person had before is membership_stale, and is not transformed', async () => {
    const ian = await globex.addEnrolled('ian');
    const meeting = await makeGroupOf(acme, ada, [ian], 'meeting');
    const { to, keyId } = await depositKey(acme, ada, recipientGroup(meeting));
    await revoke(globex.parts, ian.offer.statement.address, 'reset');
    const again = await enrol(globex.parts, ian.who.sub);
    await addMembers(acme, meeting, [again]);
    globex.lie = homeAnswers(({ target }) => ({
      target: { ...target, key_version: target.key_version - 1 },
    }));
    const transforms = globex.transformsRun();
    await expectCode(open(globex, again, to, keyId), 'membership_stale');
    expect(globex.transformsRun()).toBe(transforms);
    globex.lie = undefined;
    expect(await open(globex, again, to, keyId)).toMatchObject({ hops: 2 });
  });

  it('whose ciphertext is off the curve is partner_lying', async () => {
    globex.lie = homeAnswers(({ encrypted }) => {
      const value = decoded(encrypted);
      const { x, y } = value.ephemeralPublicKey;
      return { encrypted: encoded({ ...value, ephemeralPublicKey: { x: y, y: x } }) };
    });
    await expectCode(openAsGwen(), 'partner_lying');
  });

  it('to an earlier request is partner_replay', async () => {
    let earlier: OutboundResponse | undefined;
    globex.lie = async (_request, honest) => {
      earlier = await honest();
      return earlier;
    };
    await openAsGwen();
    globex.lie = async () => earlier ?? answer('');
    await expectCode(openAsGwen(), 'partner_replay');
  });

  it('that names the person as excluded is heeded without proof', async () => {
    const claims = {
      ...{ v: 1, iss: acme.iss, group: group.group, act: 'exclude', nonce: sha256Base64url('n'), iat: 0 },
      member: { iss: globex.iss, sub: gwen.who.sub },
    };
    const part = (value: unknown) => encodeBase64url(utf8(JSON.stringify(value)));
    const header = { alg: 'Ed25519', kid: sha256Base64url('nobody'), typ: 'group-exclusion+jwt' };
    globex.lie = homeAnswers(() => ({ exclusions: [`${part(header)}.${part(claims)}.${'A'.repeat(86)}`] }));
    await expectCode(openAsGwen(), 'group_excluded');
  });
});

describe('home as an oracle of the participant’s bridge', () => {
  /** What Globex can sign, sent as it is. */
  async function ask(claims: Partial<KeyOpeningRequest>): Promise<string> {
    const now = Math.floor(globex.parts.clock.now() / 1000);
    const token = await globex.parts.signer.sign('federation', 'key-opening-request+jwt', {
      ...{ iss: globex.iss, aud: acme.iss, jti: crypto.randomUUID(), iat: now, exp: now + 60 },
      ...{ group: group.group, sub: gwen.who.sub, via: [], key_id: sealed.keyId, key_since: 0, ...claims },
    });
    return acme.keyOpenings.answerPartner(token, { requestId: 'r', actor: { kind: 'anonymous' } });
  }

  it('takes a request once', async () => {
    await openAsGwen();
    const token = globex.sent.at(-1) ?? '';
    const before = acme.transformsRun();
    await expectCode(
      acme.keyOpenings.answerPartner(token, { requestId: 'r', actor: { kind: 'anonymous' } }),
      'replayed',
    );
    expect(acme.transformsRun()).toBe(before);
  });

  it.each<[string, () => Partial<KeyOpeningRequest>, string]>([
    ['for a person who is no member', () => ({ sub: hal.who.sub }), 'group_unknown'],
    ['for a person of home', () => ({ sub: ada.who.sub }), 'group_unknown'],
    [
      'by a durable group that is not in the group',
      () => ({ sub: hal.who.sub, via: [sha256Base64url('x')] }),
      'group_unknown',
    ],
    ['of a group that is not there', () => ({ group: sha256Base64url('x') }), 'group_unknown'],
    ['of a key that is not there', () => ({ key_id: 'x' }), 'sealed_key_unknown'],
    ['for another bridge', () => ({ aud: globex.iss }), 'jws_audience'],
  ])('transforms nothing %s', async (_what, claims, code) => {
    const before = acme.transformsRun();
    await expectCode(ask(claims()), code as never);
    expect(acme.transformsRun()).toBe(before);
  });

  it('does not transform by a durable group of home for which the participant’s bridge only vouches', async () => {
    const durable = await makeGroupOf(acme, ada, [ada]);
    const meeting = await makeGroupOf(acme, ada, [durable], 'meeting');
    const key = await depositKey(acme, ada, recipientGroup(meeting));
    await expectCode(
      ask({ group: meeting.group, key_id: key.keyId, sub: hal.who.sub, via: [durable.group] }),
      'group_unknown',
    );
  });

  it('takes no ciphertext that was transformed, nor one that its sealer did not sign for', async () => {
    const { engine } = acme.parts;
    const own = await sealKey(globex, gwen, recipientGroup(group));
    const { transformKey } = await everythingAtGlobex();
    const value = decodeEncryptedValue(decodeBase64url(own.body.encrypted), { maxBlocks: 0 });
    const once = encodeEncryptedValue(
      engine.transform(value, transformKey, engine.generateSigningKeyPair().privateKey),
    );
    const signed = await sealKey(globex, gwen, recipientGroup(group), { ciphertext: sha256Base64url(once) });
    const transformed = { ...signed.body, encrypted: encodeBase64url(once) };
    await expectCode(
      globex.sealedKeys.deposit(gwen.who, transformed, contextOf(gwen.who)),
      'recrypt_input_invalid',
    );
    const swapped = { ...own.body, encrypted: sealed.body.encrypted };
    await expectCode(
      globex.sealedKeys.deposit(gwen.who, swapped, contextOf(gwen.who)),
      'sealed_key_mismatch',
    );
  });

  it('opens nothing that was sealed to somebody else, if it is put into a group', async () => {
    // A ciphertext to Ada that Globex came by: Gwen signs it as her own and has it kept for the group that she is in.
    const { plaintext, value } = encryptedTo(ada.offer.statement.keys[0]);
    const bytes = encodeEncryptedValue(value);
    const stolen = await sealKey(globex, gwen, recipientGroup(group), {
      ciphertext: sha256Base64url(bytes),
    });
    const body = { ...stolen.body, encrypted: encodeBase64url(bytes) };
    await globex.sealedKeys.deposit(gwen.who, body, contextOf(gwen.who));
    const opening = await open(globex, gwen, stolen.to, stolen.keyId);
    expect(() => acme.parts.engine.decrypt(decoded(opening.encrypted), gwen.device.pre.privateKey)).toThrow(
      expect.objectContaining({ code: 'recrypt_decrypt_failed' }),
    );
    expect(plaintext).toHaveLength(384);
  });

  it('keeps no key in the name of somebody else, or of another time', async () => {
    const forged = await sealKey(globex, gwen, recipientGroup(group), { iss: acme.iss, sub: ada.who.sub });
    await expectCode(
      globex.sealedKeys.deposit(gwen.who, forged.body, contextOf(gwen.who)),
      'sealed_key_mismatch',
    );
    const elsewhere = await sealKey(globex, hal, recipientGroup(group));
    await expectCode(globex.sealedKeys.deposit(hal.who, elsewhere.body, contextOf(hal.who)), 'group_unknown');
    const old = await sealKey(acme, ada, recipientGroup(group), { iat: ada.offer.statement.since - 7200 });
    await expectCode(acme.sealedKeys.deposit(ada.who, old.body, contextOf(ada.who)), 'jws_expired');
    const ahead = await sealKey(acme, ada, recipientGroup(group), { iat: ada.offer.statement.since + 3600 });
    await expectCode(acme.sealedKeys.deposit(ada.who, ahead.body, contextOf(ada.who)), 'jws_not_yet_valid');
  });
});

describe('a receipt of home for a sealed key', () => {
  it.each<[string, () => Partial<SealedKeyReceipt>]>([
    ['another key', () => ({ key_id: sealed.keyId })],
    ['another group', () => ({ to: { ...sealed.to, group: sha256Base64url('another group') } })],
  ])('for %s is partner_lying: it is not said to be stored', async (_what, change) => {
    globex.lie = async (_token, askHonestly) => {
      const text = new TextDecoder().decode((await askHonestly()).body);
      const honest = decodeClaims(text, 'sealed-key-receipt+jwt', sealedKeyReceiptClaimsSchema);
      const changed = { ...honest, ...change() };
      return answer(await acme.parts.signer.sign('federation', 'sealed-key-receipt+jwt', changed));
    };
    await expectCode(depositKey(globex, gwen, recipientGroup(group)), 'partner_lying');
  });
});

describe('the participant’s bridge as an oracle of home', () => {
  it('transforms only what an opening of its own device asked for: home cannot ask it', async () => {
    const now = Math.floor(acme.parts.clock.now() / 1000);
    const token = await acme.parts.signer.sign('federation', 'key-opening-request+jwt', {
      ...{ iss: acme.iss, aud: globex.iss, jti: 'jti-1', iat: now, exp: now + 60 },
      ...{ group: group.group, sub: gwen.who.sub, via: [], key_id: sealed.keyId, key_since: 0 },
    });
    const before = globex.transformsRun();
    await expectCode(
      globex.keyOpenings.answerPartner(token, { requestId: 'r', actor: { kind: 'anonymous' } }),
      'group_unknown',
    );
    expect(globex.transformsRun()).toBe(before);
  });

  it('gives what comes out to the device alone: home learns nothing from what it put in', async () => {
    // Home puts in what it wants opened: something to Gwen that it came by, with one transform made up.
    const { transformKey } = await everythingAtHome();
    const { engine } = acme.parts;
    const { value } = encryptedTo(gwen.offer.statement.keys[0]);
    const signing = engine.generateSigningKeyPair().privateKey;
    globex.lie = homeAnswers(() => ({ encrypted: encoded(engine.transform(value, transformKey, signing)) }));
    const sentBefore = globex.sent.length;
    const opening = await openAsGwen();
    // One request went out before, none after: what came out is in the device's answer only.
    expect(globex.sent.length).toBe(sentBefore + 1);
    await expectCode(receiveAsGwen(opening), 'recrypt_decrypt_failed');
  });

  async function anotherDevice(): Promise<void> {
    const stranger = { ...hal, who: { ...hal.who, sub: gwen.who.sub } };
    await open(globex, stranger, sealed.to, sealed.keyId);
  }

  it('does not open it for a device that is not the person’s', async () => {
    await expectCode(anotherDevice(), 'device_not_endorsed');
    await expectCode(open(globex, hal, sealed.to, sealed.keyId), 'group_unknown');
  });
});

const anotherKey = () => sealKey(acme, ada, recipientGroup(group));
const sameKeyElsewhere = () =>
  sealKey(
    acme,
    ada,
    { ...recipientGroup(group), to: { iss: acme.iss, group: sha256Base64url('another group') } },
    { key_id: sealed.keyId },
  );

type SealedKeyReceipt = ReturnType<typeof sealedKeyReceiptClaimsSchema.parse>;
