import { describe, expect, it } from 'vitest';
import type { Role } from '../../bridge/meetings/attendance.ts';
import { createOpenStreams } from '../../bridge/meetings/open-streams.ts';
import type { Reading, RelayMessage, RelayPage } from '../../bridge/meetings/relay-message.ts';
import { createTell, type ToldMessage, type ToldPlace } from '../../bridge/meetings/told-messages.ts';
import { rekeyMessage } from './counting-source.ts';

const ACME = 'https://bridge.acme.example';
const ENDS = 1_000;

const presence = (seq: number): RelayMessage => ({
  ...{ ...rekeyMessage(seq), kind: 'presence', iss: ACME, deviceId: 'device-2' },
});
const left = (seq: number, deviceId: string): RelayMessage => ({
  ...{ ...rekeyMessage(seq), kind: 'left', iss: ACME, deviceId },
});
const page = (...messages: RelayMessage[]): RelayPage => ({ messages, through: messages.at(-1)?.seq ?? 0 });
const quiet = (through: number): RelayPage => ({ messages: [], through });

/** What a device is told of these pages, its own being `device-1`; `time` is what the clock says, in seconds. */
async function tell(pages: readonly RelayPage[], given: { role?: Role; head?: number; time?: number } = {}) {
  const { role = 'member', head = 0, time = 0 } = given;
  const streams = createOpenStreams();
  const told: (ToldMessage | ToldPlace)[] = [];
  const followed: Reading[] = [];
  const begin = createTell({
    ...{ iss: ACME, streams, clock: { now: () => time * 1000 }, recheck: () => undefined },
    tokenEnd: async () => ENDS,
  });
  const feed = {
    async *follow(_since: number, _signal: AbortSignal, reading: Reading) {
      followed.push(reading);
      yield* pages;
    },
  };
  const who = { sub: 's', deviceId: 'device-1', accessTokenHash: 'hash' };
  const listener = { home: ACME, group: 'meeting', role, who };
  const open = { listener, feed, since: 0, head } as unknown as Parameters<typeof begin>[0];
  for await (const each of begin(open, new AbortController().signal)) told.push(each);
  expect(streams.all()).toEqual([]);
  return { told: told.map(({ seq, kind }) => [seq, kind]), followed };
}

describe('who listens to a meeting', () => {
  it('is told what is for them, and how far what is not goes', async () => {
    const pages = [
      page(presence(1), presence(2)),
      page(presence(3), rekeyMessage(4), presence(5)),
      quiet(5),
      quiet(5),
    ];
    expect((await tell(pages)).told).toEqual([
      [2, 'place'],
      [4, 'rekey'],
      [5, 'place'],
    ]);
  });

  it('is told of others who come and leave as an admin alone', async () => {
    const pages = [page(presence(1), left(2, 'device-2')), quiet(2)];
    const { told, followed } = await tell(pages, { role: 'admin' });
    expect(told).toEqual([
      [1, 'presence'],
      [2, 'left'],
    ]);
    expect(followed).toEqual([{ iss: ACME, deviceId: 'device-1', admin: true }]);
    expect((await tell(pages)).told).toEqual([[2, 'place']]);
  });

  it('hears nothing more once their own device had to leave, not how far it is either', async () => {
    expect((await tell([page(left(1, 'device-1'), rekeyMessage(2)), quiet(3)])).told).toEqual([]);
    expect((await tell([page(left(1, 'device-1'), rekeyMessage(2))], { head: 1 })).told).toEqual([
      [2, 'rekey'],
    ]);
  });

  it('hears nothing more once their access token has ended, not how far it is either', async () => {
    expect((await tell([quiet(5), page(rekeyMessage(6))], { time: ENDS })).told).toEqual([]);
    expect((await tell([quiet(5), page(rekeyMessage(6))], { time: ENDS - 1 })).told).toEqual([
      [5, 'place'],
      [6, 'rekey'],
    ]);
  });
});
