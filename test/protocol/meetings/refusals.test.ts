import { beforeEach, describe, expect, it } from 'vitest';
import { decodeBase64url, encodeBase64url } from '../../../protocol/base64url.ts';
import { encapsulate } from '../../../protocol/meetings/hpke.ts';
import type { MeetingMember } from '../../../protocol/meetings/member-tree.ts';
import { openPlacement, sealPlacement } from '../../../protocol/meetings/placement.ts';
import type { Rekey, RekeyMessage } from '../../../protocol/meetings/rekey-message.ts';
import { decodeWraps, encodeWraps } from '../../../protocol/meetings/wrap-list.ts';
import { codeOf } from '../codes.ts';
import { testDigest } from '../company.ts';
import {
  ADMINS,
  again,
  boxOf,
  deliver,
  type Guest,
  Hosting,
  makeGuest,
  makeGuests,
  memberFor,
  type Sent,
} from './meeting.ts';

let hosting: Hosting;
let guests: Guest[];
let members: Map<Guest, MeetingMember>;
let guest: Guest;
let member: MeetingMember;

beforeEach(async () => {
  hosting = await Hosting.begin();
  const first = await hosting.send();
  guests = await makeGuests(6);
  members = new Map(guests.map((each) => [each, memberFor(each)]));
  await deliver(first, members);
  await deliver(await hosting.send({ joined: guests.map(({ newcomer }) => newcomer) }), members);
  const [head] = [...members];
  if (head === undefined) throw new Error('unreachable');
  [guest, member] = head;
});

const deviceAt = (index: number) => guests[index]?.newcomer.device_id ?? '';

/** The code with which the member refuses it; it must follow the honest message afterwards as if nothing had been. */
async function refusal(bad: RekeyMessage, honest: Sent): Promise<string> {
  const before = member.head;
  const code = await codeOf(() => member.receive(bad));
  expect(member.head).toBe(before);
  expect((await member.receive(honest.message)).key).toEqual(honest.key);
  expect(member.members).toEqual(hosting.host.roster.members());
  return code;
}

async function refusedLie(honest: Sent, changes: Partial<Rekey>): Promise<string> {
  return refusal(await hosting.lie(honest, changes), honest);
}

