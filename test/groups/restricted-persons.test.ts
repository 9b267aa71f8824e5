import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findMember } from '../../bridge/groups/member-store.ts';
import { findAdmin, type Groups, mayTakePart } from '../../bridge/groups/services.ts';
import type { RequestContext } from '../../bridge/lib/request-context.ts';
import { createLifecycle, type Lifecycle } from '../../bridge/lifecycle/lifecycle.ts';
import { signGroupKey } from '../../protocol/groups/group-key.ts';
import { claimedReceipt } from '../../protocol/groups/group-key-receipt.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { verifyRevocationReceipt } from '../../protocol/revocation-receipt.ts';
import { expectCode } from '../binding/expect-code.ts';
import type { BridgeParts } from '../fakes/bridge-parts.ts';
import { contextOf, type Enrolled, enrol } from '../fakes/client-side.ts';
import {
  additions,
  beginGroup,
  exclusion,
  type MadeGroup,
  makeGroup,
  memberOf,
  nextGroupKey,
  removals,
  sealGroupVault,
} from '../fakes/group-side.ts';
import { tablesWith } from '../lifecycle/stored-bytes.ts';
import { gatherColleagues } from './colleagues.ts';

const ADA: RequestContext = { requestId: 'r-1', actor: { kind: 'administrator', id: 'a-1', name: 'Ada' } };

let parts: BridgeParts;
let groups: Groups;
let lifecycle: Lifecycle;
let alice: Enrolled;
let bob: Enrolled;
let carol: Enrolled;
let board: MadeGroup;
let staff: MadeGroup;

beforeEach(async () => {
  ({ parts, groups, alice, bob, carol, board } = await gatherColleagues());
  lifecycle = lifecycleOf();
  staff = await makeGroup({ parts, groups }, alice);
  await add(board, bob, carol);
  await add(staff, carol);
});

afterEach(() => parts.remove());

function lifecycleOf(changes: Partial<BridgeParts> = {}): Lifecycle {
  const tokens = { revokePerson: async () => 2, revokeDevice: async () => 1 };
  return createLifecycle({ ...parts, ...changes, decide: parts.policy.decide, tokens });
}

const read = <T>(work: Parameters<typeof parts.database.read<T>>[0]) => parts.database.read(work);
const personOf = ({ offer: { statement } }: Enrolled) => ({ iss: statement.iss, sub: statement.sub });
const memberIn = (made: MadeGroup, enrolled: Enrolled) =>
  read((query) => findMember(query, made.group, personOf(enrolled)));
const adminIn = (made: MadeGroup, enrolled: Enrolled) =>
  read((query) => findAdmin(query, made.group, enrolled.who.sub));

async function add(made: MadeGroup, ...members: Enrolled[]): Promise<void> {
  const body = await additions(parts.engine, made, members.map(memberOf));
  await groups.members.change(alice.who, made.group, body, contextOf(alice.who));
}

async function eventsOf(work: () => Promise<unknown>, ...types: string[]) {
  const before = (await parts.eventsSoFar()).length;
  await work();
  return (await parts.eventsSoFar()).slice(before).filter(({ type }) => types.includes(type));
}

const receiptOf = async (token: string | null) =>
  verifyRevocationReceipt(token ?? '', parts.signer.onlineKeys());

