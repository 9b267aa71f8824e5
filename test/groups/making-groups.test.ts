import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deletePersonKeys, findPersonKeys, replacePersonKeys } from '../../bridge/directory/person-keys.ts';
import { restrictPerson } from '../../bridge/directory/persons.ts';
import { findGroup } from '../../bridge/groups/group-store.ts';
import { openGroupShare } from '../../bridge/groups/sealed-group-keys.ts';
import type { Groups } from '../../bridge/groups/services.ts';
import { GROUPS_OF_CREATOR } from '../../bridge/lib/limits.ts';
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { groupViewSchema } from '../../protocol/groups/api.ts';
import { verifyGroupKeyChain } from '../../protocol/groups/group-key-chain.ts';
import { groupTranscript } from '../../protocol/groups/group-transcript.ts';
import { verifySignerEvidence } from '../../protocol/groups/signer-evidence.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { decodeTransformKey, preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import { transformSealed } from '../../recrypt/sealed-box.ts';
import { expectCode } from '../binding/expect-code.ts';
import { Interruption } from '../binding/interruption.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { contextOf, type Enrolled, enrol, holder, newDevice } from '../fakes/client-side.ts';
import {
  beginGroup,
  type GroupFaults,
  groupConfirmation,
  groupRequest,
  groupsOf,
  groupTranscriptMembers,
  type MakingGroup,
  makeGroup,
  memberKey,
  newGroupSecrets,
} from '../fakes/group-side.ts';

let parts: BridgeParts;
let groups: Groups;
let alice: Enrolled;
let bob: Enrolled;
let interruption: Interruption;

beforeEach(async () => {
  interruption = new Interruption();
  parts = await bridgeParts({ replace: ({ database }) => ({ database: interruption.of(database) }) });
  groups = groupsOf(parts);
  alice = await enrol(parts, await parts.addPerson({ addresses: ['alice@acme.example'] }));
  bob = await enrol(parts, await parts.addPerson({ addresses: ['bob@acme.example'] }));
});

afterEach(() => parts.remove());

const begin = (changes: Parameters<typeof beginGroup>[2] = {}, creator = alice) =>
  beginGroup({ parts, groups }, creator, changes);

async function confirm(making: MakingGroup, faults: GroupFaults = {}, who = making.creator.who) {
  const { claims: _claims, ...body } = await groupConfirmation(parts.engine, making, faults);
  return groups.making.confirm(who, making.offer.offer_id, body, contextOf(who));
}

const read = <T>(work: Parameters<typeof parts.database.read<T>>[0]) => parts.database.read(work);
const inAnHour = () => Math.floor(parts.clock.now() / 1000) + 3600;
const events = async () =>
  (await parts.eventsSoFar()).filter(({ type }) => type.startsWith('group.')).map(({ type }) => type);

