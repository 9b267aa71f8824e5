import { describe, expect, it } from 'vitest';
import { SeqRows } from '../../protocol/events/seq-rows.ts';

const row = (value: number) => Uint8Array.of(value, value);

function rowsOf(...given: readonly (readonly [seq: number, value: number])[]) {
  const rows = new SeqRows(2);
  for (const [seq, value] of given) rows.add(seq, row(value));
  return rows;
}

function read(rows: SeqRows) {
  return Array.from({ length: rows.count }, (_, place) => [rows.seqAt(place), rows.bytesAt(place)[0]]);
}

describe('rows of a seq', () => {
  it('are read in the order of seq, whatever order they came in', () => {
    expect(read(rowsOf([3, 30], [1, 10], [2, 20]))).toEqual([
      [1, 10],
      [2, 20],
      [3, 30],
    ]);
  });

  it('count once where they came several times, and stay apart where they differ', () => {
    const delivered = rowsOf([1, 10], [2, 20], [1, 10], [2, 21], [3, 30], [2, 20]);
    expect(read(delivered)).toEqual([
      [1, 10],
      [2, 20],
      [2, 21],
      [3, 30],
    ]);
    expect(delivered.at(2)).toEqual([row(20), row(21)]);
    expect([...delivered.seqs()]).toEqual([1, 2, 3]);
  });

  it('are found by their seq between others, while more come', () => {
    const rows = rowsOf([10, 1], [20, 2]);
    expect([rows.at(10), rows.at(15), rows.at(20), rows.at(30)]).toEqual([[row(1)], [], [row(2)], []]);
    rows.add(15, row(3));
    rows.add(30, row(4));
    expect([rows.at(15), rows.at(30), rows.at(10)]).toEqual([[row(3)], [row(4)], [row(1)]]);
  });

  it('are as many as came, over many blocks and in any order', () => {
    const rows = new SeqRows(2);
    const seqs = Array.from({ length: 20_000 }, (_, index) => ((index * 7_919) % 20_000) + 1);
    for (const seq of [...seqs, ...seqs]) rows.add(seq, row(seq % 251));
    expect(rows.count).toBe(20_000);
    expect(rows.at(12_345)).toEqual([row(12_345 % 251)]);
    expect(rows.seqAt(19_999)).toBe(20_000);
  });

  it('of one seq that somebody invents without end are not all kept', () => {
    const forged = Array.from({ length: 250 }, (_, value) => [1, value] as const);
    expect(rowsOf(...forged).count).toBe(16);
    expect(rowsOf([2, 1], ...forged).count).toBe(17);
  });
});
