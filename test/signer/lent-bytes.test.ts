import { describe, expect, it } from 'vitest';
import { createByteLender } from '../../bridge/signer/lent-bytes.ts';

const LONG = 100_000;
const ROOM = 1024 * 1024;

describe('Memory that is lent to long answers', () => {
  it('is lent again once it was given back', () => {
    const lend = createByteLender(ROOM);
    const first = lend(LONG);
    first.giveBack();
    expect(lend(LONG + 1).bytes.buffer).toBe(first.bytes.buffer);
  });

  it('is nobody else’s until it is given back', () => {
    const lend = createByteLender(ROOM);
    const [first, second] = [lend(LONG), lend(LONG)];
    expect(second.bytes.buffer).not.toBe(first.bytes.buffer);
  });

  it('is lent to one alone, however often it is given back', () => {
    const lend = createByteLender(ROOM);
    const first = lend(LONG);
    first.giveBack();
    first.giveBack();
    expect(lend(LONG).bytes.buffer).not.toBe(lend(LONG).bytes.buffer);
  });

  it('is not taken back from its next holder by the one before', () => {
    const lend = createByteLender(ROOM);
    const first = lend(LONG);
    first.giveBack();
    const second = lend(LONG);
    first.giveBack();
    expect(lend(LONG).bytes.buffer).not.toBe(second.bytes.buffer);
  });

  it('is exactly as long as was asked for', () => {
    const lend = createByteLender(ROOM);
    for (const size of [0, 1, 65_535, 65_536, LONG, ROOM + 1]) expect(lend(size).bytes).toHaveLength(size);
  });

  it('is kept up to a bound while nobody has it', () => {
    const lend = createByteLender(2 * 131_072);
    const lent = [lend(LONG), lend(LONG), lend(LONG)];
    for (const { giveBack } of lent) giveBack();
    const known = new Set(lent.map(({ bytes }) => bytes.buffer));
    const again = [lend(LONG), lend(LONG), lend(LONG)].filter(({ bytes }) => known.has(bytes.buffer));
    expect(again).toHaveLength(2);
  });
});