describe('the offer of a group', () => {
  it('has the sum of both halves as key, and the share proven over all that it is about', async () => {
    const making = await begin();
    const { offer, request } = making;
    const { engine } = parts;
    const share = preFromJwk(engine, offer.share);
    const sum = engine.augmentPublicKey(preFromJwk(engine, request.client_half), share);
    expect(preToJwk(sum)).toEqual(offer.group_key);
    const transcript = groupTranscript(groupTranscriptMembers(making));
    expect(engine.schnorrVerify(share, transcript, decodeBase64url(offer.share_proof))).toBe(true);
  });

  it('names each admin with the address and the key that their vault is sealed to', async () => {
    const { offer } = await begin({ admins: [bob.who.sub, alice.who.sub] });
    expect(offer.admins).toEqual(
      [bob, alice].map(({ offer: { statement } }) => ({
        ...{ sub: statement.sub, address: statement.address },
        ...{ key: statement.keys[0], key_version: 0 },
      })),
    );
  });

  it('is the same when the request is repeated, and refused with another body', async () => {
    const { offer, request } = await begin();
    const again = await groups.making.offer(alice.who, request, contextOf(alice.who));
    expect(again).toEqual(offer);
    const other = { ...request, label: 'Other' };
    await expectCode(groups.making.offer(alice.who, other, contextOf(alice.who)), 'request_id_reused');
  });

  it('is one offer when the same request comes twice at once', async () => {
    const secrets = await newGroupSecrets(parts.engine);
    const request = groupRequest(alice, secrets);
    const offers = await Promise.all(
      [1, 2].map(() => groups.making.offer(alice.who, request, contextOf(alice.who))),
    );
    expect(offers[0]).toEqual(offers[1]);
  });

  it('is refused by policy to a device that is not endorsed', async () => {
    const stranger = { ...alice, who: holder(alice.who.sub, await newDevice(parts.engine)) };
    await expectCode(begin({}, stranger), 'forbidden');
  });

  it('is refused to a device whose endorsement is gone since the token was looked at', async () => {
    const who = holder(alice.who.sub, await newDevice(parts.engine), { endorsed: true });
    await expectCode(begin({}, { ...alice, who }), 'device_not_endorsed');
  });

  it('is refused without the creator among the admins, or with somebody named twice', async () => {
    await expectCode(begin({ admins: [bob.who.sub] }), 'malformed_request');
    await expectCode(begin({ admins: [alice.who.sub, alice.who.sub] }), 'malformed_request');
  });

  it('is refused for admins who are unknown, closed or not enrolled', async () => {
    const withAdmin = (sub: string) => begin({ admins: [alice.who.sub, sub] });
    await expectCode(withAdmin('nobody'), 'person_unknown');
    const carol = await parts.addPerson({ addresses: ['carol@acme.example'] });
    await expectCode(withAdmin(carol), 'not_enrolled');
    await parts.database.transaction((tx) => restrictPerson(tx, bob.who.sub, 'closed'));
    await expectCode(withAdmin(bob.who.sub), 'person_closed');
  });

  it('is refused for a meeting without an end, or with one that is past or far away', async () => {
    const hour = inAnHour();
    for (const ends of [null, hour - 7200, hour + 40 * 86_400]) {
      await expectCode(begin({ kind: 'meeting', ends }), 'malformed_request');
    }
    await expectCode(begin({ kind: 'durable', ends: hour }), 'malformed_request');
    expect((await begin({ kind: 'meeting', ends: hour })).offer.group_key.crv).toBe('recrypt-256');
  });

  it('is refused for keys that are the person’s or the device’s own, or that are none', async () => {
    const { statement } = alice.offer;
    await expectCode(begin({ signer: statement.keys[1] }), 'key_invalid');
    await expectCode(begin({ signer: alice.device.sig.publicKey }), 'key_invalid');
    await expectCode(begin({ client_half: statement.keys[0] }), 'key_invalid');
    await expectCode(begin({ signer: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) } }), 'key_invalid');
    const none = { ...statement.keys[0], y: statement.keys[0].x };
    await expectCode(begin({ client_half: none }), 'recrypt_input_invalid');
  });
});

