import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../../protocol/bytes.ts';
import { encodeLogEntry, type LogEntry, parseLogEntry } from '../../../protocol/keytrans/log-entry.ts';
import { codeOf } from '../codes.ts';
import { hexBytes } from '../tlog/hex-bytes.ts';
import { toHex } from './to-hex.ts';

const bytes = (value: number) => new Uint8Array(32).fill(value);

const PINNED: [string, LogEntry][] = [
  [`0001${'11'.repeat(32)}`, { kind: 'start', vrfPublicKey: bytes(0x11) }],
  [
    `01${'22'.repeat(32)}${'33'.repeat(32)}`,
    { kind: 'version', output: bytes(0x22), commitment: bytes(0x33) },
  ],
  [
    `02${'0000000000000102'}${'0000018bcfe56800'}${'0000000000000003'}${'44'.repeat(32)}`,
    { kind: 'epoch', epoch: 258, time: 1_700_000_000_000, leaves: 3, prefixRoot: bytes(0x44) },
  ],
];

describe('a log entry', () => {
  it.each(PINNED)('is the bytes %s', (hex, entry) => {
    expect(toHex(encodeLogEntry(entry))).toBe(hex);
    expect(parseLogEntry(hexBytes(hex))).toEqual(entry);
  });

  it.each(PINNED)('is refused when a byte is missing, or follows: %s', async (hex) => {
    const encoded = hexBytes(hex);
    expect(await codeOf(() => parseLogEntry(encoded.slice(0, -1)))).toBe('log_proof');
    expect(await codeOf(() => parseLogEntry(concatBytes(encoded, Uint8Array.of(0))))).toBe('log_proof');
  });

  it('is refused when its kind or the format of the log is unknown', async () => {
    expect(await codeOf(() => parseLogEntry(new Uint8Array(0)))).toBe('log_proof');
    expect(await codeOf(() => parseLogEntry(hexBytes(`03${'11'.repeat(64)}`)))).toBe('log_proof');
    expect(await codeOf(() => parseLogEntry(hexBytes(`0002${'11'.repeat(32)}`)))).toBe('log_proof');
  });

  it('is refused when a number does not fit', async () => {
    const huge = hexBytes(`02${'0020000000000000'.repeat(3)}${'44'.repeat(32)}`);
    expect(await codeOf(() => parseLogEntry(huge))).toBe('log_proof');
    const entry = { kind: 'epoch', epoch: -1, time: 0, leaves: 0, prefixRoot: bytes(0) } as const;
    expect(await codeOf(() => encodeLogEntry(entry))).toBe('log_proof');
  });

  it('is refused when a member is not 32 bytes', async () => {
    const short = { kind: 'start', vrfPublicKey: new Uint8Array(31) } as const;
    expect(await codeOf(() => encodeLogEntry(short))).toBe('log_proof');
  });
});
