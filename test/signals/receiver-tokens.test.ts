import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { insertReceiver } from '../../bridge/signals/receiver-store.ts';
import { createReceiverTokens, newToken, type ReceiverTokens } from '../../bridge/signals/receiver-tokens.ts';
import { all, type EventsFixture, eventsFixture } from '../events/events-fixture.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const ID = 'rcv_1';
const BY = { actor: { kind: 'administrator', id: 'admin-1' }, requestId: 'r-1' } as const;

let fixture: EventsFixture;
let tokens: ReceiverTokens;
let first: string;

beforeEach(async () => {
  fixture = await eventsFixture();
  const { database, log: events, clock } = fixture;
  tokens = createReceiverTokens({ database, events, clock });
  const { token, ...stored } = newToken(now(), 30);
  first = token;
  const about = { name: 'SaaS', audience: 'saas', subject_format: 'email', domains: null } as const;
  const receiver = { id: ID, ...about, endpoint_host: null, created: now() };
  await database.transaction((tx) => insertReceiver(tx, receiver, stored));
});
afterEach(() => fixture.remove());

const now = () => Math.floor(fixture.clock.now() / 1_000);
const shown = (token: string) => tokens.authenticate(`Bearer ${token}`);
const another = async (overlap_hours?: number, token_valid_days?: number) => {
  const given = {
    ...(overlap_hours === undefined ? {} : { overlap_hours }),
    ...(token_valid_days === undefined ? {} : { token_valid_days }),
  };
  return (await tokens.replace(ID, given, BY)).token;
};
const refused = { code: 'unauthenticated' };

async function told(): Promise<unknown[]> {
  await fixture.log.settled();
  return (await all(fixture.log)).map(({ type, data }) => [type, data]);
}

describe('the token of a receiver', () => {
  it('is a receiver’s until it ends, and nobody’s from then on', async () => {
    fixture.clock.advance(30 * DAY_MS - 1_000);
    expect(await shown(first)).toMatchObject({ id: ID });
    fixture.clock.advance(1_000);
    await expect(shown(first)).rejects.toMatchObject(refused);
  });

  it('is void at once where another is made without an overlap', async () => {
    const second = await another();
    await expect(shown(first)).rejects.toMatchObject(refused);
    expect(await shown(second)).toMatchObject({ id: ID });
  });

  it('is valid beside the next one for the overlap, and not longer', async () => {
    const second = await another(48);
    fixture.clock.advance(48 * HOUR_MS - 1_000);
    expect(await shown(first)).toMatchObject({ id: ID });
    expect(await shown(second)).toMatchObject({ id: ID });
    fixture.clock.advance(1_000);
    await expect(shown(first)).rejects.toMatchObject(refused);
    expect(await shown(second)).toMatchObject({ id: ID });
  });

  it('is not made to last longer by an overlap', async () => {
    fixture.clock.advance(30 * DAY_MS - HOUR_MS);
    await another(48);
    fixture.clock.advance(HOUR_MS);
    await expect(shown(first)).rejects.toMatchObject(refused);
  });

  it('does not come back by an overlap once it has ended', async () => {
    fixture.clock.advance(30 * DAY_MS);
    await another(48);
    await expect(shown(first)).rejects.toMatchObject(refused);
  });

  it('ends with the next exchange but one, whatever its overlap', async () => {
    const second = await another(48);
    const third = await another(48);
    await expect(shown(first)).rejects.toMatchObject(refused);
    expect(await shown(second)).toMatchObject({ id: ID });
    expect(await shown(third)).toMatchObject({ id: ID });
  });

  it('is a year’s at the most usual, and never without an end', async () => {
    const { token_expires } = await tokens.replace(ID, {}, BY);
    expect(token_expires).toBe(now() + 365 * 86_400);
    await expect(tokens.replace(ID, { token_valid_days: 731 }, BY)).rejects.toThrow();
    await expect(tokens.replace(ID, { token_valid_days: 0 }, BY)).rejects.toThrow();
    await expect(tokens.replace(ID, { overlap_hours: 721 }, BY)).rejects.toThrow();
  });

  it('is exchanged for nobody who is not registered', async () => {
    await expect(tokens.replace('rcv_2', {}, BY)).rejects.toMatchObject({ code: 'receiver_unknown' });
  });

  it('says in its event when it ends, and when the one before does', async () => {
    await another(48, 10);
    await another(0, 10);
    const about = { receiver: ID, name: 'SaaS', expires: now() + 10 * 86_400 };
    expect(await told()).toEqual([
      ['signal.receiver_token_replaced', { ...about, former_expires: now() + 48 * 3_600 }],
      ['signal.receiver_token_replaced', about],
    ]);
  });
});

describe('the end of a token', () => {
  const about = () => ({ receiver: ID, name: 'SaaS', expires: now() });

  it('is told of two weeks before, and when it has come, once each, by one of several processes', async () => {
    const { database, log: events } = await fixture.openAnother();
    const second = createReceiverTokens({ database, events, clock: fixture.clock });
    const look = () => Promise.all([tokens.warn(), second.warn(), tokens.warn()]);
    fixture.clock.advance(16 * DAY_MS - 1_000);
    await look();
    expect(await told()).toEqual([]);
    fixture.clock.advance(1_000);
    await look();
    expect(await told()).toEqual([
      ['signal.receiver_token_expiring', { ...about(), expires: now() + 14 * 86_400 }],
    ]);
    fixture.clock.advance(14 * DAY_MS);
    await look();
    await look();
    expect((await told()).slice(1)).toEqual([['signal.receiver_token_expired', about()]]);
  });

  it('is told of the next token too, and not of one that was exchanged in time', async () => {
    fixture.clock.advance(20 * DAY_MS);
    await another(0, 20);
    await tokens.warn();
    expect(await told()).toHaveLength(1);
    fixture.clock.advance(10 * DAY_MS);
    await tokens.warn();
    expect((await told()).map((event) => (event as string[])[0])).toEqual([
      'signal.receiver_token_replaced',
      'signal.receiver_token_expiring',
    ]);
  });
});
