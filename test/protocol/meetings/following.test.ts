import { describe, expect, it } from 'vitest';
import type { MeetingMember } from '../../../protocol/meetings/member-tree.ts';
import { claimedRekey } from '../../../protocol/meetings/rekey-message.ts';
import { again, boxOf, deliver, type Guest, Hosting, makeGuest, makeGuests, memberFor } from './meeting.ts';

/** A meeting of this many, all placed in its second epoch. */
async function meetingOf(count: number) {
  const hosting = await Hosting.begin();
  const first = await hosting.send();
  const guests = await makeGuests(count);
  const members = new Map(guests.map((guest) => [guest, memberFor(guest)]));
  await deliver(first, members);
  const sent = await hosting.send({ joined: guests.map(({ newcomer }) => newcomer) });
  const keys = await deliver(sent, members);
  return { hosting, guests, members, sent, keys };
}

const deviceOf = ({ newcomer }: Guest) => newcomer.device_id;
const statusOf = (members: ReadonlyMap<Guest, MeetingMember>, guest: Guest) => members.get(guest)?.status;

describe('a meeting’s key', () => {
  it('reaches everybody who has a place, by one message', async () => {
    const { members, sent, keys } = await meetingOf(7);
    expect([...keys.values()]).toEqual(Array.from({ length: 7 }, () => sent.key));
    expect([...members.values()].every(({ status }) => status === 'placed')).toBe(true);
  });

  it('changes for those who stay and not for who was removed', async () => {
    const { hosting, guests, members } = await meetingOf(7);
    const [gone] = guests;
    if (gone === undefined) throw new Error('unreachable');
    const sent = await hosting.send({ left: [deviceOf(gone)] });
    const keys = await deliver(sent, members);
    for (const guest of guests) expect(keys.get(guest)).toEqual(guest === gone ? null : sent.key);
    expect(statusOf(members, gone)).toBe('departed');
  });

  it('reaches those who were there while others join, without a wrap', async () => {
    const { hosting, members } = await meetingOf(5);
    const late = await makeGuest('late');
    const sent = await hosting.send({ joined: [late.newcomer] });
    expect(sent.claims.wraps).toBeNull();
    const keys = await deliver(sent, members);
    expect([...keys.values()]).toEqual(Array.from({ length: 5 }, () => sent.key));
  });

  it('reaches everybody when the tree grows by several levels at once', async () => {
    const { hosting, members } = await meetingOf(2);
    const many = await makeGuests(40, 'late');
    for (const guest of many) members.set(guest, memberFor(guest));
    const sent = await hosting.send({ joined: many.map(({ newcomer }) => newcomer) });
    expect(sent.claims.levels).toBe(6);
    const keys = await deliver(sent, members);
    expect([...keys.values()]).toEqual(Array.from({ length: 42 }, () => sent.key));
  });

  it('changes when nobody joins or leaves', async () => {
    const { hosting, members, sent: before } = await meetingOf(3);
    const sent = await hosting.send();
    expect(sent.key).not.toEqual(before.key);
    expect([...(await deliver(sent, members)).values()]).toEqual([sent.key, sent.key, sent.key]);
  });

  it('reaches nobody by the tree when nobody has a place', async () => {
    const { hosting, guests, members } = await meetingOf(3);
    const sent = await hosting.send({ left: guests.map(deviceOf) });
    expect(sent.claims.epoch_key).toBeNull();
    expect([...(await deliver(sent, members)).values()]).toEqual([null, null, null]);
    expect(hosting.host.roster.size).toBe(0);
  });

  it('is the sealed one for who has no place yet', async () => {
    const { hosting } = await meetingOf(3);
    const late = memberFor(await makeGuest('late'));
    const sent = await hosting.send();
    const received = await late.receive(sent.message);
    expect(received.key).toBeNull();
    expect([received.keyId, received.commitment]).toEqual([sent.claims.key_id, sent.claims.commitment]);
    expect([late.status, late.members]).toEqual(['unplaced', null]);
  });
});

