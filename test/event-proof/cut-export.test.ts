import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatProofLine } from '../../protocol/events/copied-line.ts';
import { type CopyFixture, copyFixture, FOUND } from './copy-fixture.ts';

let copies: CopyFixture;

beforeAll(async () => {
  copies = await copyFixture();
});

afterAll(async () => {
  await copies.fixture.remove();
});

describe('an export that was cut', () => {
  const without = (...seqs: number[]) => copies.part().filter(({ seq }) => !seqs.includes(seq));

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
    expect(await copies.verify(copies.exported(without(...cut)))).toMatchObject({
      outcome: 'refuted',
      missing,
    });
  });

  it('lacks its end where the proof is of less, and the hashes that it lists are proven', async () => {
    const shorter = await copies.fixture.proofs.prove({ from: 3, to: 8 });
    const lines = [formatProofLine(shorter), ...copies.exported(without(9, 10, 11))];
    expect(await copies.verify(lines)).toMatchObject({ outcome: 'refuted', missing: [{ from: 9, to: 10 }] });
  });

  it('is not proven whole where a checkpoint covers more than it has', async () => {
    expect(await copies.verify(copies.exported(copies.part()))).toMatchObject({
      ...FOUND,
      outcome: 'partly',
      proven: 8,
    });
  });

  it('lacks what the auditor expects', async () => {
    expect(
      await copies.verify(copies.exported(copies.part()), { expected: { from: 1, to: 11 } }),
    ).toMatchObject({
      outcome: 'refuted',
      missing: [
        { from: 1, to: 2 },
        { from: 11, to: 11 },
      ],
    });
  });
});