describe('a confirmed group', () => {
  it('is verified by whoever expects its creator, from nothing but the answer and a pin of the issuer', async () => {
    const making = await begin({ admins: [alice.who.sub, bob.who.sub] });
    const view = groupViewSchema.parse(await confirm(making));
    const now = Math.floor(parts.clock.now() / 1000);
    const context = { issuer: parts.issuer, policy: { level: 'signed' as const, maxAge: 60 }, now };
    const signers = await Promise.all(view.signers.map((each) => verifySignerEvidence(each, context)));
    const verified = await verifyGroupKeyChain(
      view.tokens,
      view,
      { expected: 'alice@acme.example' },
      async (kid) => {
        const found = signers.find(({ device }) => device.device_id === kid);
        if (found === undefined) throw new CountersignError('group_untrusted');
        return found;
      },
    );
    expect(verified.claims).toMatchObject({
      ...{ group: thumbprint(making.offer.group_key), seq: 0, creator: alice.who.sub, label: 'Board' },
      admins: [alice, bob].map(({ offer: { statement } }) => ({
        sub: statement.sub,
        address: statement.address,
      })),
    });
    expect(view).toMatchObject({ status: 'active', members: 0, members_head: null, members_seq: 0 });
  });

  it('shows its signers without their identity attributes', async () => {
    const view = await confirm(await begin());
    expect(view.signers).toHaveLength(1);
    expect(Object.keys(view.signers[0]?.credential ?? {}).sort()).not.toContain('attributes');
  });

  it('rests with a share that is sealed for this group and key version alone', async () => {
    const { group, offer } = await makeGroup({ parts, groups }, alice);
    const stored = await read((query) => findGroup(query, group));
    const sealed = stored?.share ?? new Uint8Array();
    const share = await openGroupShare(parts.signer, { group, keyVersion: 0 }, sealed);
    expect(preToJwk(parts.engine.computePublicKey(share))).toEqual(offer.share);
    await expectCode(openGroupShare(parts.signer, { group, keyVersion: 1 }, sealed), 'seal_broken');
    const other = thumbprint(offer.share);
    await expectCode(openGroupShare(parts.signer, { group: other, keyVersion: 0 }, sealed), 'seal_broken');
  });

  it('keeps no share with the offer once it is confirmed', async () => {
    const making = await begin();
    const before = await read((query) =>
      query.selectFrom('group_offers').select('sealed').executeTakeFirst(),
    );
    await confirm(making);
    const after = await read((query) => query.selectFrom('group_offers').select('sealed').executeTakeFirst());
    expect(after?.sealed.length).toBeLessThan(before?.sealed.length ?? 0);
  });

  it('is answered again to the same confirmation, and refused to another one', async () => {
    const making = await begin();
    const { claims: _claims, ...body } = await groupConfirmation(parts.engine, making);
    const send = (sent = body) =>
      groups.making.confirm(alice.who, making.offer.offer_id, sent, contextOf(alice.who));
    const first = await send();
    expect((await send()).tokens).toEqual(first.tokens);
    await expectCode(send({ ...body, half_proof: `${body.half_proof.slice(0, -4)}AAAA` }), 'replayed');
    expect(await events()).toEqual(['group.offered', 'group.created', 'group.seen', 'group.seen']);
  });

  it('is made once when two confirmations come at once', async () => {
    const making = await begin();
    const { claims: _claims, ...body } = await groupConfirmation(parts.engine, making);
    const send = () => groups.making.confirm(alice.who, making.offer.offer_id, body, contextOf(alice.who));
    await Promise.all([send(), send()]);
    expect((await events()).filter((type) => type === 'group.created')).toHaveLength(1);
  });

  it('leaves an event that names its admins and says nothing secret', async () => {
    const { group } = await makeGroup({ parts, groups }, alice);
    const created = (await parts.eventsSoFar()).find(({ type }) => type === 'group.created');
    expect(created).toMatchObject({
      subject: { sub: alice.who.sub, device: alice.who.deviceId, group },
      data: { kind: 'durable', label: 'Board', admins: [alice.who.sub] },
    });
  });
});

