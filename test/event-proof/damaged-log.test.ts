import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventTreeHead } from '../../bridge/events/log-tree.ts';
import { type EventProofFixture, eventProofFixture } from './event-proof-fixture.ts';

let fixture: EventProofFixture;

beforeEach(async () => {
  fixture = await eventProofFixture();
});

afterEach(async () => {
  await fixture.remove();
});

async function takeOut(seq: number): Promise<void> {
  await fixture.database.transaction(async (tx) => {
    await tx.deleteFrom('events').where('seq', '=', seq).execute();
  });
}

async function alter(seq: number, link: { hash?: string; prev?: string }): Promise<void> {
  await fixture.database.transaction(async (tx) => {
    await tx.updateTable('events').set(link).where('seq', '=', seq).execute();
  });
}

/** The tree as it was, and nothing signed beyond it. */
async function expectRefused(size: number, detail: string): Promise<void> {
  await expect(fixture.checkpoints.checkpoint()).rejects.toMatchObject({
    code: 'state_refused',
    detail: expect.stringContaining(detail),
  });
  expect((await fixture.database.read(eventTreeHead)).size).toBe(size);
}

const OTHER_HASH = Buffer.alloc(32, 7).toString('base64url');

describe('no checkpoint is signed of a log', () => {
  it('that an event is missing of', async () => {
    await fixture.report(10);
    await takeOut(3);
    await expectRefused(0, 'event 3');
    await expect(fixture.proofs.checkpoint()).rejects.toMatchObject({ code: 'checkpoint_unknown' });
  });

  it('that the first event behind the last checkpoint is missing of', async () => {
    await fixture.reportSigned(5);
    await fixture.report(5);
    await takeOut(6);
    await expectRefused(5, 'event 6');
  });

  it('that the newest event is missing of', async () => {
    await fixture.report(5);
    await takeOut(5);
    await expectRefused(0, 'event 5');
  });

  it('whose events do not follow one another', async () => {
    await fixture.report(5);
    await alter(3, { hash: OTHER_HASH });
    await expectRefused(0, 'event 4');
  });

  it('that does not follow what the last checkpoint covers', async () => {
    await fixture.reportSigned(5);
    await fixture.report(5);
    await alter(6, { prev: OTHER_HASH });
    await expectRefused(5, 'event 6');
  });

  it('whose newest event is not the one that it ends with', async () => {
    await fixture.report(5);
    await alter(5, { hash: OTHER_HASH });
    await expectRefused(0, 'event 5');
  });
});
