import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { JoinedMeeting, Participant } from '../../../client/meetings/meeting.ts';
import { keepRenewing, renewalPause } from '../../../client/meetings/presence-renewals.ts';
import type { Session } from '../../../client/meetings/session.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { sha256Base64url } from '../../../protocol/hash.ts';
import { decodeClaims } from '../../../protocol/jws.ts';
import { claimedRekey } from '../../../protocol/meetings/rekey-message.ts';
import { presenceRenewalSchema } from '../../../protocol/presence-renewal.ts';
import { SOON } from '../../fakes/soon.ts';
import { DAY, NOW, testKey } from '../../protocol/company.ts';
import { hear } from './heard.ts';
import { type MeetingAtWork, meetingOf, type SignIn } from './meeting-fixture.ts';

describe('the pause until a presence is renewed', () => {
  it('is some half of the time that is left, never all of it', () => {
    expect(renewalPause(DAY, 0, 0.5)).toBeCloseTo(DAY / 2, 6);
    for (const drawn of [0, 0.25, 0.5, 0.75, 1]) {
      const pause = renewalPause(3600, 0, drawn);
      expect(pause).toBeGreaterThan(1000);
      expect(pause).toBeLessThan(2600);
    }
  });

  it('keeps ten thousand that came in one second from coming again in one', () => {
    const bySecond = new Map<number, number>();
    for (let device = 0; device < 10_000; device += 1) {
      const second = Math.floor(renewalPause(3600, 0, Math.random()));
      bySecond.set(second, (bySecond.get(second) ?? 0) + 1);
    }
    // Seven a second, if they were even.
    expect(Math.max(...bySecond.values())).toBeLessThan(40);
  });

  it('grows while it fails, up to an hour, and asks no bridge more than it takes', () => {
    const pauses = [1, 2, 3, 9].map((failures) => renewalPause(DAY, failures, 0.5));
    expect(pauses).toEqual([120, 240, 480, 3600].map((seconds) => expect.closeTo(seconds, 6)));
    expect(renewalPause(1, 0, 0)).toBeGreaterThan(1);
    expect(renewalPause(-5, 0, 0.5)).toBeCloseTo(60, 6);
  });
});

describe('a presence that was shown', () => {
  beforeEach(() => void vi.useFakeTimers({ now: NOW * 1000 }));
  afterEach(() => void vi.useRealTimers());

  /** A session over a relay that answers `renew`, or throws it. */
  async function renewing(renew: (renewal: string) => Promise<number>) {
    const sig = await testKey('laptop');
    const told: string[] = [];
    const head = { epoch: 1, challenge: 'c'.repeat(43) };
    const ending = new AbortController();
    const session = {
      parts: {
        context: { now: () => Math.floor(Date.now() / 1000), polling: { firstMs: 1, longestMs: 1 } },
        device: { id: sig.kid, sig },
        self: { iss: 'https://bridge.acme.example', sub: 'sub-alice' },
        group: { iss: 'https://bridge.acme.example', group: 'g'.repeat(43) },
        relay: { renew },
      },
      head: { claims: head },
      closing: ending.signal,
      events: { push: () => undefined },
      refuse: (error: CountersignError) => told.push(error.code),
    };
    const shown = { hash: sha256Base64url('proof'), until: NOW + DAY };
    const running = keepRenewing(session as unknown as Session, shown, ending.signal);
    return { told, head, ending, running };
  }

  it('is renewed as of the newest epoch, again and again, until it is another', async () => {
    const renewals: string[] = [];
    const { head, ending, running } = await renewing(async (renewal) => {
      renewals.push(renewal);
      return Math.floor(Date.now() / 1000) + DAY;
    });
    await vi.advanceTimersByTimeAsync(0.7 * DAY * 1000);
    // It is signed in a time that is not the test's.
    await vi.waitFor(() => expect(renewals).toHaveLength(1), SOON);
    head.epoch = 7;
    while (renewals.length < 2) await vi.advanceTimersByTimeAsync(3600_000);
    const claims = renewals.map((each) => decodeClaims(each, 'presence-renewal+jwt', presenceRenewalSchema));
    expect(claims.map(({ epoch }) => epoch)).toEqual([1, 7]);
    expect(new Set(claims.map(({ presence }) => presence))).toEqual(new Set([sha256Base64url('proof')]));
    ending.abort();
    await running;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is tried again where its bridge refuses, which is told', async () => {
    const answers = [new CountersignError('presence_mismatch'), NOW + 2 * DAY];
    const { told, ending, running } = await renewing(async () => {
      const answer = answers.shift();
      if (typeof answer === 'number') return answer;
      throw answer;
    });
    await vi.advanceTimersByTimeAsync(0.7 * DAY * 1000);
    await vi.waitFor(() => expect(told).toEqual(['presence_mismatch']), SOON);
    while (answers.length > 0) await vi.advanceTimersByTimeAsync(60_000);
    ending.abort();
    await running;
  });
});

