import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTransformKey } from '../../bridge/binding/transform-keys.ts';
import { deletePersonKeys } from '../../bridge/directory/person-keys.ts';
import { restrictPerson } from '../../bridge/directory/persons.ts';
import { type Partner, savePartner } from '../../bridge/federation/partner-store.ts';
import { findGroup } from '../../bridge/groups/group-store.ts';
import { findMember, findNamedMember } from '../../bridge/groups/member-store.ts';
import { openMemberKey } from '../../bridge/groups/sealed-group-keys.ts';
import { type Groups, groupsOfPerson, mayTakePart } from '../../bridge/groups/services.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { type MembersBody, membersPageSchema, membersResultSchema } from '../../protocol/groups/api.ts';
import type { Member, Membership } from '../../protocol/groups/membership.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { verifyRevocationReceipt } from '../../protocol/revocation-receipt.ts';
import {
  decodeEncryptedValue,
  decodeTransformKey,
  encodeEncryptedValue,
  preFromJwk,
  preToJwk,
} from '../../recrypt/encoding.ts';
import { expectCode } from '../binding/expect-code.ts';
import type { Interruption } from '../binding/interruption.ts';
import type { BridgeParts } from '../fakes/bridge-parts.ts';
import { contextOf, type Enrolled, holder, newDevice } from '../fakes/client-side.ts';
import {
  additions,
  groupsOf,
  type MadeGroup,
  makeGroup,
  memberKey,
  memberOf,
  memberOfGroup,
  nextMembership,
  removals,
} from '../fakes/group-side.ts';
import { gatherColleagues } from './colleagues.ts';

const PARTNER = 'https://bridge.globex.example';

let parts: BridgeParts;
let groups: Groups;
let alice: Enrolled;
let bob: Enrolled;
let carol: Enrolled;
let board: MadeGroup;
let interruption: Interruption;

beforeEach(async () => {
  ({ parts, groups, alice, bob, carol, board, interruption } = await gatherColleagues());
});

afterEach(() => parts.remove());

const read = <T>(work: Parameters<typeof parts.database.read<T>>[0]) => parts.database.read(work);
const send = (body: MembersBody, who = alice.who, made = board) =>
  groups.members.change(who, made.group, body, contextOf(who));
const add = async (...members: Enrolled[]) =>
  send(await additions(parts.engine, board, members.map(memberOf)));
const isIn = async (enrolled: Enrolled, made = board) =>
  (await read((query) => findMember(query, made.group, personOf(enrolled)))) !== undefined;
const personOf = ({ offer: { statement } }: Enrolled) => ({ iss: statement.iss, sub: statement.sub });
const meeting = () => {
  const ends = Math.floor(parts.clock.now() / 1000) + 3600;
  return makeGroup({ parts, groups }, alice, { kind: 'meeting', ends, label: 'Weekly' });
};

const statements = () =>
  read((query) =>
    query.selectFrom('group_membership_tokens').select(['member_id', 'seq']).orderBy('seq').execute(),
  );

/** The body of one addition, of which a test changes something. */
async function addition(
  wanted: { member: Member; key: Parameters<typeof memberKey>[2] },
  changes: Partial<Membership> = {},
  made = board,
): Promise<MembersBody> {
  const encoded = await memberKey(parts.engine, made.secrets, wanted.key);
  const token = await nextMembership(made, { member: wanted.member, key: encoded }, changes);
  return { request_id: crypto.randomUUID(), tokens: [token], transform_keys: [encodeBase64url(encoded)] };
}

async function withPartner(status: Partner['status'] = 'active'): Promise<void> {
  const partner: Partner = {
    ...{ entity_id: PARTNER, status, root_thumbprint: 'r', domains: ['globex.example'], version: 1 },
    ...{ organization_name: 'Globex', lookup_endpoint: PARTNER, online_keys: '', serial: 1, expires: 0 },
    ...{ reason: null, checked: 0, policy: null },
  };
  await parts.database.transaction((tx) => savePartner(tx, partner));
}

/** Somebody of the partner, of whom this bridge knows nothing but what an admin says. */
function stranger() {
  const half = parts.engine.generateKeyPair();
  return { half, member: { iss: PARTNER, sub: 'dora', key_version: 3 }, key: preToJwk(half.publicKey) };
}

