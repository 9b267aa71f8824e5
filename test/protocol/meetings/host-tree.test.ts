import { describe, expect, it } from 'vitest';
import { decodeBase64url, encodeBase64url } from '../../../protocol/base64url.ts';
import { MeetingHost } from '../../../protocol/meetings/host-tree.ts';
import { CHALLENGES_KEPT, REKEY_DEPARTURES, REKEY_JOINS } from '../../../protocol/meetings/limits.ts';
import { verifyRekey } from '../../../protocol/meetings/rekey-message.ts';
import { decodeWraps } from '../../../protocol/meetings/wrap-list.ts';
import { codeOf } from '../codes.ts';
import { NOW, testDigest } from '../company.ts';
import { again, epochSecret, GLOBEX, GROUP, Hosting, makeGuest, makeGuests, memberFor } from './meeting.ts';

const newcomersOf = async (count: number, prefix?: string) =>
  (await makeGuests(count, prefix)).map(({ newcomer }) => newcomer);

describe('a host', () => {
  it('changes nothing before its message was accepted', async () => {
    const { host, sender } = await Hosting.begin();
    const joined = await newcomersOf(3);
    const dropped = await host.prepare({ joined, left: [] }, epochSecret('a'), NOW);
    expect([host.epoch, host.head, host.roster.size, host.challenge(1)]).toEqual([0, null, 0, undefined]);
    const kept = await host.prepare({ joined, left: [] }, epochSecret('b'), NOW);
    expect(kept.refused).toEqual([]);
    host.commit(kept);
    expect([host.epoch, host.head, host.roster.size]).toEqual([1, kept.hash, 3]);
    expect(host.challenge(1)).toBe(kept.claims.challenge);
    expect(await codeOf(() => host.commit(dropped))).toBe('conflict');
    expect(await codeOf(() => host.commit(kept))).toBe('conflict');
    expect((await verifyRekey(kept.token, sender)).hash).toBe(kept.hash);
  });

  it('wraps nothing twice under one key, not even in drafts of the same epoch', async () => {
    const hosting = await Hosting.begin();
    const joined = await newcomersOf(8);
    await hosting.send({ joined });
    const left = joined.slice(0, 1).map(({ device_id }) => device_id);
    const draft = async () =>
      (await hosting.host.prepare({ joined: [], left }, epochSecret('same'), NOW)).claims;
    const [one, two] = [await draft(), await draft()];
    expect([one.term, one.epoch, one.prev]).toEqual([two.term, two.epoch, two.prev]);
    expect(one.challenge).not.toBe(two.challenge);
    expect(one.epoch_key).not.toBe(two.epoch_key);
    // The root's key stays as it is when nobody joins or leaves: the epoch alone must not decide what wraps.
    const still = async () =>
      (await hosting.host.prepare({ joined: [], left: [] }, epochSecret('same'), NOW)).claims;
    expect((await still()).epoch_key).not.toBe((await still()).epoch_key);
  });

  it('needs one wrap for each level to remove one, and none for those who joined with the message', async () => {
    const hosting = await Hosting.begin();
    const joined = await newcomersOf(64);
    await hosting.send({ joined });
    const late = await newcomersOf(1, 'late');
    const left = joined.slice(9, 10).map(({ device_id }) => device_id);
    const { claims } = await hosting.send({ left, joined: late });
    const wraps = decodeWraps(decodeBase64url(claims.wraps ?? ''));
    expect(claims.levels).toBe(6);
    expect(wraps.size).toBe(6);
  });

  it('removes one of ten thousand in under 4,000 bytes', async () => {
    const hosting = await Hosting.begin();
    const people = Array.from({ length: 10_000 }, (_, index) => testDigest(`device ${index}`));
    const ephemerals = await makeGuests(200);
    for (let from = 0; from < people.length; from += REKEY_JOINS) {
      const joined = await Promise.all(
        people.slice(from, from + REKEY_JOINS).map(async (device_id, index) => {
          const guest = ephemerals[index];
          if (guest === undefined) throw new Error('unreachable');
          return { ...(await again(guest)).newcomer, device_id };
        }),
      );
      hosting.host.commit(await hosting.host.prepare({ joined, left: [] }, epochSecret(`${from}`), NOW));
    }
    expect(hosting.host.roster.size).toBe(10_000);
    const { token, claims } = await hosting.send({ left: people.slice(4_711, 4_712) });
    expect(claims.change.left).toEqual([4_711]);
    expect(token.length).toBeLessThan(4_000);
  }, 60_000);

  it('places nobody who leaves in the same message, or whose proof was used before', async () => {
    const hosting = await Hosting.begin();
    const [one, two, three] = await newcomersOf(3);
    if (one === undefined || two === undefined || three === undefined) throw new Error('unreachable');
    await hosting.send({ joined: [one] });
    const relayed = { ...two, ephemeral: one.ephemeral };
    const change = { joined: [one, relayed, three, { ...three, iss: GLOBEX }], left: [three.device_id] };
    const sent = await hosting.send(change);
    expect(sent.claims.change.joined).toEqual([]);
    expect(sent.refused.map(({ code }) => code)).toEqual(['replayed', 'replayed', 'conflict', 'conflict']);
    const twice = await hosting.send({ joined: [two, two] });
    expect(twice.refused).toEqual([{ newcomer: two, code: 'replayed' }]);
    expect(twice.placements).toHaveLength(1);
  });

  it('places the others when one newcomer’s key cannot be used', async () => {
    const hosting = await Hosting.begin();
    const [bad, short, good] = await newcomersOf(3);
    if (bad === undefined || short === undefined || good === undefined) throw new Error('unreachable');
    const sent = await hosting.send({
      joined: [
        { ...bad, ephemeral: encodeBase64url(new Uint8Array(32)) },
        { ...short, ephemeral: 'AAAA' },
        good,
      ],
    });
    expect(sent.refused.map(({ code }) => code)).toEqual(['key_invalid', 'malformed_request']);
    expect(sent.claims.change.joined.map(({ device_id, leaf }) => [device_id, leaf])).toEqual([
      [good.device_id, 0],
    ]);
  });

  it('puts off those who come again when a message can free no more places', async () => {
    const hosting = await Hosting.begin();
    const leaving = await makeGuests(REKEY_DEPARTURES - 1);
    const coming = await makeGuests(2, 'again');
    await hosting.send({ joined: leaving.map(({ newcomer }) => newcomer) });
    await hosting.send({ joined: coming.map(({ newcomer }) => newcomer) });
    const anew = await Promise.all(coming.map(async (guest) => (await again(guest)).newcomer));
    const left = leaving.map(({ newcomer }) => newcomer.device_id);
    const sent = await hosting.send({ joined: anew, left });
    expect(sent.refused).toEqual([{ newcomer: anew[1], code: 'conflict' }]);
    expect(hosting.host.roster.size).toBe(2);
    expect((await hosting.send({ joined: anew.slice(1) })).refused).toEqual([]);
  });

  it('refuses more than one message takes, and a key of another length', async () => {
    const { host } = await Hosting.begin();
    const joined = Array.from({ length: REKEY_JOINS + 1 }, () => ({
      iss: GLOBEX,
      sub: 's',
      device_id: 'd',
      ephemeral: '',
    }));
    const left = Array.from({ length: REKEY_DEPARTURES + 1 }, () => 'd');
    const secret = epochSecret('a');
    const short = { ...secret, key: new Uint8Array(31) };
    for (const [change, key] of [
      [{ joined, left: [] }, secret],
      [{ joined: [], left }, secret],
      [{ joined: [], left: [] }, short],
    ] as const) {
      expect(await codeOf(() => host.prepare(change, key, NOW))).toBe('claims_invalid');
    }
  });

  it('begins no term behind a message of another meeting', async () => {
    const hosting = await Hosting.begin();
    const { message } = await hosting.send();
    for (const claims of [
      { ...message.claims, group: testDigest('other') },
      { ...message.claims, iss: GLOBEX },
    ]) {
      const options = { group: GROUP, iss: message.claims.iss, sub: 'sub-alice', device: hosting.device };
      expect(await codeOf(() => MeetingHost.begin({ ...options, after: { ...message, claims } }))).toBe(
        'rekey_mismatch',
      );
    }
  });

  it('forgets the challenges of long ago', async () => {
    const hosting = await Hosting.begin();
    const first = await hosting.send();
    for (let count = 1; count < CHALLENGES_KEPT; count += 1) await hosting.send();
    expect(hosting.host.challenge(1)).toBe(first.claims.challenge);
    await hosting.send();
    expect([hosting.host.challenge(1), hosting.host.challenge(2)]).toEqual([undefined, expect.any(String)]);
  });

  it('gives a place that its member finds, to a device without a place before', async () => {
    const hosting = await Hosting.begin();
    const guest = await makeGuest('one');
    const sent = await hosting.send({ joined: [guest.newcomer], left: [testDigest('unknown')] });
    const member = memberFor(guest);
    await member.receive(sent.message);
    expect((await member.place(sent.hash, sent.placements[0]?.box ?? ''))?.key).toEqual(sent.key);
    expect([sent.claims.levels, sent.claims.change.left]).toEqual([0, []]);
  });
});
