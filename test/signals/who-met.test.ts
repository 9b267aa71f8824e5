import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSignalProjection, type SignalProjection } from '../../bridge/signals/signal-projection.ts';
import { contextOf, type Enrolled } from '../fakes/client-side.ts';
import {
  ADMINISTRATOR,
  type MeetingBridge,
  type TwoMeetingBridges,
  twoMeetingBridges,
} from '../meetings/meeting-bridges.ts';
import { enter, makeMeeting, rekey } from '../meetings/meeting-side.ts';

let bridges: TwoMeetingBridges;
/** Where the meeting is kept. */
let acme: MeetingBridge;
let globex: MeetingBridge;
/** Ada and Gwen meet; Bob and Hal do not come. */
let [ada, bob, gwen, hal]: Enrolled[] = [];

const GOING_ON = new AbortController().signal;

beforeAll(async () => {
  bridges = await twoMeetingBridges();
  ({ acme, globex } = bridges);
  [ada, bob] = [await acme.addEnrolled('ada'), await acme.addEnrolled('bob')];
  [gwen, hal] = [await globex.addEnrolled('gwen'), await globex.addEnrolled('hal')];
});
afterAll(() => bridges?.close());

function projectionOf({ iss, parts }: MeetingBridge): SignalProjection {
  const { database, clock, events } = parts;
  return createSignalProjection({ iss, database, clock, log: events });
}

/** Which partners would be sent something about which addresses. */
async function told({ parts }: MeetingBridge): Promise<Set<string>> {
  const rows = await parts.database.read((query) =>
    query.selectFrom('signal_outbox').select(['queue', 'claims']).execute(),
  );
  return new Set(rows.map(({ queue, claims }) => `${queue} ${JSON.parse(claims).sub_id.email}`));
}

describe('after a meeting of two companies', () => {
  it('each is told of who was there of the other, and of nobody else', async () => {
    if (ada === undefined || bob === undefined || gwen === undefined || hal === undefined) throw new Error();
    const projections = [projectionOf(acme), projectionOf(globex)];
    const catchUp = async () => {
      for (const { parts } of [acme, globex]) await parts.events.settled();
      for (const projection of projections) await projection.catchUp(GOING_ON);
    };
    await catchUp();
    const meeting = await makeMeeting(acme, ada, [gwen, bob, hal]);
    await rekey(acme, meeting, ada);
    await enter(acme, acme, meeting, ada);
    await enter(globex, acme, meeting, gwen);
    await catchUp();
    for (const [bridge, { who }] of [
      [acme, ada],
      [acme, bob],
      [globex, gwen],
      [globex, hal],
    ] as const) {
      await bridge.lifecycle.closePerson(who.sub, undefined, ADMINISTRATOR);
    }
    await catchUp();
    expect(await told(acme)).toEqual(new Set([`${globex.iss} ada@${acme.domain}`]));
    expect(await told(globex)).toEqual(new Set([`${acme.iss} gwen@${globex.domain}`]));
  });
});

describe('a partner that has left a meeting', () => {
  it('is not told of who joins after that', async () => {
    const [ida, ben, gus] = [
      await acme.addEnrolled('ida'),
      await acme.addEnrolled('ben'),
      await globex.addEnrolled('gus'),
    ];
    const projection = projectionOf(acme);
    const meeting = await makeMeeting(acme, ida, [gus, ben]);
    await rekey(acme, meeting, ida);
    await enter(acme, acme, meeting, ida);
    await enter(globex, acme, meeting, gus);
    await globex.meetings.leave(gus.who, { iss: acme.iss, group: meeting.group }, contextOf(gus.who));
    await acme.parts.events.settled();
    await projection.catchUp(GOING_ON);
    await enter(acme, acme, meeting, ben);
    for (const { who } of [ida, ben]) await acme.lifecycle.closePerson(who.sub, undefined, ADMINISTRATOR);
    await acme.parts.events.settled();
    await projection.catchUp(GOING_ON);
    const names = await told(acme);
    expect(names).toContain(`${globex.iss} ida@${acme.domain}`);
    expect(names).not.toContain(`${globex.iss} ben@${acme.domain}`);
  });
});

describe('a partner that met somebody', () => {
  it('is not told of another address that they enrol later', async () => {
    const eve = await acme.addEnrolled('eve');
    const guy = await globex.addEnrolled('guy');
    const projection = projectionOf(acme);
    const meeting = await makeMeeting(acme, eve, [guy]);
    await rekey(acme, meeting, eve);
    await enter(acme, acme, meeting, eve);
    await enter(globex, acme, meeting, guy);
    await acme.parts.events.settled();
    await projection.catchUp(GOING_ON);
    const version = {
      version: 1,
      sub: eve.who.sub,
      status: 'active',
      signed: '',
      hash: 'h',
      since: 0,
    } as const;
    const row = { address: `quiet@${acme.domain}`, ...version };
    await acme.parts.database.transaction((tx) => tx.insertInto('statements').values(row).execute());
    await acme.lifecycle.closePerson(eve.who.sub, undefined, ADMINISTRATOR);
    await acme.parts.events.settled();
    await projection.catchUp(GOING_ON);
    const names = await told(acme);
    expect(names).toContain(`${globex.iss} eve@${acme.domain}`);
    expect(names).not.toContain(`${globex.iss} quiet@${acme.domain}`);
  });
});