describe('a member refuses a message', () => {
  it('by a second sender in the term, who is an admin too', async () => {
    const carol = await Hosting.begin('carol');
    const honest = await hosting.send();
    const bad = await carol.lie(honest, { sub: 'sub-carol' });
    expect(await refusal(bad, honest)).toBe('rekey_sender');
  });

  it('of another person in the term, though by the same device', async () => {
    const honest = await hosting.send();
    const bad = {
      ...honest.message,
      hash: testDigest('other'),
      claims: { ...honest.claims, sub: 'sub-carol' },
    };
    expect(await refusal(bad, honest)).toBe('rekey_sender');
  });

  it('by another device of the term’s sender', async () => {
    const honest = await hosting.send();
    const phone = await Hosting.begin('alice phone');
    const bad = { ...(await hosting.lie(honest, {})), device: phone.device.kid };
    expect(await refusal(bad, honest)).toBe('rekey_sender');
  });

  it('with which somebody takes over who is no admin', async () => {
    const mallory = await Hosting.begin('mallory', member.head ?? null);
    const bad = await mallory.send();
    expect(await refusal(bad.message, await hosting.send())).toBe('rekey_sender');
  });

  it('by a host who is no admin any more', async () => {
    const honest = await hosting.send();
    member.setAdmins(['sub-carol']);
    expect(await codeOf(() => member.receive(honest.message))).toBe('rekey_sender');
    member.setAdmins(ADMINS);
    expect((await member.receive(honest.message)).key).toEqual(honest.key);
  });

  it('of an admin’s name at another home', async () => {
    const honest = await hosting.send();
    const elsewhere = { ...honest.message, claims: { ...honest.claims, iss: 'https://bridge.evil.example' } };
    expect(await refusal(elsewhere, honest)).toBe('rekey_sender');
  });

  it('after a gap, and takes the missing one first', async () => {
    const [missing, later] = [await hosting.send(), await hosting.send()];
    expect(await refusal(later.message, missing)).toBe('rekey_gap');
    expect((await member.receive(later.message)).key).toEqual(later.key);
  });

  it('that skips a term', async () => {
    const honest = await hosting.send();
    const head = member.head;
    if (head === undefined) throw new Error('unreachable');
    const skipped = { ...head, claims: { ...head.claims, term: 2 } };
    const carol = await Hosting.begin('carol', skipped);
    expect(await refusal((await carol.send()).message, honest)).toBe('rekey_gap');
  });

  it('that was received before', async () => {
    const [one, two] = [await hosting.send(), await hosting.send()];
    await member.receive(one.message);
    await member.receive(two.message);
    expect(await codeOf(() => member.receive(two.message))).toBe('rekey_replayed');
    expect(await codeOf(() => member.receive(one.message))).toBe('rekey_replayed');
  });

  it('that is a second one of the same epoch', async () => {
    const honest = await hosting.send();
    const other = await hosting.lie(honest, { commitment: testDigest('other') });
    await member.receive(honest.message);
    expect(await codeOf(() => member.receive(other))).toBe('rekey_replayed');
  });

  it('of the term before a take-over', async () => {
    const before = await hosting.send();
    const carol = await Hosting.begin('carol', member.head ?? null);
    await member.receive((await carol.send()).message);
    expect(await codeOf(() => member.receive(before.message))).toBe('rekey_replayed');
  });

  it('older than the newest that it knew, also after a restart', async () => {
    const [one, two] = [await hosting.send(), await hosting.send()];
    await member.receive(one.message);
    await member.receive(two.message);
    await member.restart();
    expect(await codeOf(() => member.receive(one.message))).toBe('rekey_replayed');
    expect((await member.receive(two.message)).key).toBeNull();
  });

  it('of the host before a take-over, however far that one counted on, also after a restart', async () => {
    const carol = await Hosting.begin('carol', member.head ?? null);
    const { message } = await carol.send();
    await member.receive(message);
    await hosting.send();
    const later = await hosting.send();
    expect(later.claims.epoch).toBeGreaterThan(message.claims.epoch);
    await member.restart();
    expect(await codeOf(() => member.receive(later.message))).toBe('rekey_replayed');
    await member.receive(message);
    expect(member.head).toBe(message);
  });

  it('that continues another message', async () => {
    expect(await refusedLie(await hosting.send(), { prev: testDigest('other') })).toBe('rekey_mismatch');
  });

  it('of another meeting', async () => {
    const honest = await hosting.send();
    const elsewhere = await hosting.lie(honest, { group: testDigest('other') });
    expect(await codeOf(async () => memberFor(await makeGuest('late')).receive(elsewhere))).toBe(
      'rekey_mismatch',
    );
    expect(await refusal(elsewhere, honest)).toBe('rekey_mismatch');
  });

  it('whose members are not what its changes lead to', async () => {
    const honest = await hosting.send({ left: [deviceAt(3)] });
    expect(await refusedLie(honest, { members: testDigest('other') })).toBe('rekey_mismatch');
  });

  it('that frees an empty place, or fills one that is taken', async () => {
    const late = await makeGuest('late');
    const honest = await hosting.send({ joined: [late.newcomer] });
    const [entry] = honest.claims.change.joined;
    if (entry === undefined) throw new Error('unreachable');
    const empty = await hosting.lie(honest, { change: { joined: [], left: [7] } });
    const taken = await hosting.lie(honest, { change: { joined: [{ ...entry, leaf: 2 }], left: [] } });
    expect(await codeOf(() => member.receive(empty))).toBe('rekey_mismatch');
    expect(await refusal(taken, honest)).toBe('rekey_mismatch');
  });

  it('that gives a device a second place', async () => {
    const late = await makeGuest('late');
    const honest = await hosting.send({ joined: [late.newcomer] });
    const twice = honest.claims.change.joined.map((entry) => ({ ...entry, device_id: deviceAt(2) }));
    expect(await refusedLie(honest, { change: { joined: twice, left: [] } })).toBe('rekey_mismatch');
  });

  it('that gives this device a second place, where it does not know who is there', async () => {
    const late = await makeGuest('late');
    const [newcomer, other] = [memberFor(late), await makeGuest('other')];
    const sent = await hosting.send({ joined: [late.newcomer] });
    await newcomer.receive(sent.message);
    await newcomer.place(sent.hash, boxOf(sent, late));
    const honest = await hosting.send({ joined: [other.newcomer] });
    const { iss, sub, device_id } = late.newcomer;
    const joined = honest.claims.change.joined.map((entry) => ({ ...entry, iss, sub, device_id }));
    const bad = await hosting.lie(honest, { change: { joined, left: [] } });
    expect(await codeOf(() => newcomer.receive(bad))).toBe('rekey_mismatch');
    expect((await newcomer.receive(honest.message)).key).toEqual(honest.key);
  });

  it('that names this device as another person’s', async () => {
    const late = await makeGuest('late');
    const newcomer = memberFor(late);
    const honest = await hosting.send({ joined: [late.newcomer] });
    const joined = honest.claims.change.joined.map((entry) => ({ ...entry, sub: 'sub-mallory' }));
    const bad = await hosting.lie(honest, { change: { joined, left: [] } });
    expect(await codeOf(() => newcomer.receive(bad))).toBe('rekey_mismatch');
  });

  it('with a tree that has shrunk', async () => {
    const late = memberFor(await makeGuest('late'));
    await late.receive((await hosting.send()).message);
    const honest = await hosting.send();
    const bad = await hosting.lie(honest, { levels: 2 });
    expect(await codeOf(() => late.receive(bad))).toBe('rekey_mismatch');
  });

  it('without the wrap that it needs', async () => {
    const honest = await hosting.send({ left: [deviceAt(1)] });
    expect(await refusedLie(honest, { wraps: null })).toBe('rekey_mismatch');
  });

  it('with a wrap that was changed, cut off, or stands twice', async () => {
    const honest = await hosting.send({ left: [deviceAt(1)] });
    const bytes = decodeBase64url(honest.claims.wraps ?? '');
    const changed = bytes.map((byte, index) => (index === 20 ? byte ^ 1 : byte));
    const twice = encodeWraps([...decodeWraps(bytes)].map(([child, wrapped]) => ({ child, wrapped })));
    for (const bad of [changed, bytes.subarray(1), new Uint8Array([...twice, ...twice])]) {
      const message = await hosting.lie(honest, { wraps: encodeBase64url(bad) });
      expect(await codeOf(() => member.receive(message))).toBe('rekey_mismatch');
    }
    expect((await member.receive(honest.message)).key).toEqual(honest.key);
  });

  it('with another message’s wraps', async () => {
    const before = await hosting.send({ left: [deviceAt(1)] });
    await member.receive(before.message);
    const late = await makeGuest('late');
    await member.receive((await hosting.send({ joined: [late.newcomer] })).message);
    const honest = await hosting.send({ left: [late.newcomer.device_id] });
    expect(await refusedLie(honest, { wraps: before.claims.wraps })).toBe('rekey_mismatch');
  });

  it('without the epoch’s key, or with one that does not open', async () => {
    const honest = await hosting.send();
    const bad = await hosting.lie(honest, { epoch_key: encodeBase64url(new Uint8Array(48)) });
    expect(await codeOf(() => member.receive(bad))).toBe('rekey_mismatch');
    expect(await refusedLie(honest, { epoch_key: null })).toBe('rekey_mismatch');
  });

  it('whose keys were derived under another challenge', async () => {
    const honest = await hosting.send();
    expect(await refusedLie(honest, { challenge: testDigest('other') })).toBe('rekey_mismatch');
  });
});

