import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBase64 } from '../../../protocol/tlog/base64.ts';
import { formatTlogProof, parseTlogProof } from '../../../protocol/tlog/proof-format.ts';
import {
  formatAddCheckpoint,
  formatTreeSize,
  parseAddCheckpoint,
  parseTreeSize,
} from '../../../protocol/tlog/witness-protocol.ts';
import { codeOf } from '../codes.ts';
import { leavesOf } from './small-tree.ts';

const NOTE = 'log.example\n1\nAAAA\n\n— log.example AQIDBAUG\n';
const [HASH = new Uint8Array()] = leavesOf(1);
const H = encodeBase64(HASH);
const HEADER = 'c2sp.org/tlog-proof@v1';

const size = fc.maxSafeNat();
const hashes = fc.nat(63).map((count) => leavesOf(count));
const extra = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Uint8Array.from(bytes));

describe('An offline proof', () => {
  it('is written as C2SP tlog-proof has it', () => {
    const proof = { index: 5, hashes: [HASH], checkpoint: NOTE };
    expect(formatTlogProof(proof)).toBe(`${HEADER}\nindex 5\n${H}\n\n${NOTE}`);
    const withExtra = formatTlogProof({ ...proof, hashes: [], extra: Uint8Array.of(1, 2) });
    expect(withExtra).toBe(`${HEADER}\nextra AQI=\nindex 5\n\n${NOTE}`);
  });

  it('is read as what it was written from', () => {
    const shape = fc.record(
      { index: size, hashes, checkpoint: fc.constant(NOTE), extra },
      { requiredKeys: ['index', 'hashes', 'checkpoint'] },
    );
    fc.assert(
      fc.property(shape, (proof) => {
        expect(parseTlogProof(formatTlogProof(proof))).toEqual(proof);
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['no checkpoint', `${HEADER}\nindex 5\n${H}\n`],
    ['another header', `c2sp.org/tlog-proof@v2\nindex 5\n\n${NOTE}`],
    ['a line before the header', `\n${HEADER}\nindex 5\n\n${NOTE}`],
    ['no index', `${HEADER}\n\n${NOTE}`],
    ['an index that is none', `${HEADER}\nindex five\n\n${NOTE}`],
    ['zeros before the index', `${HEADER}\nindex 05\n\n${NOTE}`],
    ['an index past 2^53', `${HEADER}\nindex 9007199254740992\n\n${NOTE}`],
    ['two indexes', `${HEADER}\nindex 5\nindex 5\n\n${NOTE}`],
    ['extra data behind the index', `${HEADER}\nindex 5\nextra AQI=\n\n${NOTE}`],
    ['extra data twice', `${HEADER}\nextra AQI=\nextra AQI=\nindex 5\n\n${NOTE}`],
    ['no extra data', `${HEADER}\nextra \nindex 5\n\n${NOTE}`],
    ['extra data that is not canonical', `${HEADER}\nextra AQJ=\nindex 5\n\n${NOTE}`],
    ['a short hash', `${HEADER}\nindex 5\nAQI=\n\n${NOTE}`],
    ['a hash that is not canonical', `${HEADER}\nindex 5\n${H.slice(0, -1)}\n\n${NOTE}`],
    ['a space behind a hash', `${HEADER}\nindex 5\n${H} \n\n${NOTE}`],
    ['carriage returns', `${HEADER}\nindex 5\n\n${NOTE}`.replaceAll('\n', '\r\n')],
    ['64 hashes', formatTlogProof({ index: 5, hashes: leavesOf(64), checkpoint: NOTE })],
  ])('is refused with %s', async (_, text) => {
    expect(await codeOf(() => parseTlogProof(text))).toBe('log_proof');
  });
});

describe('A request to a witness', () => {
  it('is written as C2SP tlog-witness has it', () => {
    expect(formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: NOTE })).toBe(`old 0\n\n${NOTE}`);
    expect(formatAddCheckpoint({ oldSize: 7, proof: [HASH], checkpoint: NOTE })).toBe(
      `old 7\n${H}\n\n${NOTE}`,
    );
  });

  it('is read as what it was written from', () => {
    fc.assert(
      fc.property(fc.record({ oldSize: size, proof: hashes, checkpoint: fc.constant(NOTE) }), (request) => {
        expect(parseAddCheckpoint(formatAddCheckpoint(request))).toEqual(request);
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['no size', `\n\n${NOTE}`],
    ['no empty line', `old 7\n${H}\n`],
    ['a size that is none', `old seven\n\n${NOTE}`],
    ['a size without its word', `7\n\n${NOTE}`],
    ['zeros before the size', `old 07\n\n${NOTE}`],
    ['a negative size', `old -7\n\n${NOTE}`],
    ['two spaces', `old  7\n\n${NOTE}`],
    ['a short hash', `old 7\nAQI=\n\n${NOTE}`],
    ['carriage returns', `old 7\r\n\r\n${NOTE}`],
    ['64 hashes', formatAddCheckpoint({ oldSize: 7, proof: leavesOf(64), checkpoint: NOTE })],
  ])('is refused with %s', async (_, body) => {
    expect(await codeOf(() => parseAddCheckpoint(body))).toBe('malformed_request');
  });

  it('may be answered with the size that the witness has', () => {
    expect(parseTreeSize(formatTreeSize(20852163))).toBe(20852163);
    for (const body of ['', '\n', '7', '07\n', '7\n\n', '-7\n', '7 \n', '1e3\n', '9007199254740992\n']) {
      expect(parseTreeSize(body)).toBeUndefined();
    }
  });
});