describe('somebody who was added', () => {
  it('is served by their transform key what is encrypted to the group, and nobody else is', async () => {
    await add(carol);
    const { engine } = parts;
    const plaintext = engine.generatePlaintext();
    const signer = engine.generateSigningKeyPair().privateKey;
    const toGroup = engine.encrypt(plaintext, preFromJwk(engine, board.key), signer);
    const stored = await read((query) => findMember(query, board.group, personOf(carol)));
    if (stored === undefined) throw new Error('not stored');
    const key = decodeTransformKey(await openMemberKey(parts.signer, stored, stored.transform_key));
    const toCarol = engine.transform(toGroup, key, signer);
    // U′ is the sum of two halves: carol's own alone does not open it, nor does the group's.
    expect(() => engine.decrypt(toCarol, carol.person.half.privateKey)).toThrow();
    expect(() => engine.decrypt(toCarol, board.secrets.half.privateKey)).toThrow();
    const device = await read((query) =>
      query.selectFrom('devices').selectAll().where('sub', '=', carol.who.sub).executeTakeFirstOrThrow(),
    );
    const name = { sub: carol.who.sub, deviceId: device.device_id, keyVersion: device.key_version };
    const toDevice = decodeTransformKey(await openTransformKey(parts.signer, name, device.transform_key));
    const bytes = encodeEncryptedValue(engine.transform(toCarol, toDevice, signer));
    const arrived = decodeEncryptedValue(bytes, { maxBlocks: 2 });
    expect(engine.decrypt(arrived, carol.device.pre.privateKey)).toEqual(plaintext);
  });

  it('is named with the statement that put them there, to whoever takes part', async () => {
    const result = membersResultSchema.parse(await add(carol, bob));
    expect(result).toMatchObject({ members: 2, members_seq: 2, receipts: [] });
    expect(result.members_head).toBe(board.members?.hash);
    const page = membersPageSchema.parse(await groups.members.list(carol.who, board.group, {}));
    expect(page.tokens).toHaveLength(2);
    expect(page.signers.map(({ address }) => address)).toEqual(['alice@acme.example']);
    expect(page.next).toBeNull();
    expect((await groups.members.list(alice.who, board.group, { after: 0 })).tokens).toEqual(
      page.tokens.slice(1),
    );
  });

  it('takes part from then on, and finds the group in their list', async () => {
    expect(await groups.views.list(carol.who)).toEqual({ groups: [] });
    await add(carol);
    const { groups: listed } = await groups.views.list(carol.who);
    expect(listed).toEqual([
      expect.objectContaining({ group: board.group, kind: 'durable', role: 'member', label: 'Board' }),
    ]);
    const view = await groups.views.view(carol.who, board.claims, contextOf(carol.who));
    expect(view).toMatchObject({ members: 1, members_seq: 1, members_head: board.members?.hash });
  });

  it('may be added again, with a newer transform key and another generation', async () => {
    await add(carol);
    const first = await read((query) => findMember(query, board.group, personOf(carol)));
    await add(carol);
    const second = await read((query) => findMember(query, board.group, personOf(carol)));
    expect([first?.generation, second?.generation]).toEqual([0, 1]);
    expect(second?.transform_key).not.toEqual(first?.transform_key);
  });

  it('has a transform key that is sealed for this group, member and these versions alone', async () => {
    await add(carol);
    const stored = await read((query) => findMember(query, board.group, personOf(carol)));
    if (stored === undefined) throw new Error('not stored');
    const others = [
      ...[{ group_id: alice.who.deviceId }, { member_id: bob.who.sub }, { iss: PARTNER }],
      ...[{ kind: 'group' as const }, { key_version: 1 }, { group_key_version: 1 }],
    ];
    for (const other of others) {
      await expectCode(
        openMemberKey(parts.signer, { ...stored, ...other }, stored.transform_key),
        'seal_broken',
      );
    }
    await openMemberKey(parts.signer, stored, stored.transform_key);
  });

  it('leaves an event', async () => {
    await add(carol);
    const event = (await parts.eventsSoFar()).find(({ type }) => type === 'group.member_added');
    expect(event).toMatchObject({
      subject: { sub: alice.who.sub, device: alice.who.deviceId, group: board.group },
      data: { kind: 'person', ...{ iss: parts.signer.iss, member: carol.who.sub }, seq: 0 },
    });
  });
});