describe('a member refuses a placement', () => {
  it('that is another one than the message names', async () => {
    const [late, other] = [await makeGuest('late'), await makeGuest('other')];
    const newcomer = memberFor(late);
    const sent = await hosting.send({ joined: [late.newcomer, other.newcomer] });
    await newcomer.receive(sent.message);
    expect(await codeOf(() => newcomer.place(sent.hash, boxOf(sent, other)))).toBe('rekey_mismatch');
    expect((await newcomer.place(sent.hash, boxOf(sent, late)))?.key).toEqual(sent.key);
  });

  it('that somebody else sealed to its key, though with the right keys', async () => {
    const late = await makeGuest('late');
    const newcomer = memberFor(late);
    const sent = await hosting.send({ joined: [late.newcomer] });
    const [entry] = sent.claims.change.joined;
    if (entry === undefined) throw new Error('unreachable');
    const place = { ...sent.claims, ...entry };
    const { keys } = await openPlacement(boxOf(sent, late), place, sent.claims.levels, late.ephemeral);
    const forged = await sealPlacement(await encapsulate(late.ephemeral.publicKey), place, keys);
    await newcomer.receive(sent.message);
    expect(await codeOf(() => newcomer.place(sent.hash, forged))).toBe('rekey_mismatch');
    expect((await newcomer.place(sent.hash, boxOf(sent, late)))?.key).toEqual(sent.key);
  });

  it('for an ephemeral key that is not its own', async () => {
    const late = await makeGuest('late');
    const sent = await hosting.send({ joined: [(await again(late)).newcomer] });
    const newcomer = memberFor(late);
    await newcomer.receive(sent.message);
    expect(await codeOf(() => newcomer.place(sent.hash, boxOf(sent, late)))).toBe('rekey_mismatch');
    expect(newcomer.status).toBe('unplaced');
  });

  it('that was moved to another leaf by the message', async () => {
    const late = await makeGuest('late');
    const honest = await hosting.send({ joined: [late.newcomer] });
    const joined = honest.claims.change.joined.map((entry) => ({ ...entry, leaf: 7 }));
    const moved = await hosting.lie(honest, { change: { joined, left: [] } });
    const newcomer = memberFor(late);
    await newcomer.receive(moved);
    expect(await codeOf(() => newcomer.place(moved.hash, boxOf(honest, late)))).toBe('rekey_mismatch');
  });

  it('of another message, and one that came early and is wrong', async () => {
    const late = await makeGuest('late');
    const sent = await hosting.send({ joined: [late.newcomer] });
    const newcomer = memberFor(late);
    await newcomer.place(sent.hash, encodeBase64url(new Uint8Array(100)));
    expect((await newcomer.receive(sent.message)).key).toBeNull();
    expect(await newcomer.place(testDigest('other'), boxOf(sent, late))).toBeNull();
    expect((await newcomer.place(sent.hash, boxOf(sent, late)))?.key).toEqual(sent.key);
  });
});

describe('a member refuses a list of members', () => {
  it('that is not the one of the newest message', async () => {
    const late = memberFor(await makeGuest('late'));
    expect(await codeOf(() => late.adoptMembers([]))).toBe('rekey_gap');
    await late.receive((await hosting.send()).message);
    const list = hosting.host.roster.members();
    const swapped = list.map((each) => (each.leaf === 1 ? { ...each, sub: 'sub-mallory' } : each));
    for (const bad of [list.slice(1), swapped, []]) {
      expect(await codeOf(() => late.adoptMembers(bad))).toBe('rekey_mismatch');
    }
    const twice = [...list, ...list.slice(0, 1)];
    expect(await codeOf(() => late.adoptMembers(twice))).toBe('rekey_mismatch');
    expect(late.members).toBeNull();
  });
});

describe('a member', () => {
  it('takes messages one after another, whatever the caller does', async () => {
    const sent = [await hosting.send(), await hosting.send({ left: [deviceAt(2)] }), await hosting.send()];
    const received = await Promise.all(sent.map(({ message }) => member.receive(message)));
    expect(received.map(({ key }) => key)).toEqual(sent.map(({ key }) => key));
    expect(guest.newcomer.device_id).toBe(deviceAt(0));
  });
});
