import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cloudEventOf } from '../../bridge/cli/event-copy.ts';
import { eventHash, type StoredEvent } from '../../bridge/events/event.ts';
import { logNoteSigner } from '../../bridge/tlog/note-signer.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { formatHashesLine, formatProofLine } from '../../protocol/events/copied-line.ts';
import { EventCopy } from '../../protocol/events/event-copy.ts';
import type { EventProof } from '../../protocol/events/event-proof.ts';
import {
  type CopyReport,
  type CopyTrust,
  type VerifyOptions,
  verifyEventCopy,
} from '../../protocol/events/verify-copy.ts';
import { checkpointNote, eventLogOrigin, signCheckpoint } from '../../protocol/tlog/checkpoint.ts';
import { CompactRange } from '../../protocol/tlog/compact-range.ts';
import { eventLogVerifierKeys } from '../../protocol/tlog/log-keys.ts';
import { hashLeaf } from '../../protocol/tlog/merkle.ts';
import { ISS } from '../signer/signer-fixture.ts';
import { type EventProofFixture, eventProofFixture } from './event-proof-fixture.ts';

let fixture: EventProofFixture;
/** 1 to 5, the checkpoint of 5, 7 to 11, the checkpoint of 11, 13 and 14. */
let events: StoredEvent[];
let proof: EventProof;
let trust: CopyTrust;

beforeAll(async () => {
  fixture = await eventProofFixture();
  await fixture.reportSigned(5);
  await fixture.reportSigned(5);
  await fixture.report(2);
  events = await fixture.events();
  proof = await fixture.proofs.prove({ from: 3, to: 10 });
  trust = { origin: eventLogOrigin(ISS), logKeys: eventLogVerifierKeys(fixture.signer.onlineKeys()) };
});

afterAll(async () => {
  await fixture.remove();
});

const FOUND = { altered: [], missing: [], added: [], contradicted: [], unreadable: [], forked: [] };

async function verify(
  copied: readonly (object | string)[],
  options: VerifyOptions & { trust?: Partial<CopyTrust> } = {},
): Promise<CopyReport> {
  const copy = new EventCopy(undefined, cloudEventOf);
  for (const line of copied) copy.add(typeof line === 'string' ? line : JSON.stringify(line));
  return verifyEventCopy(copy, { ...trust, ...options.trust }, options);
}

/** Events of the copy from this one on, linked anew: who alters one and hides it. */
function relinked(changed: readonly StoredEvent[], from: number): StoredEvent[] {
  let prev = changed.find(({ seq }) => seq === from - 1)?.hash ?? '';
  return changed.map((event) => {
    if (event.seq < from) return event;
    const { hash: _old, ...rest } = { ...event, prev };
    prev = eventHash(rest);
    return { ...rest, hash: prev };
  });
}

function altered(seq: number): StoredEvent[] {
  return events.map((event) => (event.seq === seq ? { ...event, subject: { sub: 'somebody else' } } : event));
}

/** What an export of 3 to 10 has. */
function exported(copied: readonly object[]): (object | string)[] {
  const part = events.filter(({ seq }) => seq >= 3 && seq <= 10);
  const hashes = part.map(({ hash }) => hash);
  return [formatProofLine(proof), ...copied, formatHashesLine(3, hashes)];
}

/** What the keeper of the key signs for a log of 8 events that begins with these. */
async function signed8(of: readonly StoredEvent[]): Promise<string> {
  const origin = eventLogOrigin(ISS);
  const range = new CompactRange();
  for (const { hash } of of.slice(0, 8)) range.appendLeaf(hashLeaf(decodeBase64url(hash)));
  const checkpoint = { origin, size: 8, root: range.root() };
  const signer = logNoteSigner(fixture.signer, origin, 'events');
  return checkpointNote(checkpoint, [await signCheckpoint(signer, checkpoint)]);
}

/** An export of a log of 8 events, its proof signed. */
async function exported8(of: readonly StoredEvent[]): Promise<(object | string)[]> {
  const whole = { ...proof, from: 1, to: 8, before: [], after: [], checkpoint: await signed8(of) };
  const first8 = of.slice(0, 8);
  const hashes = first8.map(({ hash }) => hash);
  return [formatProofLine(whole), ...first8, formatHashesLine(1, hashes)];
}

function part(of: readonly StoredEvent[] = events): StoredEvent[] {
  return of.filter(({ seq }) => seq >= 3 && seq <= 10);
}

