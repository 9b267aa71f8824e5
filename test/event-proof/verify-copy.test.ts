import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cloudEventOf } from '../../bridge/cli/event-copy.ts';
import { formatProofLine } from '../../protocol/events/copied-line.ts';
import { ISS } from '../signer/signer-fixture.ts';
import { type CopyFixture, copyFixture, FOUND, hashesOf, relinked } from './copy-fixture.ts';

let copies: CopyFixture;

beforeAll(async () => {
  copies = await copyFixture();
});

afterAll(async () => {
  await copies.fixture.remove();
});

describe('a copy of all events', () => {
  it('is proven up to the newest checkpoint that stands in it', async () => {
    expect(await copies.verify(copies.events)).toEqual({
      ...FOUND,
      ...{ outcome: 'partly', range: { from: 1, to: 14 }, proven: 11, redacted: 0, covered: 11 },
      unproven: [{ from: 12, to: 14 }],
    });
  });

  it('is proven whole by a checkpoint that is known from elsewhere', async () => {
    await copies.fixture.checkpoints.checkpoint();
    const checkpoints = [await copies.fixture.proofs.checkpoint()];
    expect(await copies.verify(copies.events, { checkpoints })).toMatchObject({
      outcome: 'proven',
      proven: 14,
    });
  });

  it('is proven in whatever order and however often its events arrived', async () => {
    const delivered = [...copies.events].reverse().concat(copies.events.slice(0, 4));
    expect(await copies.verify(delivered)).toMatchObject({ ...FOUND, proven: 11 });
  });

  it('is proven when a replay brought an event once more', async () => {
    const replayed = { ...copies.events[2], replay: '01890a5d-ac96-774b-bcce-b302099a8057' };
    expect(await copies.verify([...copies.events, replayed])).toMatchObject({ ...FOUND, proven: 11 });
  });

  it('is proven as CloudEvents too', async () => {
    const wrapped = copies.events.map((event) => cloudEventOf(event, ISS));
    expect(await copies.verify(wrapped)).toMatchObject({ ...FOUND, proven: 11 });
  });

  it('proves nothing under the keys of another log', async () => {
    expect(
      await copies.verify(copies.events, { trust: { origin: 'bridge.globex.example/events' } }),
    ).toMatchObject({
      ...{ outcome: 'unproven', proven: 0, covered: 0 },
      unproven: [{ from: 1, to: 14 }],
    });
    expect(await copies.verify(copies.events, { trust: { logKeys: [] } })).toMatchObject({
      outcome: 'unproven',
    });
  });

  it.each([
    ['an altered event', () => copies.altered(3), { altered: [{ from: 3, to: 3 }], proven: 10 }],
    [
      'an event altered and given a hash of its own',
      () => {
        const copied = relinked(copies.altered(3), 3);
        return copies.events.map((event) => (event.seq === 3 ? (copied[2] ?? event) : event));
      },
      { altered: [{ from: 3, to: 3 }] },
    ],
    [
      'an event that was left out',
      () => copies.events.filter(({ seq }) => seq !== 8),
      { missing: [{ from: 8, to: 8 }], proven: 10 },
    ],
    [
      'several events that were left out',
      () => copies.events.filter(({ seq }) => seq < 2 || seq > 4),
      { missing: [{ from: 2, to: 4 }] },
    ],
    [
      'an event that was added beside another',
      () => [...copies.events, ...copies.altered(9).filter(({ seq }) => seq === 9)],
      { added: [{ from: 9, to: 9 }], proven: 11 },
    ],
    [
      'an event that was altered with all behind it linked anew',
      () => relinked(copies.altered(8), 8),
      { contradicted: [{ from: 6, to: 11 }], proven: 5 },
    ],
    [
      'events exchanged',
      () =>
        copies.events.map((event) => {
          if (event.seq === 3) return { ...event, seq: 4 };
          return event.seq === 4 ? { ...event, seq: 3 } : event;
        }),
      { altered: [{ from: 2, to: 4 }] },
    ],
    ['a line that is no event', () => [...copies.events, '{"seq":15,'], { unreadable: [15] }],
  ])('shows %s', async (_name, copied, found) => {
    expect(await copies.verify(copied())).toMatchObject({ outcome: 'refuted', ...found });
  });

  it('shows an event behind the last checkpoint that contradicts its own hash', async () => {
    expect(await copies.verify(copies.altered(13))).toMatchObject({
      outcome: 'refuted',
      altered: [{ from: 13, to: 13 }],
    });
  });

  it('does not begin anew at subtrees that are not those of the signed root', async () => {
    const forged = copies.events.map((event) =>
      event.seq === 6 ? { ...event, data: { ...event.data, subtrees: [event.hash, event.prev] } } : event,
    );
    expect(await copies.verify(forged)).toMatchObject({
      ...{ ...FOUND, outcome: 'refuted', proven: 10, altered: [{ from: 6, to: 6 }] },
    });
  });

  it('shows exactly which event was altered before a part that is as it was', async () => {
    const forged = [...relinked(copies.altered(5), 5).slice(0, 5), ...copies.events.slice(5)];
    expect(await copies.verify(forged)).toMatchObject({ outcome: 'refuted', altered: [{ from: 5, to: 5 }] });
  });
});

describe('a part of the events', () => {
  it('is proven between the checkpoints that stand in it, and as far back as it is linked', async () => {
    expect(await copies.verify(copies.events.slice(2, 12))).toMatchObject({
      ...{ ...FOUND, proven: 9, range: { from: 3, to: 12 } },
      unproven: [{ from: 12, to: 12 }],
    });
  });

  it('is proven by the proof that an export carries', async () => {
    expect(
      await copies.verify(copies.exported(copies.part()), { expected: { from: 3, to: 10 } }),
    ).toMatchObject({
      ...FOUND,
      outcome: 'proven',
      proven: 8,
      unproven: [],
    });
  });

  it('shows exactly what was altered in an export, although all behind it was linked anew', async () => {
    const forged = copies.part(relinked(copies.altered(8), 8));
    expect(await copies.verify(copies.exported(forged))).toMatchObject({
      ...{ outcome: 'refuted', altered: [{ from: 8, to: 10 }], proven: 5 },
    });
  });

  it('shows that an export was altered together with the hashes that it lists', async () => {
    const forged = copies.part(relinked(copies.altered(8), 8));
    const lines = [formatProofLine(copies.proof), ...forged, hashesOf(forged)];
    expect(await copies.verify(lines)).toMatchObject({
      ...{ outcome: 'refuted', contradicted: [{ from: 3, to: 10 }], proven: 0 },
    });
  });

  it('shows what was left out of an export', async () => {
    const forged = copies.part().filter(({ seq }) => seq < 6 || seq > 8);
    expect(await copies.verify(copies.exported(forged))).toMatchObject({
      ...{ outcome: 'refuted', missing: [{ from: 6, to: 8 }], proven: 5 },
    });
  });

  it('of a sink that takes only some events is proven event by event where their hashes are known', async () => {
    const filtered = copies.part().filter(({ seq }) => seq % 2 === 1);
    expect(await copies.verify(copies.exported(filtered), { filtered: true })).toMatchObject({
      ...{ outcome: 'partly', proven: 4, altered: [] },
      missing: [
        { from: 4, to: 4 },
        { from: 6, to: 6 },
        { from: 8, to: 8 },
        { from: 10, to: 10 },
      ],
    });
  });
});