describe('closing a person', () => {
  it('deletes the transform keys of every group to them, in the transaction that closes them', async () => {
    const { groups: count } = await lifecycle.closePerson(carol.who.sub, undefined, ADA);
    expect(count).toBe(2);
    expect([await memberIn(board, carol), await memberIn(staff, carol)]).toEqual([undefined, undefined]);
    expect(await memberIn(board, bob)).toBeDefined();
    expect(await read((query) => mayTakePart(query, board.group, personOf(carol), []))).toBe(false);
  });

  it('takes nothing away when the transaction does not end', async () => {
    const events = { ...parts.events, append: () => Promise.reject(new Error('the power failed')) };
    const failing = lifecycleOf({ events });
    await expect(failing.closePerson(carol.who.sub, undefined, ADA)).rejects.toThrow('the power failed');
    expect(await memberIn(board, carol)).toBeDefined();
  });

  it('takes them out of the admins, with what was sealed to them', async () => {
    await lifecycle.closePerson(bob.who.sub, undefined, ADA);
    expect(await adminIn(board, bob)).toBeUndefined();
    expect(await adminIn(board, alice)).toBeDefined();
    const acting = groups.keys.openVault(bob.who, board.group, contextOf(bob.who));
    await expectCode(acting, 'person_closed');
  });

  it('is answered by a signed receipt that counts what was deleted, and that the event names', async () => {
    const [closed] = await eventsOf(async () => {
      const { receipt: token } = await lifecycle.closePerson(carol.who.sub, 'left', ADA);
      expect(await receiptOf(token)).toMatchObject({
        ...{ act: 'person-closed', sub: carol.who.sub, iss: parts.signer.iss },
        ...{ transform_keys: 3, tokens: 2, generation: 1 },
      });
      const again = await lifecycle.closePerson(carol.who.sub, undefined, ADA);
      expect(again.receipt).toBeNull();
    }, 'person.closed');
    expect(closed?.data).toMatchObject({ reason: 'left', receipt: expect.any(String) });
  });

  it('leaves an event for each group that they were in or could act for', async () => {
    const types = ['group.member_removed', 'group.admin_lost'];
    const events = await eventsOf(() => lifecycle.closePerson(bob.who.sub, undefined, ADA), ...types);
    expect(events.map(({ type, subject, data }) => ({ type, subject, data }))).toEqual([
      {
        type: 'group.member_removed',
        subject: { sub: bob.who.sub, group: board.group },
        data: { kind: 'person', iss: parts.signer.iss, member: bob.who.sub, reason: 'closed' },
      },
      {
        type: 'group.admin_lost',
        subject: { sub: bob.who.sub, group: board.group },
        data: { reason: 'closed', admins_left: 1 },
      },
    ]);
  });

  it('names the groups that are to last and have no admin left', async () => {
    const first = await lifecycle.resetPerson(bob.who.sub, undefined, ADA);
    expect(first.orphaned).toEqual([]);
    const last = await lifecycle.closePerson(alice.who.sub, undefined, ADA);
    expect(last.orphaned).toEqual([board.group, staff.group].sort());
    const again = await lifecycle.closePerson(alice.who.sub, undefined, ADA);
    expect(again.orphaned).toEqual([]);
  });

  it('ends what they had begun to make', async () => {
    await beginGroup({ parts, groups }, bob);
    await lifecycle.closePerson(bob.who.sub, undefined, ADA);
    const offers = await read((query) =>
      query.selectFrom('group_offers').selectAll().where('status', '=', 'offered').execute(),
    );
    expect(offers).toEqual([]);
  });
});

describe('resetting a person', () => {
  it('takes memberships and vaults away, and leaves them an admin who can still shut others out', async () => {
    const { receipt } = await lifecycle.resetPerson(bob.who.sub, undefined, ADA);
    expect(await receiptOf(receipt)).toMatchObject({ act: 'person-reset', transform_keys: 2, tokens: 2 });
    expect(await memberIn(board, bob)).toBeUndefined();
    expect(await adminIn(board, bob)).toMatchObject({ vault: null });
    bob = await enrol(parts, bob.who.sub);
    const opening = groups.keys.openVault(bob.who, board.group, contextOf(bob.who));
    await expectCode(opening, 'group_vault_missing');
    const body = await removals(board, [memberOf(carol).member], bob.device.sig);
    const { members } = await groups.members.change(bob.who, board.group, body, contextOf(bob.who));
    expect(members).toBe(0);
  });

  it('lets another admin give them the group’s private halves anew', async () => {
    await lifecycle.resetPerson(bob.who.sub, undefined, ADA);
    bob = await enrol(parts, bob.who.sub);
    const claims = nextGroupKey(board);
    const token = await signGroupKey(alice.device.sig, claims);
    const vaults = await Promise.all(
      [alice, bob].map(async ({ offer: { statement } }) => {
        const admin = { sub: statement.sub, key: statement.keys[0] };
        const vault = await sealGroupVault(parts.engine, board.secrets, admin, claims);
        return { sub: statement.sub, vault: Buffer.from(vault).toString('base64url') };
      }),
    );
    await groups.keys.renew(alice.who, board.group, { token, vaults }, contextOf(alice.who));
    const { key_version } = await groups.keys.openVault(bob.who, board.group, contextOf(bob.who));
    expect(key_version).toBe(0);
  });
});