describe('an addition is refused', () => {
  it('from somebody who is no admin, and to whom the group is not even said to exist', async () => {
    const body = await additions(parts.engine, board, [memberOf(carol)], carol.device.sig);
    await expectCode(send(body, carol.who), 'group_unknown');
    board.members = null;
    await add(carol);
    const own = await additions(parts.engine, board, [memberOf(bob)], carol.device.sig);
    await expectCode(send(own, carol.who), 'group_not_admin');
  });

  it('from a device that is not endorsed, or not any more', async () => {
    const device = await newDevice(parts.engine);
    const body = await additions(parts.engine, board, [memberOf(carol)], device.sig);
    await expectCode(send(body, holder(alice.who.sub, device)), 'device_not_endorsed');
    await expectCode(send(body, holder(alice.who.sub, device, { endorsed: true })), 'device_not_endorsed');
  });

  it('by policy, whatever the store says of the device', async () => {
    const body = await additions(parts.engine, board, [memberOf(carol)]);
    await expectCode(send(body, { ...alice.who, endorsed: false }), 'forbidden');
  });

  it('signed by another device than the one that brings it', async () => {
    const body = await additions(parts.engine, board, [memberOf(carol)], bob.device.sig);
    await expectCode(send(body), 'jws_unknown_key');
  });

  it('for another group, another bridge, or of a time ahead of ours', async () => {
    const other = await makeGroup({ parts, groups }, alice);
    const forOther = await additions(parts.engine, other, [memberOf(carol)]);
    await expectCode(send(forOther), 'group_key_mismatch');
    await expectCode(send(await addition(memberOf(carol), { iss: PARTNER })), 'group_key_mismatch');
    board.members = null;
    const later = await addition(memberOf(carol), { iat: board.claims.iat + 3600 });
    await expectCode(send(later), 'jws_not_yet_valid');
  });

  it('on another head than the chain has, and when it is sent a second time', async () => {
    const stale = await additions(parts.engine, board, [memberOf(carol)]);
    board.members = null;
    await add(bob);
    await expectCode(send(stale), 'conflict');
    const again = await additions(parts.engine, board, [memberOf(carol)]);
    await send(again);
    await expectCode(send({ ...again, request_id: 'another' }), 'conflict');
  });

  it('with a gap in the chain, or naming another one before', async () => {
    const gap = await additions(parts.engine, board, [memberOf(carol), memberOf(bob)]);
    const second = { ...gap, tokens: gap.tokens.slice(1), transform_keys: gap.transform_keys.slice(1) };
    await expectCode(send(second), 'conflict');
    board.members = null;
    await add(bob);
    await expectCode(send(await addition(memberOf(carol), { prev: 'x'.repeat(43) })), 'conflict');
  });

  it('for another version of the group’s key, or of the member’s', async () => {
    await expectCode(send(await addition(memberOf(carol), { group_key_version: 1 })), 'membership_stale');
    board.members = null;
    const { member, key } = memberOf(carol);
    await expectCode(
      send(await addition({ member: { ...member, key_version: 1 }, key })),
      'membership_stale',
    );
  });

  it('with another transform key than was signed', async () => {
    const body = await addition(memberOf(carol));
    const other = await memberKey(parts.engine, board.secrets, memberOf(carol).key);
    await expectCode(send({ ...body, transform_keys: [encodeBase64url(other)] }), 'transform_key_mismatch');
  });

  it('with a transform key that is not by the group’s signer', async () => {
    board.secrets = { ...board.secrets, signer: alice.person.sig };
    await expectCode(send(await addition(memberOf(carol))), 'transform_key_mismatch');
  });

  it('with a transform key that leads to another key than the member has', async () => {
    const { member } = memberOf(carol);
    await expectCode(send(await addition({ member, key: memberOf(bob).key })), 'transform_key_mismatch');
    const own = preToJwk(alice.device.pre.publicKey);
    board.members = null;
    await expectCode(send(await addition({ member, key: own })), 'transform_key_mismatch');
  });

  it('with a transform key too few or too many', async () => {
    const body = await additions(parts.engine, board, [memberOf(carol)]);
    await expectCode(send({ ...body, transform_keys: [] }), 'malformed_request');
    const twice = [...body.transform_keys, ...body.transform_keys];
    await expectCode(send({ ...body, transform_keys: twice }), 'malformed_request');
  });

  it('of somebody who is unknown, closed, or has no key', async () => {
    const { member, key } = memberOf(carol);
    await expectCode(send(await addition({ member: { ...member, sub: 'nobody' }, key })), 'person_unknown');
    board.members = null;
    await parts.database.transaction((tx) => deletePersonKeys(tx, carol.who.sub));
    await expectCode(send(await addition({ member, key })), 'not_enrolled');
    board.members = null;
    await parts.database.transaction((tx) => restrictPerson(tx, carol.who.sub, 'closed'));
    await expectCode(send(await addition({ member, key })), 'person_closed');
  });

  it('of somebody at a bridge that is no partner, or a suspended one', async () => {
    await expectCode(send(await addition(stranger())), 'partner_unknown');
    await withPartner('suspended');
    board.members = null;
    await expectCode(send(await addition(stranger())), 'partner_suspended');
    await withPartner();
    board.members = null;
    expect(await send(await addition(stranger()))).toMatchObject({ members: 1 });
  });

  it('altogether when one of several is: none of them takes effect', async () => {
    const body = await additions(parts.engine, board, [memberOf(carol), memberOf(bob)]);
    const [first = ''] = body.transform_keys;
    await expectCode(send({ ...body, transform_keys: [first, first] }), 'transform_key_mismatch');
    expect(await isIn(carol)).toBe(false);
    expect(await read((query) => findGroup(query, board.group))).toMatchObject({ members_seq: -1 });
  });
});

