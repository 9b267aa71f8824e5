import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hear } from './heard.ts';
import { type MeetingAtWork, meetingOf } from './meeting-fixture.ts';

let at: MeetingAtWork;
beforeEach(async () => {
  at = await meetingOf(['hana', 'ben']);
});
afterEach(() => at.close());

/** As after a week in which this person looked nobody up. */
async function expireRecords(name: string): Promise<void> {
  const { client, context, address } = at.person(name);
  await client.lookUp([address]);
  await context.pins.update(async (pins) => {
    const issuers = Object.entries(pins.issuers).map(([iss, pin]) => [iss, { ...pin, expires: 0 }] as const);
    expect(issuers).not.toHaveLength(0);
    return { pins: { ...pins, issuers: Object.fromEntries(issuers) }, result: undefined };
  });
}

describe('the record of a company that was last looked up a week ago', () => {
  it('keeps none of its people from a place: the host looks them up', async () => {
    await at.host('hana');
    await expireRecords('hana');
    const ben = hear(await at.join('ben'));
    await ben.next('placed');
  });

  it('refuses none of them in a roster', async () => {
    await at.host('hana');
    const ben = await at.join('ben');
    await hear(ben).next('placed');
    await expireRecords('ben');
    const states: unknown[] = [];
    for await (const { state, code } of ben.roster()) states.push({ state, code });
    expect(states).toEqual([
      { state: 'verified', code: null },
      { state: 'verified', code: null },
    ]);
  });
});