describe('a confirmation is refused', () => {
  it('for an offer of somebody else, which is not even said to exist', async () => {
    await expectCode(confirm(await begin(), {}, bob.who), 'group_offer_unknown');
  });

  it('on another device than the one that began', async () => {
    const who = holder(alice.who.sub, await newDevice(parts.engine), { endorsed: true });
    await expectCode(confirm(await begin(), {}, who), 'group_proof');
  });

  it('after its time', async () => {
    const making = await begin();
    parts.clock.advance(300);
    await expectCode(confirm(making), 'group_offer_expired');
  });

  it('beyond the groups that one person may have, however many were offered before', async () => {
    const first = await makeGroup({ parts, groups }, alice);
    const making = await begin();
    await parts.database.transaction(async (tx) => {
      const query = tx.selectFrom('groups').selectAll().where('group_id', '=', first.group);
      const group = await query.executeTakeFirstOrThrow();
      const others = Array.from({ length: GROUPS_OF_CREATOR - 1 }, (_, at) => ({
        ...group,
        group_id: `${at}`,
      }));
      for (let at = 0; at < others.length; at += 500) {
        await tx
          .insertInto('groups')
          .values(others.slice(at, at + 500))
          .execute();
      }
    });
    await expectCode(confirm(making), 'group_limit');
  });

  it('under another policy than the one that offered', async () => {
    const making = await begin();
    const others = groupsOf(parts, { policy: { ...parts.policy, hash: 'x' } });
    const { claims: _claims, ...body } = await groupConfirmation(parts.engine, making);
    await expectCode(
      others.making.confirm(alice.who, making.offer.offer_id, body, contextOf(alice.who)),
      'conflict',
    );
  });

  const otherMembers: [string, (making: MakingGroup) => GroupFaults['transcript']][] = [
    ['bridge', () => ({ iss: 'https://bridge.other.example' })],
    ['request', () => ({ requestId: 'another' })],
    ['nonce', ({ offer }) => ({ nonce: thumbprint(offer.share) })],
    ['offer', () => ({ offerId: 'another' })],
    ['creator', () => ({ creator: 'another' })],
    ['device', ({ offer }) => ({ device: thumbprint(offer.share) })],
    ['kind', () => ({ kind: 'meeting' })],
    ['label', () => ({ label: 'Another' })],
    ['end', () => ({ ends: 1 })],
    ['half', ({ offer }) => ({ clientHalf: offer.share })],
    ['share', ({ request }) => ({ share: request.client_half })],
    ['group key', ({ offer }) => ({ groupKey: offer.share })],
    ['signer', ({ creator }) => ({ signer: creator.device.sig.publicKey })],
    ['list of admins', () => ({ admins: [] })],
    ['policy', ({ offer }) => ({ policyHash: thumbprint(offer.share) })],
  ];

  it.each(otherMembers)('with a proof for another %s', async (_name, change) => {
    const making = await begin();
    await expectCode(confirm(making, { transcript: change(making) ?? {} }), 'group_proof');
  });

  it('with a proof by another half, or for other vaults', async () => {
    const making = await begin();
    await expectCode(confirm(making, { halfSigner: parts.engine.generateKeyPair() }), 'group_proof');
    const { claims: _claims, ...body } = await groupConfirmation(parts.engine, making);
    const other = await groupConfirmation(parts.engine, making);
    const mixed = { ...body, vaults: other.vaults };
    const sent = groups.making.confirm(alice.who, making.offer.offer_id, mixed, contextOf(alice.who));
    await expectCode(sent, 'group_proof');
  });

  const otherClaims: [string, (making: MakingGroup) => NonNullable<GroupFaults['claims']>, string][] = [
    ['label', () => ({ label: 'Another' }), 'group_proof'],
    ['kind', () => ({ kind: 'meeting', ends: 1 }), 'group_proof'],
    ['creator', () => ({ creator: 'another' }), 'group_not_admin'],
    ['signer', ({ creator }) => ({ signer: creator.device.sig.publicKey }), 'group_proof'],
    ['key', ({ offer }) => ({ key: offer.share }), 'group_key_mismatch'],
    [
      'key and id',
      ({ offer }) => ({ key: offer.share, group: thumbprint(offer.share) }),
      'group_key_mismatch',
    ],
    ['number', () => ({ seq: 1, prev: 'x'.repeat(43) }), 'group_proof'],
    ['issuer', () => ({ iss: 'https://bridge.other.example' }), 'group_not_admin'],
    ['list of admins', ({ creator }) => ({ admins: [...firstAdmins(creator), eve()] }), 'group_proof'],
    [
      'time, ahead of ours',
      ({ creator }) => ({ iat: creator.offer.statement.since + 3600 }),
      'jws_not_yet_valid',
    ],
  ];
  const firstAdmins = ({ offer: { statement } }: Enrolled) => [
    { sub: statement.sub, address: statement.address },
  ];
  const eve = () => ({ sub: 'eve', address: 'eve@acme.example' });

  it.each(otherClaims)('with a token of another %s', async (_name, change, code) => {
    const making = await begin();
    const refused = confirm(making, { claims: change(making) });
    await expect(refused).rejects.toMatchObject({ code });
  });

  it('with a token of another end of a meeting', async () => {
    const making = await begin({ kind: 'meeting', ends: inAnHour() });
    await expectCode(confirm(making, { claims: { ends: inAnHour() + 3600 } }), 'group_proof');
  });

  it('with a token by another device', async () => {
    await expectCode(confirm(await begin(), { signer: bob.device.sig }), 'jws_unknown_key');
  });

  it('with a vault too few, in another order, or too large', async () => {
    const making = await begin({ admins: [alice.who.sub, bob.who.sub] });
    await expectCode(confirm(making, { vaults: (vaults) => vaults.slice(1) }), 'malformed_request');
    await expectCode(confirm(making, { vaults: (vaults) => [...vaults].reverse() }), 'malformed_request');
    const large = encodeBase64url(new Uint8Array(8193).fill(1));
    const enlarged: GroupFaults = { vaults: (vaults) => vaults.map((each) => ({ ...each, vault: large })) };
    await expectCode(confirm(making, enlarged), 'payload_too_large');
  });

  it('with a vault that went through a transform already', async () => {
    const making = await begin();
    const { engine } = parts;
    const key = await memberKey(engine, { ...making.secrets, half: alice.device.pre }, making.offer.share);
    const transformed: GroupFaults = {
      vaults: (vaults) =>
        vaults.map(({ sub, vault }) => ({
          sub,
          vault: encodeBase64url(transformSealed(engine, decodeBase64url(vault), decodeTransformKey(key))),
        })),
    };
    await expectCode(confirm(making, transformed), 'recrypt_input_invalid');
  });

  it('when the person is restricted, or an admin’s key is rotated or gone, between the check and what is stored', async () => {
    const making = await begin({ admins: [alice.who.sub, bob.who.sub] });
    interruption.beforeNextTransaction(() =>
      parts.database.transaction((tx) => restrictPerson(tx, alice.who.sub, 'active')),
    );
    await expectCode(confirm(making), 'conflict');
    interruption.beforeNextTransaction(() =>
      parts.database.transaction(async (tx) => {
        const keys = await findPersonKeys(tx, bob.who.sub);
        if (keys === undefined) throw new Error('Bob has no keys');
        await replacePersonKeys(tx, { ...keys, key_version: keys.key_version + 1 });
      }),
    );
    await expectCode(confirm(making), 'conflict');
    interruption.beforeNextTransaction(() =>
      parts.database.transaction((tx) => deletePersonKeys(tx, bob.who.sub)),
    );
    await expectCode(confirm(making), 'not_enrolled');
    expect(await read((query) => query.selectFrom('groups').selectAll().execute())).toEqual([]);
  });
});

describe('an offer that nobody confirms', () => {
  it('is forgotten with its share, and leaves an event', async () => {
    const { offer } = await begin();
    parts.clock.advance(301);
    expect(await groups.endings.expire()).toBe(1);
    expect(await read((query) => query.selectFrom('group_offers').selectAll().execute())).toEqual([]);
    const expired = (await parts.eventsSoFar()).find(({ type }) => type === 'group.offer_expired');
    expect(expired).toMatchObject({ outcome: 'failure', data: { offer_id: offer.offer_id } });
  });
});