describe('a copy of all events', () => {
  it('is proven up to the newest checkpoint that stands in it', async () => {
    expect(await verify(events)).toEqual({
      ...FOUND,
      ...{ outcome: 'partly', range: { from: 1, to: 14 }, proven: 11, redacted: 0, covered: 11 },
      unproven: [{ from: 12, to: 14 }],
    });
  });

  it('is proven whole by a checkpoint that is known from elsewhere', async () => {
    await fixture.checkpoints.checkpoint();
    const checkpoints = [await fixture.proofs.checkpoint()];
    expect(await verify(events, { trust: { checkpoints } })).toMatchObject({ outcome: 'proven', proven: 14 });
  });

  it('is proven in whatever order and however often its events arrived', async () => {
    const delivered = [...events].reverse().concat(events.slice(0, 4));
    expect(await verify(delivered)).toMatchObject({ ...FOUND, proven: 11 });
  });

  it('is proven when a replay brought an event once more', async () => {
    const replayed = { ...events[2], replay: '01890a5d-ac96-774b-bcce-b302099a8057' };
    expect(await verify([...events, replayed])).toMatchObject({ ...FOUND, proven: 11 });
  });

  it('is proven as CloudEvents too', async () => {
    const wrapped = events.map((event) => cloudEventOf(event, ISS));
    expect(await verify(wrapped)).toMatchObject({ ...FOUND, proven: 11 });
  });

  it('proves nothing under the keys of another log', async () => {
    expect(await verify(events, { trust: { origin: 'bridge.globex.example/events' } })).toMatchObject({
      ...{ outcome: 'unproven', proven: 0, covered: 0 },
      unproven: [{ from: 1, to: 14 }],
    });
    expect(await verify(events, { trust: { logKeys: [] } })).toMatchObject({ outcome: 'unproven' });
  });

  it.each([
    ['an altered event', () => altered(3), { altered: [{ from: 3, to: 3 }], proven: 10 }],
    [
      'an event altered and given a hash of its own',
      () => {
        const copied = relinked(altered(3), 3);
        return events.map((event) => (event.seq === 3 ? (copied[2] ?? event) : event));
      },
      { altered: [{ from: 3, to: 3 }] },
    ],
    [
      'an event that was left out',
      () => events.filter(({ seq }) => seq !== 8),
      { missing: [{ from: 8, to: 8 }], proven: 10 },
    ],
    [
      'several events that were left out',
      () => events.filter(({ seq }) => seq < 2 || seq > 4),
      { missing: [{ from: 2, to: 4 }] },
    ],
    [
      'an event that was added beside another',
      () => [...events, ...altered(9).filter(({ seq }) => seq === 9)],
      { added: [{ from: 9, to: 9 }], proven: 11 },
    ],
    [
      'an event that was altered with all behind it linked anew',
      () => relinked(altered(8), 8),
      { contradicted: [{ from: 6, to: 11 }], proven: 5 },
    ],
    [
      'events exchanged',
      () =>
        events.map((event) => {
          if (event.seq === 3) return { ...event, seq: 4 };
          return event.seq === 4 ? { ...event, seq: 3 } : event;
        }),
      { altered: [{ from: 2, to: 4 }] },
    ],
    ['a line that is no event', () => [...events, '{"seq":15,'], { unreadable: [15] }],
  ])('shows %s', async (_name, copied, found) => {
    expect(await verify(copied())).toMatchObject({ outcome: 'refuted', ...found });
  });

  it('shows an event behind the last checkpoint that contradicts its own hash', async () => {
    expect(await verify(altered(13))).toMatchObject({
      outcome: 'refuted',
      altered: [{ from: 13, to: 13 }],
    });
  });

  it('does not begin anew at subtrees that are not those of the signed root', async () => {
    const forged = events.map((event) =>
      event.seq === 6 ? { ...event, data: { ...event.data, subtrees: [event.hash, event.prev] } } : event,
    );
    expect(await verify(forged)).toMatchObject({
      ...{ ...FOUND, outcome: 'refuted', proven: 10, altered: [{ from: 6, to: 6 }] },
    });
  });

  it('shows exactly which event was altered before a part that is as it was', async () => {
    const forged = [...relinked(altered(5), 5).slice(0, 5), ...events.slice(5)];
    expect(await verify(forged)).toMatchObject({ outcome: 'refuted', altered: [{ from: 5, to: 5 }] });
  });
});