describe('removing a device', () => {
  it('is answered by a signed receipt that the event names', async () => {
    const device = carol.who.deviceId;
    const [removed] = await eventsOf(async () => {
      const { receipt } = await lifecycle.removeDevice({ sub: carol.who.sub, deviceId: device }, ADA);
      expect(await receiptOf(receipt)).toMatchObject({
        ...{ act: 'device-removed', sub: carol.who.sub, device_id: device },
        ...{ transform_keys: 1, tokens: 1, generation: 1 },
      });
    }, 'device.removed');
    expect(removed?.data).toMatchObject({ receipt: expect.any(String) });
  });

  it('does not wait for online keys that have run out', async () => {
    const device = { sub: carol.who.sub, deviceId: carol.who.deviceId };
    parts.clock.advance(400 * 86_400);
    expect(await lifecycle.removeDevice(device, ADA)).toEqual({ receipt: null });
  });

  it('ends the groups that this device had begun to make, and no others', async () => {
    await beginGroup({ parts, groups }, carol);
    const other = await beginGroup({ parts, groups }, bob);
    await lifecycle.removeDevice({ sub: carol.who.sub, deviceId: carol.who.deviceId }, ADA);
    const offers = await read((query) =>
      query.selectFrom('group_offers').select('offer_id').where('status', '=', 'offered').execute(),
    );
    expect(offers).toEqual([{ offer_id: other.offer.offer_id }]);
  });

  it('leaves its signatures, no evidence of now for them, and what showed it then', async () => {
    await lifecycle.removeDevice({ sub: alice.who.sub, deviceId: alice.who.deviceId }, ADA);
    const view = await groups.views.view(bob.who, refOf(board), contextOf(bob.who));
    expect(view.tokens).toHaveLength(1);
    expect(view.signers).toEqual([]);
    expect(view.kept?.signers.map(({ evidence }) => evidence.address)).toEqual(['alice@acme.example']);
    expect(view.kept?.receipts.map((receipt) => claimedReceipt(receipt))).toMatchObject([
      { token: sha256Base64url(view.tokens[0] ?? ''), device_id: alice.who.deviceId, group: board.group },
    ]);
  });

  it('has the admins of what it signed last told to sign it anew', async () => {
    const due = async () =>
      (await groups.views.list(bob.who)).groups.find(({ group }) => group === board.group)?.renewal_due;
    expect(await due()).toBeUndefined();
    await lifecycle.removeDevice({ sub: alice.who.sub, deviceId: alice.who.deviceId }, ADA);
    expect(await due()).toBe('signer_gone');
  });

  it('leaves one piece of evidence for all that it signed for a group within hours', async () => {
    const rows = () => read((query) => query.selectFrom('group_evidence').selectAll().execute());
    expect(await rows()).toHaveLength(2);
    parts.clock.advance(7 * 3_600);
    await add(board, carol);
    parts.clock.advance(3_600);
    await add(board, carol);
    expect((await rows()).filter(({ group_id }) => group_id === board.group)).toHaveLength(2);
  });
});

