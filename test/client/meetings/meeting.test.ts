import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { problemError } from '../../../client/bridge-api.ts';
import type { Participant } from '../../../client/meetings/meeting.ts';
import type { MeetingGroup } from '../../../client/meetings/meeting-group.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { claimedRekey } from '../../../protocol/meetings/rekey-message.ts';
import { codeOf } from '../../protocol/codes.ts';
import { hear } from './heard.ts';
import { keyOf, type MeetingAtWork, meetingOf } from './meeting-fixture.ts';

let at: MeetingAtWork;
beforeEach(async () => {
  at = await meetingOf(['hana', 'ben', 'carol'], ['carol']);
});
afterEach(() => at.close());

async function placed(name: string) {
  const meeting = await at.join(name);
  const heard = hear(meeting);
  await heard.next('placed');
  return { meeting, heard };
}

const newestKeyId = () => claimedRekey(at.meeting.uploads.at(-1)?.token ?? '').claims.key_id ?? '';

describe('a meeting', () => {
  it('gives a joiner the key at once, and a place by the host soon after', async () => {
    const hana = await at.host('hana');
    const host = hear(hana);
    const ben = await at.join('ben');
    expect(ben.currentKey()).toEqual(hana.currentKey());
    const { epoch } = await hear(ben).next('placed');
    expect((await host.next('joined')).participant).toMatchObject({
      ...{ address: 'ben@acme.example', mediaKey: 'media of ben', state: 'verified', endToEnd: true },
    });
    expect(ben.currentKey()).toEqual(hana.currentKey());
    expect(ben.currentKey().epoch).toBe(epoch);
    expect(ben.fingerprint()).toBe(hana.fingerprint());
    expect(ben.fingerprint()).toMatch(/^(\d{5} ){5}\d{5}$/);
  });

  it('brings every new key by the tree, without a bridge, to those who have a place', async () => {
    const hana = await at.host('hana');
    const { meeting: ben } = await placed('ben');
    const opened = at.group.opened;
    const { epoch } = hana.currentKey();
    const keys = ben.keys();
    expect(await keys.next()).toMatchObject({ value: hana.currentKey() });
    await hana.rekey();
    expect(await keys.next()).toEqual({ done: false, value: hana.currentKey() });
    expect(hana.currentKey().epoch).toBe(epoch + 1);
    expect(at.group.opened).toBe(opened);
    await keys.return();
  });

  it('serves many who join at the same time with one message', async () => {
    const hana = await at.host('hana');
    await Promise.all([placed('ben'), placed('carol')]);
    expect(hana.currentKey().epoch).toBe(2);
    expect(at.meeting.uploads).toHaveLength(2);
  });

  it('has another key as soon as somebody leaves', async () => {
    const hana = await at.host('hana');
    const host = hear(hana);
    const { meeting: ben } = await placed('ben');
    const { meeting: carol } = await placed('carol');
    const { epoch } = hana.currentKey();
    await ben.leave();
    expect(await host.next('left')).toMatchObject({ sub: at.person('ben').sub, reason: 'left' });
    expect(await keyOf(carol, epoch + 1)).toEqual(hana.currentKey());
    expect(ben.currentKey().epoch).toBe(epoch);
  });

  it('keeps the next key from who was removed, whatever the relay sends on to them', async () => {
    const hana = await at.host('hana');
    const { meeting: ben, heard } = await placed('ben');
    const { meeting: carol } = await placed('carol');
    const { epoch } = ben.currentKey();
    await hana.remove('ben@acme.example');
    expect(hana.currentKey().epoch).toBe(epoch + 1);
    expect(await keyOf(carol, epoch + 1)).toEqual(hana.currentKey());
    expect(await codeOf(async () => keyOf(ben, epoch + 1))).toBe('group_not_member');
    // The message came; the tree has nothing for this device, and the bridges do not transform.
    expect(heard.events.findLast(({ type }) => type === 'key')).toMatchObject({ epoch });
    expect(ben.currentKey().epoch).toBe(epoch);
    expect(await codeOf(() => at.join('ben'))).toBe('group_not_member');
  });

  it('keeps the next key from who opened this one and has no place, and is revoked', async () => {
    const hana = await at.host('hana');
    const { key, epoch } = hana.currentKey();
    const carol = at.group.of(at.person('carol'));
    const opened = await carol.open(newestKeyId());
    expect(opened.key).toEqual(key);
    at.group.remove(at.person('carol'));
    at.meeting.tell({ event: 'group' });
    expect((await keyOf(hana, epoch + 1)).key).not.toEqual(key);
    expect(await codeOf(() => carol.open(newestKeyId()))).toBe('group_not_member');
  });

  it('has another key as soon as somebody leaves who was in for a moment without a place', async () => {
    const hana = await at.host('hana');
    const { epoch } = hana.currentKey();
    const { iss, sub, device } = at.person('carol');
    at.meeting.tell({ event: 'left', iss, sub, device_id: device.id, reason: 'revoked' }, 'admins');
    expect((await keyOf(hana, epoch + 1)).epoch).toBe(epoch + 1);
  });

  it('begins one epoch for one removal, whatever else the bridge tells of it', async () => {
    const hana = await at.host('hana');
    const host = hear(hana);
    await placed('ben');
    const { epoch } = hana.currentKey();
    const { address, iss, sub, device } = at.person('ben');
    await hana.remove(address);
    at.meeting.tell({ event: 'left', iss, sub, device_id: device.id, reason: 'revoked' }, 'admins');
    at.meeting.tell({ event: 'group' });
    await host.next('group');
    await placed('carol');
    expect(hana.currentKey().epoch).toBe(epoch + 2);
  });

  it('is rid of somebody before the host has read who is left', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const own = at.group.of(at.person('hana'));
    const group: MeetingGroup = {
      ...own,
      get facts() {
        return own.facts;
      },
      losses: () => held.then(() => own.losses()),
    };
    const hana = await at.host('hana', undefined, { group });
    const host = hear(hana);
    const { meeting: ben } = await placed('ben');
    const { epoch } = hana.currentKey();
    await hana.remove('ben@acme.example');
    at.meeting.tell({ event: 'group' });
    await host.next('group');
    expect(hana.currentKey().epoch).toBe(epoch + 1);
    expect(await codeOf(() => keyOf(ben, epoch + 1))).toBe('group_not_member');
    release();
  });

  it('begins an epoch for whom a durable group lost, also where somebody is removed before it is looked at', async () => {
    let lost = 0;
    const own = at.group.of(at.person('hana'));
    const group: MeetingGroup = {
      ...own,
      get facts() {
        return own.facts;
      },
      async losses() {
        const { removals, exclusions } = own.facts.losses;
        return { removals: new Map([...removals, ['team', lost]]), exclusions };
      },
    };
    const hana = await at.host('hana', undefined, { group });
    await placed('ben');
    const { epoch } = hana.currentKey();
    at.meeting.tell({ event: 'group' });
    await keyOf(hana, epoch + 1);
    lost = 1;
    await hana.remove('ben@acme.example');
    expect(hana.currentKey().epoch).toBe(epoch + 2);
    at.meeting.tell({ event: 'group' });
    expect((await keyOf(hana, epoch + 3)).epoch).toBe(epoch + 3);
  });

  it('takes somebody out of the tree though the bridge fails after it did its part', async () => {
    const hana = await at.host('hana');
    const { meeting: ben, heard } = await placed('ben');
    await placed('carol');
    const { epoch } = hana.currentKey();
    const { address } = at.person('ben');
    at.group.failing.set(at.person('hana'), new CountersignError('bridge_unreachable'));
    expect(await codeOf(() => hana.remove(address))).toBe('bridge_unreachable');
    expect(hana.currentKey().epoch).toBe(epoch + 1);
    expect(await codeOf(() => keyOf(ben, epoch + 1))).toBe('group_not_member');
    expect(heard.events.map(({ type }) => type)).not.toContain('ended');
  });

  it.each([
    ['cannot be reached', 'bridge_unreachable'],
    ['has too much to do', 'overloaded'],
    ['shows evidence that is too old', 'jws_expired'],
  ] as const)('goes on for a member whose bridge %s once while it verifies the host', async (_how, code) => {
    const hana = await at.host('hana');
    const { meeting: ben, heard } = await placed('ben');
    await placed('carol');
    const { epoch } = hana.currentKey();
    await keyOf(ben, epoch);
    at.meeting.tell({ event: 'group' });
    await heard.next('group');
    at.meeting.failOnce('state', new CountersignError(code));
    await hana.remove(at.person('carol').address);
    expect(await keyOf(ben, epoch + 1)).toEqual(hana.currentKey());
  });

  it.each([
    ['has too much to do', 'overloaded'],
    ['answers with nonsense', 'bridge_invalid'],
  ] as const)('goes on for a device whose bridge %s once when the group changed', async (_how, code) => {
    const hana = await at.host('hana');
    const { meeting: ben, heard } = await placed('ben');
    at.group.failing.set(at.person('ben'), new CountersignError(code));
    at.meeting.tell({ event: 'group' });
    await heard.next('group');
    await hana.rekey();
    expect(await keyOf(ben, hana.currentKey().epoch)).toEqual(hana.currentKey());
  });

  it('ends for a device whose bridge says that it is in the group no more', async () => {
    await at.host('hana');
    const { meeting: ben } = await placed('ben');
    at.group.failing.set(at.person('ben'), new CountersignError('group_excluded'));
    const ending = codeOf(() => keyOf(ben, ben.currentKey().epoch + 1));
    at.meeting.tell({ event: 'group' });
    expect(await ending).toBe('group_excluded');
  });

  it('goes on for a host whose upload was stored, and answered by a proxy', async () => {
    const hana = await at.host('hana');
    const { meeting: ben } = await placed('ben');
    const { epoch } = hana.currentKey();
    at.meeting.failOnce('rekey', problemError(504, '<html>'), 'after');
    await hana.rekey();
    expect(hana.currentKey().epoch).toBe(epoch + 1);
    expect(await keyOf(ben, epoch + 1)).toEqual(hana.currentKey());
    await hana.rekey();
    expect(await keyOf(ben, epoch + 2)).toEqual(hana.currentKey());
  });

  it('goes on for a host whose upload was stored, and answered with nonsense', async () => {
    const hana = await at.host('hana');
    const host = hear(hana);
    const { meeting: ben, heard } = await placed('ben');
    const { epoch } = hana.currentKey();
    at.meeting.lie((event) => (event.event === 'rekey' ? [] : [event]));
    at.meeting.failOnce('rekey', new CountersignError('bridge_invalid'), 'after');
    expect(await codeOf(() => hana.rekey())).toBe('bridge_invalid');
    at.meeting.lie(null);
    at.meeting.breakStreams();
    await host.next('refused', ({ code }) => code === 'conflict');
    await heard.next('placed');
    await hana.rekey();
    expect(hana.currentKey().epoch).toBeGreaterThan(epoch + 1);
    expect(await keyOf(ben, hana.currentKey().epoch)).toEqual(hana.currentKey());
  });

  it('can be taken over by its own host, who missed a message of this device', async () => {
    const hana = await at.host('hana');
    const { term } = hana.currentKey();
    at.meeting.lie((event) => (event.event === 'rekey' ? [] : [event]));
    at.meeting.failOnce('rekey', new CountersignError('bridge_invalid'), 'after');
    expect(await codeOf(() => hana.rekey())).toBe('bridge_invalid');
    expect(await codeOf(() => hana.rekey())).toBe('conflict');
    await hana.takeOver();
    await hana.rekey();
    expect(hana.currentKey().term).toBe(term + 1);
  });

  it('takes a stream up again that met the page of a proxy', async () => {
    const hana = await at.host('hana');
    at.meeting.failOnce('stream', problemError(503, '<html>'));
    const { meeting: ben } = await placed('ben');
    expect(await keyOf(ben, hana.currentKey().epoch)).toEqual(hana.currentKey());
  });

  it('lets nobody who comes later read what was before', async () => {
    const hana = await at.host('hana');
    const first = claimedRekey(at.meeting.uploads[0]?.token ?? '').claims.key_id ?? '';
    await hana.rekey();
    const { meeting: ben } = await placed('ben');
    expect(ben.currentKey().epoch).toBeGreaterThan(1);
    expect(await codeOf(() => at.group.of(at.person('ben')).open(first))).toBe('sealed_key_unknown');
  });

  it('has its key for somebody who comes while the host is gone', async () => {
    const hana = await at.host('hana');
    const key = hana.currentKey();
    await hana.leave();
    const ben = await at.join('ben');
    expect(ben.currentKey()).toEqual(key);
  });

  it('shows everybody in the roster, verified, to host and members alike', async () => {
    const hana = await at.host('hana');
    const { meeting: ben } = await placed('ben');
    await placed('carol');
    const read = async (meeting: typeof hana): Promise<Participant[]> => {
      const all: Participant[] = [];
      for await (const each of meeting.roster()) all.push(each);
      return all;
    };
    const asHost = await read(hana);
    expect(asHost.map(({ address, state, code }) => [address, state, code])).toEqual([
      ['hana@acme.example', 'verified', null],
      ['ben@acme.example', 'verified', null],
      ['carol@acme.example', 'verified', null],
    ]);
    expect(asHost[1]).toMatchObject({ assurance: 'member', mediaKey: 'media of ben' });
    await keyOf(ben, hana.currentKey().epoch);
    expect(await read(ben)).toEqual(asHost);
  });

  it('ends for everybody when the host ends it, and leaves nothing running', async () => {
    const hana = await at.host('hana');
    const { meeting: ben, heard } = await placed('ben');
    await hana.end();
    await heard.next('ended');
    for await (const key of ben.keys()) expect(key.epoch).toBe(ben.currentKey().epoch);
    await ben.closed();
    expect(at.meeting.listening).toBe(0);
    expect(at.group.ended).toBe(true);
  });

  it('ends for a device when its signal is aborted, and leaves nothing running', async () => {
    await at.host('hana').then((hana) => hana.leave());
    const leaving = new AbortController();
    const ben = await at.join('ben', leaving.signal);
    leaving.abort();
    await ben.closed();
    expect(at.meeting.listening).toBe(0);
    expect(await codeOf(() => at.join('carol', leaving.signal))).toBe('aborted');
  });
});

describe('a device that leaves while the host gives it a place', () => {
  it('has none in the end', async () => {
    const hana = await at.host('hana');
    const host = hear(hana);
    const ben = at.person('ben');
    const { iss, sub, device } = ben;
    const gone = { event: 'left', iss, sub, device_id: device.id, reason: 'revoked' } as const;
    // The proof arrives, and right behind it the word that the device is no more.
    await at.join('ben');
    at.meeting.tell(gone, 'admins');
    await hana.rekey();
    expect(hana.role).toBe('host');
    expect(host.events.filter(({ type }) => type === 'joined')).toEqual([]);
    const roster: string[] = [];
    for await (const { deviceId } of hana.roster()) roster.push(deviceId);
    expect(roster).toEqual([at.person('hana').device.id]);
  });
});
