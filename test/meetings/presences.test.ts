import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '../../bridge/lib/logger.ts';
import { createMeetingChanges } from '../../bridge/meetings/meeting-changes.ts';
import { findMeeting } from '../../bridge/meetings/meeting-store.ts';
import { challengeFor } from '../../bridge/meetings/presence-evidence.ts';
import { createPresences, type Presences } from '../../bridge/meetings/presences.ts';
import { createMeetingWakes } from '../../bridge/meetings/wakes.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { expectCode } from '../binding/expect-code.ts';
import { contextOf, type Enrolled } from '../fakes/client-side.ts';
import { type MeetingBridge, type TwoMeetingBridges, twoMeetingBridges } from './meeting-bridges.ts';
import { makeMeeting, presence, rekey } from './meeting-side.ts';

let bridges: TwoMeetingBridges;
let acme: MeetingBridge;
let ada: Enrolled;
let bob: Enrolled;
let presences: Presences;

beforeAll(async () => {
  bridges = await twoMeetingBridges();
  ({ acme } = bridges);
  ada = await acme.addEnrolled('ada');
  bob = await acme.addEnrolled('bob');
  const { parts, iss } = acme;
  const cache = new MemoryCache({ clock: parts.clock });
  const logger = createLogger({ level: 'silent' });
  const changes = createMeetingChanges({ ...parts, wakes: createMeetingWakes({ cache, logger }) });
  presences = createPresences({ ...parts, iss, changes, cache, noteTold: async () => undefined });
});
afterAll(() => bridges?.close());

it('refuse a proof that was verified before another host took over', async () => {
  const { database } = acme.parts;
  const meeting = await makeMeeting(acme, ada, [bob], [ada, bob]);
  await rekey(acme, meeting, ada);
  const { iss, group, ...evidence } = await presence(acme, meeting, bob);
  const challenge = await database.read((query) => challengeFor(query, group, meeting.epoch));
  const device = { iss, sub: bob.who.sub, deviceId: bob.who.deviceId, via: [] };
  const entering = { group, device, evidence, challenge, permit: () => undefined };
  const before = await presences.enter(entering, contextOf(bob.who));
  meeting.term += 1;
  await rekey(acme, meeting, bob);
  const next = (await database.read((query) => findMeeting(query, group)))?.seq ?? 0;
  expect(next).toBeGreaterThan(before);
  await expectCode(presences.enter(entering, contextOf(bob.who)), 'presence_mismatch');
  expect((await database.read((query) => findMeeting(query, group)))?.seq).toBe(next);
});
