import { bytesToHex } from '@noble/hashes/utils.js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { verifyRekey } from '../../../protocol/meetings/rekey-message.ts';
import { testKey } from '../company.ts';
import { fixedEphemeral, fixRandomness } from './fixed-randomness.ts';
import { boxOf, epochSecret, type Guest, HOME, Hosting, makeGuest, memberFor } from './meeting.ts';
import { PINNED, type PinnedRekey } from './pinned.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const guestOf = async (name: string): Promise<Guest> => makeGuest(name, await fixedEphemeral(name));

/** Nobody; then three; then one of them leaves and three others come, for whom the tree grows. */
const STEPS = [
  { joined: [], left: [] },
  { joined: ['bob', 'dave', 'erin'], left: [] },
  { joined: ['frank', 'grace', 'heidi'], left: ['dave'] },
];

async function play(): Promise<PinnedRekey[]> {
  const hosting = await Hosting.begin();
  const played: PinnedRekey[] = [];
  for (const { joined, left } of STEPS) {
    const guests = await Promise.all(joined.map(guestOf));
    const gone = await Promise.all(left.map(guestOf));
    const sent = await hosting.send({
      joined: guests.map(({ newcomer }) => newcomer),
      left: gone.map(({ newcomer }) => newcomer.device_id),
    });
    const boxes = Object.fromEntries(guests.map((guest, index) => [joined[index], boxOf(sent, guest)]));
    played.push({ token: sent.token, boxes, key: bytesToHex(sent.key) });
  }
  return played;
}

describe('the pinned messages of a meeting', () => {
  it('are what a host writes with this randomness', async () => {
    fixRandomness();
    expect(await play()).toEqual(PINNED);
  });

  it.each([
    ['bob', [false, true, true]],
    ['dave', [false, true, false]],
    ['grace', [false, false, true]],
  ])('give %s the keys of their stay', async (name, stays) => {
    const member = memberFor(await guestOf(name));
    const { publicKey } = await testKey('device alice laptop');
    const sender = { iss: HOME, sub: 'sub-alice', key: publicKey };
    const keys: (string | null)[] = [];
    for (const { token, boxes } of PINNED) {
      const message = await verifyRekey(token, sender);
      const received = await member.receive(message);
      const box = boxes[name];
      const placed = box === undefined ? null : await member.place(message.hash, box);
      const key = placed?.key ?? received.key;
      keys.push(key === null ? null : bytesToHex(key));
    }
    expect(keys).toEqual(PINNED.map(({ key }, index) => (stays[index] ? key : null)));
  });

  it('have the keys that the tests name', () => {
    expect(PINNED.map(({ key }) => key)).toEqual(
      [1, 2, 3].map((epoch) => bytesToHex(epochSecret(`1/${epoch}`).key)),
    );
  });
});
