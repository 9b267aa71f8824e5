import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256Base64url } from '../../../protocol/hash.ts';
import { verifyLogStaple } from '../../../protocol/keytrans/log-proof.ts';
import { encodeLogStaple, type LogStaple, parseLogStaple } from '../../../protocol/keytrans/log-staple.ts';
import { EMPTY_NODE } from '../../../protocol/keytrans/prefix-tree.ts';
import { codeOf } from '../codes.ts';
import { ALICE, claimOf, logKey, logWith, ORIGIN, refused } from './acme-log.ts';
import type { SmallKeyLog } from './small-key-log.ts';

let log: SmallKeyLog;
let note: string;
/** Honest, for version 2 of Alice: the ladder is 0, 1, 3, 2. */
let parts: LogStaple;
let staple: string;

beforeAll(async () => {
  log = logWith(2);
  note = await log.note(logKey);
  parts = log.parts(note, ALICE, 2);
  staple = encodeLogStaple(parts);
});

const altered = (changes: Partial<LogStaple>) => encodeLogStaple({ ...parts, ...changes });

describe('the text of a staple', () => {
  it('is read as it was written', () => {
    expect(parseLogStaple(staple)).toEqual(parts);
  });

  it('is these bytes, which no later version changes', () => {
    const [header, , index] = staple.split('\n');
    expect([header, index]).toEqual(['c2sp.org/tlog-proof@v1', 'index 7']);
    expect(staple).toContain(`\n\n${ORIGIN}\n8\n`);
    expect(sha256Base64url(staple)).toBe('-h-mnMy0IYW0npirSib9dHvgE1eTFp81X6oo0olHIzE');
  });

  it('is refused when it is too long', async () => {
    expect(await refused(`${staple}${' '.repeat(32_768)}`)).toBe('log_proof');
  });

  it('is refused when its extra data are cut, go on, or are of another format', async () => {
    const withExtra = (change: (extra: Uint8Array) => Uint8Array) =>
      staple.replace(/^extra (.*)$/m, (_, encoded: string) => {
        const extra = Uint8Array.from(Buffer.from(encoded, 'base64'));
        return `extra ${Buffer.from(change(extra)).toString('base64')}`;
      });
    expect(withExtra((extra) => extra)).toBe(staple);
    expect(await refused(withExtra((extra) => extra.slice(0, -1)))).toBe('log_proof');
    expect(await refused(withExtra((extra) => Uint8Array.of(...extra, 0)))).toBe('log_proof');
    expect(await refused(withExtra((extra) => extra.with(0, 2)))).toBe('log_proof');
    expect(await refused(staple.replace(/^extra .*\n/m, ''))).toBe('log_proof');
  });

  it('is refused when a rung is marked as neither with nor without a commitment', async () => {
    const absent = parts.rungs[2]?.proof ?? EMPTY_NODE;
    const marked = staple.replace(/^extra (.*)$/m, (_, encoded: string) => {
      const extra = Buffer.from(encoded, 'base64');
      extra[extra.indexOf(absent) + absent.length] = 2;
      return `extra ${extra.toString('base64')}`;
    });
    expect(marked).not.toBe(staple);
    expect(await refused(marked)).toBe('log_proof');
  });

  it('is not written with parts of another length', async () => {
    expect(await codeOf(() => altered({ opening: new Uint8Array(15) }))).toBe('log_proof');
    expect(
      await codeOf(() => altered({ startInclusion: Array.from({ length: 256 }, () => EMPTY_NODE) })),
    ).toBe('log_proof');
  });

  it('does not verify with any character of it altered', async () => {
    const characters = fc.integer({ min: 0, max: staple.length - 1 });
    await fc.assert(
      fc.asyncProperty(characters, fc.integer({ min: 0x0a, max: 0x7e }), async (index, code) => {
        const character = String.fromCharCode(code);
        fc.pre(staple[index] !== character);
        const text = `${staple.slice(0, index)}${character}${staple.slice(index + 1)}`;
        await expect(verifyLogStaple(claimOf(text, 2))).rejects.toThrow();
      }),
      { numRuns: 600 },
    );
  });
});
