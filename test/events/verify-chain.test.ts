import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventHash } from '../../bridge/events/event.ts';
import { verifyChain } from '../../bridge/events/verify-chain.ts';
import { ISS } from '../signer/signer-fixture.ts';
import { all, appendEach, type EventsFixture, eventsFixture } from './events-fixture.ts';

let fixture: EventsFixture;

beforeEach(async () => {
  fixture = await eventsFixture();
  await appendEach(fixture.database, fixture.log, ['p1', 'p2', 'p3', 'p4']);
  await fixture.log.settled();
});

afterEach(async () => {
  await fixture.remove();
});

/** Whoever can write the file. */
async function tamper(...statements: ReturnType<typeof sql>[]): Promise<void> {
  await fixture.database.transaction(async (tx) => {
    for (const statement of statements) await statement.execute(tx);
  });
}

describe('the chain of events', () => {
  it('verifies as it was written', async () => {
    const last = (await all(fixture.log)).at(-1);
    expect(await verifyChain(fixture.database, ISS)).toEqual({ size: 4, hash: last?.hash });
  });

  it('verifies while it is empty', async () => {
    const empty = await eventsFixture();
    expect((await verifyChain(empty.database, ISS)).size).toBe(0);
    await empty.remove();
  });

  it.each([
    [
      'a changed event',
      'event 2 was changed',
      [sql`update events set body = replace(body, 'p2', 'p9') where seq = 2`],
    ],
    ['an event taken out', 'event 2 is missing', [sql`delete from events where seq = 2`]],
    ['the end cut off', 'event 4 is missing', [sql`delete from events where seq = 4`]],
    [
      'an event taken out and the rest moved up',
      'event 2 does not follow',
      [
        sql`delete from events where seq = 2`,
        sql`update events set seq = 2 where seq = 3`,
        sql`update events set seq = 3 where seq = 4`,
      ],
    ],
    [
      'two events exchanged',
      'event 2 does not follow',
      [
        sql`update events set seq = 9 where seq = 2`,
        sql`update events set seq = 2 where seq = 3`,
        sql`update events set seq = 3 where seq = 9`,
      ],
    ],
    ['a changed link', 'event 3 does not follow', [sql`update events set prev = hash where seq = 3`]],
    [
      'the end cut off and the head moved back to a hash that is not the last one',
      'event 3 is not the one that the log ends with',
      [sql`delete from events where seq = 4`, sql`update log_heads set size = 3 where log = 'events'`],
    ],
  ])('shows %s', async (_name, says, statements) => {
    await tamper(...statements);
    await expect(verifyChain(fixture.database, ISS)).rejects.toMatchObject({
      code: 'state_refused',
      detail: expect.stringContaining(says),
    });
  });

  it('shows a changed event whose own hash was computed anew', async () => {
    const event = (await all(fixture.log))[1];
    if (event === undefined) throw new Error('there is no second event');
    const { hash: _old, ...changed } = { ...event, subject: { sub: 'p9' } };
    await tamper(
      sql`update events set body = replace(body, 'p2', 'p9'), hash = ${eventHash(changed)} where seq = 2`,
    );
    await expect(verifyChain(fixture.database, ISS)).rejects.toMatchObject({
      code: 'state_refused',
      detail: expect.stringContaining('event 3 does not follow'),
    });
  });

  it('of one bridge does not verify as that of another', async () => {
    await expect(verifyChain(fixture.database, 'https://bridge.globex.example')).rejects.toMatchObject({
      code: 'state_refused',
      detail: expect.stringContaining('event 1'),
    });
  });
});