describe('what was true when an addition was checked is looked at again', () => {
  const between: [string, () => Promise<unknown>, string][] = [
    [
      'the admin is restricted',
      () => parts.database.transaction((tx) => restrictPerson(tx, alice.who.sub, 'active')),
      'conflict',
    ],
    [
      'the admin is closed',
      () => parts.database.transaction((tx) => restrictPerson(tx, alice.who.sub, 'closed')),
      'person_closed',
    ],
    [
      'the member is closed',
      () => parts.database.transaction((tx) => restrictPerson(tx, carol.who.sub, 'closed')),
      'person_closed',
    ],
    [
      'the member’s key is gone',
      () => parts.database.transaction((tx) => deletePersonKeys(tx, carol.who.sub)),
      'not_enrolled',
    ],
  ];

  it.each(between)('when %s in between, nothing is stored', async (_name, work, code) => {
    const body = await additions(parts.engine, board, [memberOf(carol)]);
    interruption.beforeNextTransaction(work);
    await expect(send(body)).rejects.toMatchObject({ code });
    expect(await isIn(carol)).toBe(false);
    expect(await read((query) => query.selectFrom('group_membership_tokens').selectAll().execute())).toEqual(
      [],
    );
  });
});

describe('two admins at once', () => {
  it('do not overwrite each other: one statement is stored, the other one’s admin signs again', async () => {
    const byAlice = await additions(parts.engine, board, [memberOf(carol)]);
    board.members = null;
    const byBob = await additions(parts.engine, board, [memberOf(bob)], bob.device.sig);
    const results = await Promise.allSettled([send(byAlice), send(byBob, bob.who)]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = results.find((result) => result.status === 'rejected');
    expect(refused).toMatchObject({ reason: { code: 'conflict' } });
    expect(await read((query) => findGroup(query, board.group))).toMatchObject({ members_seq: 0 });
    expect([await isIn(carol), await isIn(bob)].filter(Boolean)).toHaveLength(1);
  });

  it('are put in order also when one comes between the check and what is stored', async () => {
    const byAlice = await additions(parts.engine, board, [memberOf(carol)]);
    board.members = null;
    const byBob = await additions(parts.engine, board, [memberOf(bob)], bob.device.sig);
    interruption.beforeNextTransaction(() => send(byBob, bob.who));
    await expectCode(send(byAlice), 'conflict');
    expect([await isIn(carol), await isIn(bob)]).toEqual([false, true]);
  });
});

describe('a repeated request', () => {
  it('is answered as it was the first time, and changes nothing', async () => {
    const body = await additions(parts.engine, board, [memberOf(carol)]);
    const first = await send(body);
    await send(await additions(parts.engine, board, [memberOf(bob)]));
    expect(await send(body)).toEqual(first);
    const added = (await parts.eventsSoFar()).filter(({ type }) => type === 'group.member_added');
    expect(added).toHaveLength(2);
  });

  it('is refused with another body, or for another group', async () => {
    const body = await additions(parts.engine, board, [memberOf(carol)]);
    await send(body);
    const other = await additions(parts.engine, board, [memberOf(bob)]);
    await expectCode(send({ ...other, request_id: body.request_id }), 'request_id_reused');
    const made = await makeGroup({ parts, groups }, alice);
    await expectCode(send(body, alice.who, made), 'request_id_reused');
  });

  it('takes effect once when it comes twice at once', async () => {
    const body = await additions(parts.engine, board, [memberOf(carol)]);
    const [first, second] = await Promise.all([send(body), send(body)]);
    expect(second).toEqual(first);
    expect(await read((query) => findGroup(query, board.group))).toMatchObject({ members_seq: 0 });
  });

  it('begins anew when the bridge went down before its transaction ended', async () => {
    const body = await additions(parts.engine, board, [memberOf(carol)]);
    const events = { ...parts.events, append: () => Promise.reject(new Error('the power failed')) };
    const failing = groupsOf(parts, { events });
    await expect(failing.members.change(alice.who, board.group, body, contextOf(alice.who))).rejects.toThrow(
      'the power failed',
    );
    expect(await isIn(carol)).toBe(false);
    expect(await read((query) => findGroup(query, board.group))).toMatchObject({ members_head: null });
    expect(await send(body)).toMatchObject({ members: 1 });
  });

  it('is forgotten after a day', async () => {
    await add(carol);
    parts.clock.advance(86_401);
    expect(await groups.endings.purge()).toBeGreaterThan(0);
    expect(await read((query) => query.selectFrom('group_requests').selectAll().execute())).toEqual([]);
  });
});

describe('removing a member', () => {
  it('deletes their transform key before it is answered, with a signed receipt that the event names', async () => {
    await add(carol, bob);
    const { member } = memberOf(carol);
    const { receipts, members } = await send(await removals(board, [member]));
    expect(members).toBe(1);
    expect([await isIn(carol), await isIn(bob)]).toEqual([false, true]);
    const receipt = await verifyRevocationReceipt(receipts[0] ?? '', parts.signer.onlineKeys());
    expect(receipt).toMatchObject({
      ...{ act: 'member-removed', group: board.group, member: personOf(carol) },
      ...{ transform_keys: 1, tokens: 0, generation: 2 },
    });
    const event = (await parts.eventsSoFar()).find(({ type }) => type === 'group.member_removed');
    expect(event?.data).toEqual({
      ...{ kind: 'person', ...{ iss: parts.signer.iss, member: carol.who.sub }, seq: 2 },
      ...{ reason: 'by an admin', receipt: receipt.jti },
    });
    expect(await groupsHave(carol)).toBe(false);
  });

  it('states that there was nothing to take away when they were in no more', async () => {
    const { receipts } = await send(await removals(board, [memberOf(carol).member]));
    const receipt = await verifyRevocationReceipt(receipts[0] ?? '', parts.signer.onlineKeys());
    expect(receipt).toMatchObject({ transform_keys: 0, generation: 0 });
  });

  it('leaves no more statements than there are members, whomever it names and however often', async () => {
    await add(bob, carol);
    await add(carol);
    await send(await removals(board, [memberOf(bob).member]));
    for (let again = 0; again < 3; again += 1) {
      const { iss } = parts.signer;
      const strangers = [1, 2].map((each) => ({ iss, sub: `nobody-${again}-${each}`, key_version: 0 }));
      await send(await removals(board, strangers));
    }
    expect(await statements()).toEqual([{ member_id: carol.who.sub, seq: 2 }]);
    const page = await groups.members.list(alice.who, board.group, {});
    expect(page.tokens).toHaveLength(1);
    await send(await removals(board, [memberOf(carol).member]));
    expect(await statements()).toEqual([]);
    await add(bob);
    expect(await statements()).toEqual([{ member_id: bob.who.sub, seq: 11 }]);
  });

  it('does not wait for online keys that have run out: there is no receipt then', async () => {
    await add(carol);
    const body = await removals(board, [memberOf(carol).member]);
    parts.clock.advance(400 * 86_400);
    expect((await send(body)).receipts).toEqual([]);
    expect(await isIn(carol)).toBe(false);
  });

  it('and adding stand in one request, in the order of their chain', async () => {
    await add(carol);
    const removal = await removals(board, [memberOf(carol).member]);
    const addition = await additions(parts.engine, board, [memberOf(carol), memberOf(bob)]);
    await send({ ...addition, tokens: [...removal.tokens, ...addition.tokens] });
    const stored = await read((query) => findMember(query, board.group, personOf(carol)));
    expect(stored?.generation).toBe(2);
  });

  it('hides the group from them', async () => {
    await add(carol);
    await send(await removals(board, [memberOf(carol).member]));
    const view = groups.views.view(carol.who, board.claims, contextOf(carol.who));
    await expectCode(view, 'group_unknown');
    await expectCode(groups.members.list(carol.who, board.group, {}), 'group_unknown');
  });
});

describe('a durable group as a member', () => {
  it('brings its own members into the meeting', async () => {
    await add(carol);
    const weekly = await meeting();
    await send(await additions(parts.engine, weekly, [memberOfGroup(board)]), alice.who, weekly);
    expect(await read((query) => mayTakePart(query, weekly.group, personOf(carol), []))).toBe(true);
    expect(await read((query) => mayTakePart(query, weekly.group, personOf(bob), []))).toBe(false);
    const { groups: listed } = await groups.views.list(carol.who);
    expect(listed.map(({ label }) => label).sort()).toEqual(['Board', 'Weekly']);
    await send(await removals(board, [memberOf(carol).member]));
    expect(await read((query) => mayTakePart(query, weekly.group, personOf(carol), []))).toBe(false);
  });

  it('of a partner brings in whom that partner says to be in it, and nobody of others', async () => {
    await withPartner();
    const weekly = await meeting();
    const theirs = parts.engine.generateKeyPair();
    const key = preToJwk(theirs.publicKey);
    const group = thumbprint(key);
    const member = { iss: PARTNER, group, key_version: 0 };
    await send(await addition({ member, key }, {}, weekly), alice.who, weekly);
    const may = (iss: string, via: string[]) =>
      read((query) => mayTakePart(query, weekly.group, { iss, sub: 'dora' }, via));
    expect(await may(PARTNER, [group])).toBe(true);
    expect(await may(PARTNER, [])).toBe(false);
    expect(await may(PARTNER, [board.group])).toBe(false);
    expect(await may('https://bridge.initech.example', [group])).toBe(false);
  });

  it('is refused in a durable group, as a meeting, at another version, or after its end', async () => {
    const weekly = await meeting();
    await expectCode(send(await additions(parts.engine, board, [memberOfGroup(weekly)])), 'claims_invalid');
    const other = await meeting();
    const nested = await additions(parts.engine, other, [memberOfGroup(weekly)]);
    await expectCode(send(nested, alice.who, other), 'claims_invalid');
    const stale = memberOfGroup(board);
    other.members = null;
    const ahead = { member: { ...stale.member, key_version: 1 }, key: stale.key };
    await expectCode(send(await addition(ahead, {}, other), alice.who, other), 'membership_stale');
    await groups.endings.end(alice.who, weekly.group, contextOf(alice.who));
    other.members = null;
    const ended = await additions(parts.engine, other, [memberOfGroup(weekly)]);
    await expectCode(send(ended, alice.who, other), 'group_ended');
  });

  it('is refused with a key that is not the one its id names, or under a foreign name', async () => {
    await withPartner();
    const weekly = await meeting();
    const { member, key } = memberOfGroup(board);
    const elsewhere = await addition({ member, key: memberOf(carol).key }, {}, weekly);
    await expectCode(send(elsewhere, alice.who, weekly), 'transform_key_mismatch');
    weekly.members = null;
    const foreign = await addition({ member: { ...member, iss: PARTNER }, key }, {}, weekly);
    await expectCode(send(foreign, alice.who, weekly), 'group_unknown');
    weekly.members = null;
    const unknown = { iss: parts.signer.iss, group: thumbprint(memberOf(carol).key), key_version: 0 };
    const nowhere = await addition({ member: unknown, key: memberOf(carol).key }, {}, weekly);
    await expectCode(send(nowhere, alice.who, weekly), 'group_unknown');
    expect(await read((query) => findNamedMember(query, weekly.group, named(board)))).toBeUndefined();
  });
});

describe('the records', () => {
  it('answer in which groups somebody is, by bridge and id together', async () => {
    await add(carol);
    const of = (iss: string) => read((query) => groupsOfPerson(query, { iss, sub: carol.who.sub }));
    expect(await of(parts.signer.iss)).toEqual([board.group]);
    expect(await of(PARTNER)).toEqual([]);
  });
});

const groupsHave = async (enrolled: Enrolled) =>
  (await groups.views.list(enrolled.who)).groups.some(({ group }) => group === board.group);
const named = ({ group, claims }: MadeGroup) => ({
  kind: 'group' as const,
  iss: claims.iss,
  member_id: group,
});
