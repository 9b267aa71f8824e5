import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Enrolled } from '../fakes/client-side.ts';
import { SOON } from '../fakes/soon.ts';
import { type TwoMeetingBridges, twoMeetingBridges } from './meeting-bridges.ts';
import { enter, type Heard, listen, makeMeeting, rekey } from './meeting-side.ts';

let bridges: TwoMeetingBridges;
let ada: Enrolled;
let bob: Enrolled;
let gwen: Enrolled;
const open: Heard[] = [];

beforeAll(async () => {
  bridges = await twoMeetingBridges({ hold: 300, quiet: 100 });
  const { acme, globex } = bridges;
  [ada, bob, gwen] = [
    await acme.addEnrolled('ada'),
    await acme.addEnrolled('bob'),
    await globex.addEnrolled('gwen'),
  ];
});
afterEach(async () => {
  for (const heard of open.splice(0)) await heard.close();
});
afterAll(() => bridges?.close());

async function hear(...given: Parameters<typeof listen>): Promise<Heard> {
  const heard = await listen(...given);
  open.push(heard);
  return heard;
}

describe('who is not told of those who come to a meeting', () => {
  it.each(['home', 'partner'] as const)(
    'hears how far it is, and goes on from there, at its %s',
    async (where) => {
      const { acme, globex } = bridges;
      const [meetings, listener] = where === 'home' ? [acme.meetings, bob] : [globex.meetings, gwen];
      const meeting = await makeMeeting(acme, ada, [bob, gwen]);
      const at = { iss: acme.iss, group: meeting.group };
      await rekey(acme, meeting, ada);
      const before = await hear(meetings, listener, at, 0);
      const come = await enter(acme, acme, meeting, bob);
      await vi.waitFor(() => expect(before.place).toBeGreaterThanOrEqual(come), SOON);
      expect(before.kinds).not.toContain('presence');
      await before.close();
      const back = await hear(meetings, listener, at, before.place);
      const next = await rekey(acme, meeting, ada);
      await back.until((told) => told.seq === next.seq);
      expect(back.messages.filter(({ seq }) => seq <= before.place)).toEqual([]);
    },
  );
});