describe('a part of the events', () => {
  it('is proven between the checkpoints that stand in it, and as far back as it is linked', async () => {
    expect(await verify(events.slice(2, 12))).toMatchObject({
      ...{ ...FOUND, proven: 9, range: { from: 3, to: 12 } },
      unproven: [{ from: 12, to: 12 }],
    });
  });

  it('is proven by the proof that an export carries', async () => {
    expect(await verify(exported(part()), { expected: { from: 3, to: 10 } })).toMatchObject({
      ...FOUND,
      outcome: 'proven',
      proven: 8,
      unproven: [],
    });
  });

  it('shows exactly what was altered in an export, although all behind it was linked anew', async () => {
    const forged = part(relinked(altered(8), 8));
    expect(await verify(exported(forged))).toMatchObject({
      ...{ outcome: 'refuted', altered: [{ from: 8, to: 10 }], proven: 5 },
    });
  });

  it('shows that an export was altered together with the hashes that it lists', async () => {
    const forged = part(relinked(altered(8), 8));
    const lines = [
      formatProofLine(proof),
      ...forged,
      formatHashesLine(
        3,
        forged.map(({ hash }) => hash),
      ),
    ];
    expect(await verify(lines)).toMatchObject({
      ...{ outcome: 'refuted', contradicted: [{ from: 3, to: 10 }], proven: 0 },
    });
  });

  it('shows what was left out of an export', async () => {
    const forged = part().filter(({ seq }) => seq < 6 || seq > 8);
    expect(await verify(exported(forged))).toMatchObject({
      ...{ outcome: 'refuted', missing: [{ from: 6, to: 8 }], proven: 5 },
    });
  });

  it('of a sink that takes only some events is proven event by event where their hashes are known', async () => {
    const filtered = part().filter(({ seq }) => seq % 2 === 1);
    expect(await verify(exported(filtered), { filtered: true })).toMatchObject({
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

describe('a log that was signed twice', () => {
  const unsigned = { proven: 0, forked: [8], contradicted: [{ from: 1, to: 8 }] };

  it('is refuted by the checkpoint that an auditor kept, although the proof of its export is signed', async () => {
    const fork = await exported8(relinked(altered(3), 3));
    const checkpoints = [await signed8(events)];
    expect(await verify(fork, { trust: { checkpoints } })).toMatchObject({ outcome: 'refuted', ...unsigned });
  });

  it('is refuted by the kept checkpoint, although an event of the fork brings another of its size', async () => {
    const forked = relinked(altered(3), 3);
    const note = await signed8(forked);
    const reworded = forked.map((event) =>
      event.seq === 12 ? { ...event, data: { ...event.data, checkpoint: note } } : event,
    );
    const checkpoints = [await signed8(events)];
    const report = await verify(relinked(reworded, 12), { trust: { checkpoints } });
    expect(report).toMatchObject({ outcome: 'refuted', forked: [8], proven: 0 });
  });

  it('is refuted where the fork grew past the kept checkpoint before it was signed', async () => {
    const checkpoints = [await signed8(relinked(altered(3), 3))];
    expect(await verify(events, { trust: { checkpoints } })).toMatchObject({
      outcome: 'refuted',
      forked: [],
    });
  });

  it('is not proven where no event connects it with the kept checkpoint', async () => {
    const checkpoints = [(await signed8(events)).replace('\n8\n', '\n9\n')];
    expect(await verify(exported(part()), { trust: { checkpoints } })).toMatchObject({ outcome: 'unproven' });
  });

  it('is proven as far as it agrees with the kept checkpoint', async () => {
    const checkpoints = [await signed8(events)];
    expect(await verify(events, { trust: { checkpoints } })).toMatchObject({ ...FOUND, proven: 11 });
    expect(await verify(exported(part()), { trust: { checkpoints } })).toMatchObject({ ...FOUND, proven: 8 });
  });
});

describe('an export that was cut', () => {
  const without = (...seqs: number[]) => part().filter(({ seq }) => !seqs.includes(seq));

  it.each([
    ['its end', [9, 10], [{ from: 9, to: 10 }]],
    ['its beginning', [3, 4], [{ from: 3, to: 4 }]],
    [
      'both ends',
      [3, 10],
      [
        { from: 3, to: 3 },
        { from: 10, to: 10 },
      ],
    ],
  ])('lacks %s, as its own proof and hashes say', async (_name, cut, missing) => {
    expect(await verify(exported(without(...cut)))).toMatchObject({ outcome: 'refuted', missing });
  });

  it('lacks its end where the proof is of less, and the hashes that it lists are proven', async () => {
    const shorter = await fixture.proofs.prove({ from: 3, to: 8 });
    const lines = [formatProofLine(shorter), ...exported(without(9, 10, 11))];
    expect(await verify(lines)).toMatchObject({ outcome: 'refuted', missing: [{ from: 9, to: 10 }] });
  });

  it('is not proven whole where a checkpoint covers more than it has', async () => {
    expect(await verify(exported(part()))).toMatchObject({ ...FOUND, outcome: 'partly', proven: 8 });
  });

  it('lacks what the auditor expects', async () => {
    expect(await verify(exported(part()), { expected: { from: 1, to: 11 } })).toMatchObject({
      outcome: 'refuted',
      missing: [
        { from: 1, to: 2 },
        { from: 11, to: 11 },
      ],
    });
  });
});
