import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../protocol/bytes.ts';
import { type Committed, commit } from '../../../protocol/keytrans/commitment.ts';
import { codeOf } from '../codes.ts';
import { hexBytes } from '../tlog/hex-bytes.ts';
import { describeWithVectors } from '../tlog/vectors.ts';
import { readKatie } from './katie-vectors.ts';
import { toHex } from './to-hex.ts';

const committed: Committed = {
  opening: new Uint8Array(16).fill(1),
  label: utf8('\u0001alice@acme.example'),
  version: 3,
  value: utf8('statement'),
};
const honest = toHex(commit(committed));

describeWithVectors('the commitments that Katie made', () => {
  const { Commit } = readKatie();

  it.each(Commit)(
    'of $label, version $version, are ours',
    ({ commitment, label, opening, value, version }) => {
      const made = commit({
        opening: hexBytes(opening),
        label: utf8(label),
        version: Number(version),
        value: hexBytes(value),
      });
      expect(toHex(made)).toBe(commitment);
    },
  );
});

describe('commit', () => {
  it('differs for another opening, name, kind, version or value', () => {
    const others: Partial<Committed>[] = [
      { opening: new Uint8Array(16) },
      { label: utf8('\u0001alicf@acme.example') },
      { label: utf8('\u0002alice@acme.example') },
      { version: 4 },
      { value: utf8('statemenu') },
      { value: utf8('') },
    ];
    const all = [honest, ...others.map((other) => toHex(commit({ ...committed, ...other })))];
    expect(new Set(all).size).toBe(all.length);
  });

  it('refuses an opening that is not 16 bytes', async () => {
    expect(await codeOf(() => commit({ ...committed, opening: new Uint8Array(15) }))).toBe('claims_invalid');
  });
});
