import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEventCheckpoints } from '../../bridge/events/log-checkpoints.ts';
import { eventTreeHead } from '../../bridge/events/log-tree.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { eventLogOrigin, openCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { eventLogVerifierKeys } from '../../protocol/tlog/log-keys.ts';
import { rootOf } from '../../protocol/tlog/merkle-proof.ts';
import { quiet } from '../events/events-fixture.ts';
import { SOON } from '../fakes/soon.ts';
import { ISS } from '../signer/signer-fixture.ts';
import { naiveRoot } from '../tlog/tree-fixture.ts';
import { type EventProofFixture, eventProofFixture } from './event-proof-fixture.ts';

let fixture: EventProofFixture;

beforeEach(async () => {
  fixture = await eventProofFixture();
});

afterEach(async () => {
  await fixture.remove();
});

async function reportTogether(count: number): Promise<void> {
  await fixture.database.transaction(async (tx) => {
    for (let index = 0; index < count; index++) {
      await fixture.log.append(tx, {
        ...{ type: 'person.created', actor: { kind: 'system' }, outcome: 'success', data: {} },
      });
    }
  });
  await fixture.log.settled();
}

async function opened() {
  const logKeys = eventLogVerifierKeys(fixture.signer.onlineKeys());
  const note = await fixture.proofs.checkpoint();
  return (await openCheckpoint(note, { origin: eventLogOrigin(ISS), logKeys })).checkpoint;
}

describe('a checkpoint of the event log', () => {
  it('covers every event there is, under the key of the events', async () => {
    await fixture.report(5);
    expect(await fixture.checkpoints.checkpoint()).toBe(true);
    const hashes = (await fixture.events()).slice(0, 5).map(({ hash }) => decodeBase64url(hash, 32));
    expect(await opened()).toEqual({ origin: eventLogOrigin(ISS), size: 5, root: naiveRoot(hashes) });
  });

  it('is told to the sinks by an event that carries the note and the subtrees of its root', async () => {
    await fixture.reportSigned(5);
    const event = (await fixture.events()).at(-1);
    expect(event).toMatchObject({ seq: 6, type: 'log.checkpointed', data: { size: 5 } });
    expect(event?.data.checkpoint).toBe(await fixture.proofs.checkpoint());
    const subtrees = event?.data.subtrees as string[];
    expect(rootOf(subtrees.map((hash) => decodeBase64url(hash, 32)))).toEqual((await opened()).root);
  });

  it('brings about no other where nothing else was reported', async () => {
    await fixture.reportSigned(5);
    expect(await fixture.checkpoints.checkpoint()).toBe(false);
    expect((await opened()).size).toBe(5);
    await fixture.report(1);
    expect(await fixture.checkpoints.checkpoint()).toBe(true);
    expect((await opened()).size).toBe(7);
  });

  it('is not signed where there is no event', async () => {
    expect(await fixture.checkpoints.checkpoint()).toBe(false);
    await expect(fixture.proofs.checkpoint()).rejects.toMatchObject({ code: 'checkpoint_unknown' });
  });

  it('is not signed by two replicas twice', async () => {
    await fixture.report(5);
    const { database, log, signer, clock } = fixture;
    const other = createEventCheckpoints({ database, events: log, signer, clock, logger: quiet });
    const did = await Promise.all([fixture.checkpoints.checkpoint(), other.checkpoint()]);
    expect(did.filter(Boolean)).toHaveLength(1);
    await log.settled();
    const told = (await fixture.events()).filter(({ type }) => type === 'log.checkpointed');
    expect(told).toHaveLength(1);
  });

  it('is not signed while it is in doubt whether the store is the newest', async () => {
    const { database, log, signer, clock } = fixture;
    const doubtful = createEventCheckpoints({
      ...{ database, events: log, signer, clock, logger: quiet },
      assertTrusted: () => Promise.reject(new CountersignError('unavailable')),
    });
    await fixture.report(5);
    await expect(doubtful.checkpoint()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(fixture.proofs.checkpoint()).rejects.toMatchObject({ code: 'checkpoint_unknown' });
  });

  it('takes up a log that was there before it, some events at a time', async () => {
    await reportTogether(2_200);
    await fixture.checkpoints.checkpoint();
    expect(await fixture.database.read(eventTreeHead)).toMatchObject({ size: 2_200 });
    expect((await opened()).size).toBe(2_200);
  });

  it('comes after every 10,000 events of a backlog too', async () => {
    await reportTogether(10_500);
    expect(await fixture.checkpoints.checkpoint()).toBe(true);
    await fixture.log.settled();
    const told = await fixture.events(10_500);
    expect(told.map(({ type, data }) => [type, data.size])).toEqual([
      ['log.checkpointed', 10_000],
      ['log.checkpointed', 10_500],
    ]);
    expect(told[0]?.data.checkpoint).not.toBe(told[1]?.data.checkpoint);
  });

  it('does not take in at once all that it covers: the tree follows by 2,000 under load', async () => {
    const treeSize = async () => (await fixture.database.read(eventTreeHead)).size;
    await reportTogether(2_100);
    fixture.checkpoints.start();
    await vi.waitFor(async () => expect(await treeSize()).toBe(2_000), SOON);
    await reportTogether(2_000);
    await vi.waitFor(async () => expect(await treeSize()).toBe(4_000), SOON);
    await fixture.checkpoints.stop();
    await expect(fixture.proofs.checkpoint()).rejects.toMatchObject({ code: 'checkpoint_unknown' });
    expect(await fixture.checkpoints.checkpoint()).toBe(true);
    expect((await opened()).size).toBe(4_100);
  });

  it('of the start of a bridge comes no sooner than a minute later', async () => {
    await fixture.report(5);
    fixture.checkpoints.start();
    await fixture.checkpoints.stop();
    await expect(fixture.proofs.checkpoint()).rejects.toMatchObject({ code: 'checkpoint_unknown' });
  });
});