describe('erasing a person', () => {
  const erase = async (enrolled: Enrolled) => {
    await lifecycle.closePerson(enrolled.who.sub, undefined, ADA);
    return lifecycle.erasePerson(enrolled.who.sub, undefined, ADA);
  };

  it('leaves nothing of a member in the records of groups', async () => {
    const token = await exclusion(board, personOf(carol));
    await groups.members.exclude(alice.who, board.group, { tokens: [token] }, contextOf(alice.who));
    const kept = await removals(staff, [memberOf(carol).member]);
    await groups.members.change(alice.who, staff.group, kept, contextOf(alice.who));
    await beginGroup({ parts, groups }, carol);
    const rows = await statementsAbout(carol);
    expect(rows).toHaveLength(1);
    await erase(carol);
    const traces = [carol.who.sub, ...rows.map(({ token: text }) => text.split('.')[1] ?? '')];
    expect(await tablesWith(parts.database, traces)).toEqual([]);
    expect(await statementsAbout(carol)).toEqual([]);
  });

  it('keeps number and hash of each statement, so that the chain goes on', async () => {
    const before = board.members;
    await erase(carol);
    const view = await groups.views.view(alice.who, refOf(board), contextOf(alice.who));
    expect(view).toMatchObject({ members_seq: 2, members_head: before?.hash, members: 1 });
    await add(board, bob);
  });

  it('waits until another admin has signed anew what names them, and then leaves no address', async () => {
    await lifecycle.closePerson(bob.who.sub, undefined, ADA);
    await expectCode(lifecycle.erasePerson(bob.who.sub, undefined, ADA), 'person_in_groups');
    const { statement } = alice.offer;
    const admins = [{ sub: statement.sub, address: statement.address }];
    const token = await signGroupKey(alice.device.sig, nextGroupKey(board, { admins }));
    await groups.keys.renew(alice.who, board.group, { token }, contextOf(alice.who));
    expect(await payloads()).toContain('bob@acme.example');
    await lifecycle.erasePerson(bob.who.sub, undefined, ADA);
    expect(await payloads()).not.toContain('bob@acme.example');
    const stored = await read((query) =>
      query
        .selectFrom('group_tokens')
        .selectAll()
        .where('group_id', '=', board.group)
        .orderBy('seq')
        .execute(),
    );
    expect(stored.map((row) => row.token)).toEqual(['', token]);
    const view = await groups.views.view(alice.who, refOf(board), contextOf(alice.who));
    expect(view.tokens).toEqual([token]);
  });

  it('of the only admin hides the group: nobody can vouch for its key any more', async () => {
    await add(staff, bob);
    await lifecycle.closePerson(alice.who.sub, undefined, ADA);
    const { statement } = bob.offer;
    const admins = [{ sub: statement.sub, address: statement.address }];
    const token = await signGroupKey(bob.device.sig, nextGroupKey(board, { admins }));
    await groups.keys.renew(bob.who, board.group, { token }, contextOf(bob.who));
    await lifecycle.erasePerson(alice.who.sub, undefined, ADA);
    const view = groups.views.view(bob.who, refOf(staff), contextOf(bob.who));
    await expectCode(view, 'group_untrusted');
    expect(await payloads()).not.toContain('alice@acme.example');
  });

  it('names an admin by nothing but their id in what they made', async () => {
    await lifecycle.closePerson(alice.who.sub, undefined, ADA);
    const { statement } = bob.offer;
    const admins = [{ sub: statement.sub, address: statement.address }];
    const token = await signGroupKey(bob.device.sig, nextGroupKey(board, { admins }));
    await groups.keys.renew(bob.who, board.group, { token }, contextOf(bob.who));
    await lifecycle.erasePerson(alice.who.sub, undefined, ADA);
    expect(await tablesWith(parts.database, [alice.who.sub])).toEqual(['groups']);
    expect(await tablesWith(parts.database, [alice.who.deviceId])).toEqual([]);
  });
});

const refOf = ({ claims, group }: MadeGroup) => ({ iss: claims.iss, group });

const statementsAbout = ({ who }: Enrolled) =>
  read((query) =>
    query.selectFrom('group_membership_tokens').select('token').where('member_id', '=', who.sub).execute(),
  );

/** What every stored key of a group says, in the clear. */
async function payloads(): Promise<string> {
  const rows = await read((query) => query.selectFrom('group_tokens').select('token').execute());
  return rows.map(({ token }) => Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).join();
}