describe('places', () => {
  it('are given anew, with new keys, where somebody left', async () => {
    const { hosting, guests, members } = await meetingOf(4);
    const [, gone] = guests;
    if (gone === undefined) throw new Error('unreachable');
    await deliver(await hosting.send({ left: [deviceOf(gone)] }), members);
    const late = await makeGuest('late');
    members.set(late, memberFor(late));
    const sent = await hosting.send({ joined: [late.newcomer] });
    expect(sent.claims.change.joined.map(({ leaf }) => leaf)).toEqual([1]);
    const keys = await deliver(sent, members);
    expect(keys.get(late)).toEqual(sent.key);
    expect(keys.get(gone)).toBeNull();
    expect(statusOf(members, gone)).toBe('departed');
  });

  it('change hands within one message', async () => {
    const { hosting, guests, members } = await meetingOf(4);
    const [gone, stays] = guests;
    const late = await makeGuest('late');
    if (gone === undefined || stays === undefined) throw new Error('unreachable');
    members.set(late, memberFor(late));
    const sent = await hosting.send({ left: [deviceOf(gone)], joined: [late.newcomer] });
    expect(sent.claims.change).toMatchObject({ joined: [{ leaf: 0 }], left: [0] });
    const keys = await deliver(sent, members);
    expect([keys.get(gone), keys.get(late), keys.get(stays)]).toEqual([null, sent.key, sent.key]);
  });

  it('are exchanged for a device that comes again', async () => {
    const { hosting, guests, members } = await meetingOf(4);
    const [guest] = guests;
    if (guest === undefined) throw new Error('unreachable');
    const anew = await again(guest);
    members.get(guest)?.expectPlacement(anew.ephemeral);
    const sent = await hosting.send({ joined: [anew.newcomer] });
    expect(sent.claims.change.left).toEqual([0]);
    expect((await deliver(sent, members)).get(guest)).toEqual(sent.key);
    expect(hosting.host.roster.size).toBe(4);
  });

  it('are taken up also when the box comes after later messages, or before its own', async () => {
    const { hosting, guests } = await meetingOf(4);
    const [late, early] = [await makeGuest('late'), await makeGuest('early')];
    const [slow, fast] = [memberFor(late), memberFor(early)];
    const sent = await hosting.send({ joined: [late.newcomer, early.newcomer] });
    expect(await fast.place(sent.hash, boxOf(sent, early))).toBeNull();
    expect((await fast.receive(sent.message)).key).toEqual(sent.key);
    expect((await slow.receive(sent.message)).key).toBeNull();
    const next = await hosting.send({ left: guests.slice(0, 2).map(deviceOf) });
    expect((await slow.receive(next.message)).key).toBeNull();
    const placed = await slow.place(sent.hash, boxOf(sent, late));
    expect(placed).toEqual({ epoch: next.claims.epoch, key: next.key });
    expect(slow.status).toBe('placed');
  });

  it('are found also when the host answered an earlier proof than the newest', async () => {
    const { hosting } = await meetingOf(2);
    const late = await makeGuest('late');
    const member = memberFor(late);
    member.expectPlacement((await again(late)).ephemeral);
    const sent = await hosting.send({ joined: [late.newcomer] });
    await member.receive(sent.message);
    expect((await member.place(sent.hash, boxOf(sent, late)))?.key).toEqual(sent.key);
  });

  it('are lost when the leaf is freed before the box came', async () => {
    const { hosting } = await meetingOf(2);
    const late = await makeGuest('late');
    const member = memberFor(late);
    const sent = await hosting.send({ joined: [late.newcomer] });
    await member.receive(sent.message);
    await member.receive((await hosting.send({ left: [deviceOf(late)] })).message);
    expect(member.status).toBe('departed');
    expect(await member.place(sent.hash, boxOf(sent, late))).toBeNull();
  });

  it('are not waited for beyond sixty-four messages', async () => {
    const { hosting } = await meetingOf(2);
    const [late, later] = [await makeGuest('late'), await makeGuest('later')];
    const sent = await hosting.send({ joined: [late.newcomer, later.newcomer] });
    const [member, other] = [memberFor(late), memberFor(later)];
    for (const each of [member, other]) await each.receive(sent.message);
    let newest = sent;
    for (let count = 0; count < 64; count += 1) {
      newest = await hosting.send();
      for (const each of [member, other]) await each.receive(newest.message);
    }
    expect((await member.place(sent.hash, boxOf(sent, late)))?.key).toEqual(newest.key);
    await other.receive((await hosting.send()).message);
    expect(await other.place(sent.hash, boxOf(sent, later))).toBeNull();
    expect(other.status).toBe('unplaced');
  });
});

describe('the members of a meeting', () => {
  it('are known to who was there from the beginning', async () => {
    const { hosting, guests, members } = await meetingOf(5);
    const [gone] = guests;
    if (gone === undefined) throw new Error('unreachable');
    await deliver(await hosting.send({ left: [deviceOf(gone)] }), members);
    for (const member of members.values()) expect(member.members).toEqual(hosting.host.roster.members());
    expect(hosting.host.roster.members().map(({ leaf }) => leaf)).toEqual([1, 2, 3, 4]);
  });

  it('are told to who comes later, and stay known', async () => {
    const { hosting, guests } = await meetingOf(5);
    const late = memberFor(await makeGuest('late'));
    await late.receive((await hosting.send()).message);
    await late.adoptMembers(hosting.host.roster.members());
    const [gone] = guests;
    if (gone === undefined) throw new Error('unreachable');
    const received = await late.receive((await hosting.send({ left: [deviceOf(gone)] })).message);
    expect(received.left.map(({ device_id }) => device_id)).toEqual([deviceOf(gone)]);
    expect(late.members).toEqual(hosting.host.roster.members());
  });
});

describe('a take-over', () => {
  it('raises the term, continues the epochs, and begins with an empty tree', async () => {
    const { members, guests, sent } = await meetingOf(3);
    const carol = await Hosting.begin('carol', sent.message);
    const first = await carol.send();
    expect(first.claims).toMatchObject({ term: 2, epoch: 3, prev: sent.hash, levels: 0, epoch_key: null });
    expect([...(await deliver(first, members)).values()]).toEqual([null, null, null]);
    expect([...members.values()].map(({ status }) => status)).toEqual(['unplaced', 'unplaced', 'unplaced']);
    const anew = await Promise.all(guests.map(again));
    for (const [index, guest] of guests.entries()) {
      const ephemeral = anew[index]?.ephemeral;
      if (ephemeral !== undefined) members.get(guest)?.expectPlacement(ephemeral);
    }
    const placed = await carol.send({ joined: anew.map(({ newcomer }) => newcomer) });
    expect([...(await deliver(placed, members)).values()]).toEqual([placed.key, placed.key, placed.key]);
  });

  it('may be of one’s own meeting, after a restart', async () => {
    const { members, sent } = await meetingOf(2);
    const anew = await Hosting.begin('alice', sent.message);
    const first = await anew.send();
    for (const member of members.values()) expect((await member.receive(first.message)).isNewTerm).toBe(true);
  });
});

describe('the claimed sender', () => {
  it('is read to find the evidence under which to verify', async () => {
    const { hosting, sent } = await meetingOf(1);
    expect(claimedRekey(sent.token)).toEqual({ claims: sent.claims, device: hosting.device.kid });
  });
});
