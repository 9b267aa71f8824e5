import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatProofLine } from '../../protocol/events/copied-line.ts';
import { type CopyFixture, copyFixture, FOUND, relinked } from './copy-fixture.ts';

let copies: CopyFixture;

beforeAll(async () => {
  copies = await copyFixture();
});

afterAll(async () => {
  await copies.fixture.remove();
});

describe('a log that was signed twice', () => {
  const unsigned = { proven: 0, forked: [8], contradicted: [{ from: 1, to: 8 }] };

  it('is refuted by the checkpoint that an auditor kept, although the proof of its export is signed', async () => {
    const fork = await copies.exported8(relinked(copies.altered(3), 3));
    const checkpoints = [await copies.signed8(copies.events)];
    expect(await copies.verify(fork, { checkpoints })).toMatchObject({ outcome: 'refuted', ...unsigned });
  });

  it('is refuted by the kept checkpoint, although an event of the fork brings another of its size', async () => {
    const forked = relinked(copies.altered(3), 3);
    const note = await copies.signed8(forked);
    const reworded = forked.map((event) =>
      event.seq === 12 ? { ...event, data: { ...event.data, checkpoint: note } } : event,
    );
    const checkpoints = [await copies.signed8(copies.events)];
    const report = await copies.verify(relinked(reworded, 12), { checkpoints });
    expect(report).toMatchObject({ outcome: 'refuted', forked: [8], proven: 0 });
  });

  it('is refuted where the fork grew past the kept checkpoint before it was signed', async () => {
    const checkpoints = [await copies.signed8(relinked(copies.altered(3), 3))];
    expect(await copies.verify(copies.events, { checkpoints })).toMatchObject({
      outcome: 'refuted',
      forked: [],
    });
  });

  it('is refuted by a signed checkpoint on the way, of whose events nothing is at hand', async () => {
    const checkpoint = await copies.signed8(relinked(copies.altered(3), 3));
    const other = { ...copies.proof, from: 1, to: 1, before: [], after: [], checkpoint };
    const report = await copies.verify([formatProofLine(other), ...copies.events.slice(5)]);
    expect(report).toMatchObject({ outcome: 'refuted', contradicted: [{ from: 6, to: 11 }] });
  });

  it('is not proven where no event connects it with the kept checkpoint', async () => {
    const checkpoints = [(await copies.signed8(copies.events)).replace('\n8\n', '\n9\n')];
    expect(await copies.verify(copies.exported(copies.part()), { checkpoints })).toMatchObject({
      outcome: 'unproven',
    });
  });

  it('is proven as far as it agrees with the kept checkpoint', async () => {
    const checkpoints = [await copies.signed8(copies.events)];
    expect(await copies.verify(copies.events, { checkpoints })).toMatchObject({ ...FOUND, proven: 11 });
    expect(await copies.verify(copies.exported(copies.part()), { checkpoints })).toMatchObject({
      ...FOUND,
      proven: 8,
    });
  });
});