describe('a roster, half a day later', () => {
  let at: MeetingAtWork;
  beforeEach(async () => {
    at = await meetingOf(['hana', 'ben', 'carol'], ['ben']);
  });
  afterEach(() => at.close());

  async function rosterOf(meeting: JoinedMeeting): Promise<Participant[]> {
    const roster: Participant[] = [];
    for await (const each of meeting.roster()) roster.push(each);
    return roster;
  }

  async function placed(name: string): Promise<JoinedMeeting> {
    const meeting = await at.join(name);
    await hear(meeting).next('placed');
    return meeting;
  }

  /** Of the newest epoch, with another media key: one that they made for another place of theirs, say. */
  async function anotherProof(name: string) {
    const { client, address } = at.person(name);
    const { epoch, challenge } = claimedRekey(at.meeting.uploads.at(-1)?.token ?? '').claims;
    const place = { meeting: at.group.id, aud: at.bridge.issuer, epoch, challenge, mediaKey: 'another' };
    const { ephemeralPrivateKey: _own, ...shown } = await client.createPresence(place);
    return { ...shown, address };
  }

  it('says how old it is, and is as new as what its people show, for the host and for others', async () => {
    const hana = await at.host('hana');
    const ben = await placed('ben');
    await placed('carol');
    at.pass(13 * 3600);
    for (const name of ['hana', 'carol']) await at.renew(name);
    for (const meeting of [hana, ben]) {
      const roster = await rosterOf(meeting);
      expect(roster.map(({ state }) => state)).toEqual(['verified', 'verified', 'verified']);
      expect(roster.map(({ shownAt }) => shownAt)).toEqual([at.bridge.time, NOW, at.bridge.time]);
    }
  });

  it('shows who stays silent as stale, with the name for the host alone, who verified it in time', async () => {
    const hana = await at.host('hana');
    const ben = await placed('ben');
    await placed('carol');
    at.pass(13 * 3600);
    for (const name of ['hana', 'ben']) await at.renew(name);
    at.pass(12 * 3600);
    const { address } = at.person('carol');
    const stale = { state: 'stale', code: 'jws_expired' };
    expect((await rosterOf(hana))[2]).toMatchObject({ ...stale, address, shownAt: NOW });
    expect((await rosterOf(ben))[2]).toMatchObject({ ...stale, address: null, shownAt: null });
    expect((await rosterOf(ben))[1]).toMatchObject({ state: 'verified', shownAt: NOW + 13 * 3600 });
  });

  it('lets somebody who comes on the second day verify who is in', async () => {
    await at.host('hana');
    await placed('ben');
    at.pass(13 * 3600);
    for (const name of ['hana', 'ben']) await at.renew(name);
    at.pass(12 * 3600);
    const carol = await placed('carol');
    const states = (await rosterOf(carol)).map(({ state }) => state);
    expect(states).toEqual(['verified', 'verified', 'verified']);
  });

  it.each([
    ['another device’s', 'carol', {}, 'jws_unknown_key'],
    ['of another proof', 'ben', { presence: sha256Base64url('another') }, 'presence_mismatch'],
    ['for a challenge that was not the host’s', 'ben', { challenge: 'x'.repeat(43) }, 'presence_mismatch'],
    ['for an epoch that is not yet', 'ben', { epoch: 99 }, 'presence_mismatch'],
    ['from the future', 'ben', { iat: NOW + 2 * DAY, exp: NOW + 2 * DAY + 60 }, 'presence_mismatch'],
  ] as const)(
    'refuses a renewal that a bridge shows for one that is %s',
    async (_what, signer, changes, code) => {
      const hana = await at.host('hana');
      await placed('ben');
      const carol = await placed('carol');
      at.pass(13 * 3600);
      await at.renew('ben', { signer, changes });
      const { device } = at.person('ben');
      const ofBen = async (meeting: JoinedMeeting) =>
        (await rosterOf(meeting)).find(({ deviceId }) => deviceId === device.id);
      expect(await ofBen(carol)).toMatchObject({ state: 'refused', code, address: null });
      // What the host verified before stands until that is too old.
      expect(await ofBen(hana)).toMatchObject({ state: 'verified', shownAt: NOW });
      at.pass(12 * 3600);
      expect(await ofBen(hana)).toMatchObject({ state: 'stale', shownAt: NOW });
    },
  );

  it('does not take somebody silent for fresh by evidence that their bridge makes anew by itself', async () => {
    const hana = await at.host('hana');
    await placed('ben');
    const carol = await placed('carol');
    at.pass(13 * 3600);
    const { device, evidence } = at.person('ben');
    await at.renew('hana');
    const { proof = '' } = at.meeting.shown.find(({ device_id }) => device_id === device.id) ?? {};
    at.meeting.shown.push({ device_id: device.id, proof, ...(await evidence()) });
    const ofBen = async (meeting: JoinedMeeting) =>
      (await rosterOf(meeting)).find(({ deviceId }) => deviceId === device.id);
    expect(await ofBen(carol)).toMatchObject({ state: 'refused', code: 'presence_mismatch' });
    expect(await ofBen(hana)).toMatchObject({ state: 'verified', shownAt: NOW });
    at.pass(12 * 3600);
    expect(await ofBen(hana)).toMatchObject({ state: 'stale', code: 'presence_mismatch', shownAt: NOW });
  });

  it('does not follow a bridge back to an older renewal, nor to another proof of the same device', async () => {
    const hana = await at.host('hana');
    await placed('ben');
    const { device } = at.person('ben');
    const ofBen = async () => (await rosterOf(hana)).find(({ deviceId }) => deviceId === device.id);
    at.pass(13 * 3600);
    await at.renew('ben');
    const older = at.meeting.shown.findLast(({ device_id }) => device_id === device.id);
    at.pass(5 * 3600);
    await at.renew('ben');
    const shownAt = at.bridge.time;
    at.pass(13 * 3600);
    expect(await ofBen()).toMatchObject({ state: 'verified', shownAt });
    if (older !== undefined) at.meeting.shown.push(older);
    expect(await ofBen()).toMatchObject({ state: 'verified', shownAt });
    at.meeting.shown.push({ device_id: device.id, ...(await anotherProof('ben')) });
    expect(await ofBen()).toMatchObject({ state: 'verified', shownAt, mediaKey: 'media of ben' });
  });

  it('does not make a sign-in older by it, for an admission policy: it counts as of when they came', async () => {
    const day: SignIn = { protocol: 'oidc', acr: null, amr: ['pwd', 'otp'], auth_time: NOW - 600 };
    for (const name of ['hana', 'ben', 'carol']) at.signsIn(name, day);
    const hana = await at.host('hana', { sign_in: { max_age: 12 * 3600, multi_factor: true } });
    await placed('ben');
    at.pass(13 * 3600);
    await at.renew('ben');
    await at.renew('hana');
    const [, ben] = await rosterOf(hana);
    expect(ben).toMatchObject({ state: 'verified', shownAt: at.bridge.time, reasons: [] });
  });

  it('is renewed by each device itself, when half of its time is over', async () => {
    at.bridge.time = NOW + DAY - 6;
    const hana = await at.host('hana');
    await placed('ben');
    const renewed = () => at.meeting.shown.filter(({ renewal }) => renewal !== undefined);
    const devices = () => new Set(renewed().map(({ device_id }) => device_id));
    await vi.waitFor(() => expect(devices().size).toBe(2), SOON);
    expect((await rosterOf(hana)).map(({ state }) => state)).toEqual(['verified', 'verified']);
  });
});
