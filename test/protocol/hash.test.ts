import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../protocol/bytes.ts';
import { sha256, sha256Base64url } from '../../protocol/hash.ts';

describe('sha256', () => {
  it('has the value of FIPS 180 for "abc"', () => {
    expect(Array.from(sha256(utf8('abc')).subarray(0, 4))).toEqual([0xba, 0x78, 0x16, 0xbf]);
    expect(sha256Base64url('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
  });

  it('hashes a text as its UTF-8 bytes', () => {
    expect(sha256Base64url('é€😀')).toBe(createHash('sha256').update('é€😀').digest('base64url'));
    expect(sha256Base64url('é€😀')).toBe(sha256Base64url(utf8('é€😀')));
  });
});
