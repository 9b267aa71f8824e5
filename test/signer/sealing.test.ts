import { describe, expect, it } from 'vitest';
import { KeyEncryptionKey } from '../../bridge/signer/key-encryption-key.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { isCountersignError } from '../../protocol/errors.ts';

const secret = () => crypto.getRandomValues(new Uint8Array(32));
const context = { kind: 'transform-key', sub: 'person-1', device: 'device-1', key_version: 0 };

function failure(work: () => unknown): { code: string; why: string } {
  try {
    work();
  } catch (error) {
    if (!isCountersignError(error)) throw error;
    return { code: error.code, why: error.cause instanceof Error ? error.cause.message : '' };
  }
  throw new Error('nothing was thrown');
}

describe('sealed bytes', () => {
  it('open in the context in which they were sealed', () => {
    const kek = new KeyEncryptionKey(secret());
    const sealed = kek.seal(context, utf8('a transform key'));
    const reordered = { key_version: 0, device: 'device-1', sub: 'person-1', kind: 'transform-key' };
    expect(kek.open(reordered, sealed)).toEqual(utf8('a transform key'));
  });

  it.each([
    ['another person', { ...context, sub: 'person-2' }],
    ['another device', { ...context, device: 'device-2' }],
    ['another key version', { ...context, key_version: 1 }],
    ['another kind of thing', { ...context, kind: 'share' }],
    ['a member more', { ...context, group: 'g' }],
  ])('do not open for %s', (_name, other) => {
    const kek = new KeyEncryptionKey(secret());
    const sealed = kek.seal(context, utf8('a transform key'));
    expect(failure(() => kek.open(other, sealed)).code).toBe('seal_broken');
  });

  it('do not open when any one byte was changed', () => {
    const kek = new KeyEncryptionKey(secret());
    const sealed = kek.seal(context, utf8('short'));
    for (let index = 0; index < sealed.length; index++) {
      const changed = sealed.slice();
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(failure(() => kek.open(context, changed)).code).toBe('seal_broken');
    }
  });

  it('do not open when cut short, at any length', () => {
    const kek = new KeyEncryptionKey(secret());
    const sealed = kek.seal(context, utf8('short'));
    for (let length = 0; length < sealed.length; length++) {
      expect(failure(() => kek.open(context, sealed.subarray(0, length))).code).toBe('seal_broken');
    }
  });

  it('tell another key-encryption key apart from damage', () => {
    const sealed = new KeyEncryptionKey(secret()).seal(context, utf8('x'));
    expect(failure(() => new KeyEncryptionKey(secret()).open(context, sealed))).toEqual({
      code: 'seal_broken',
      why: 'sealed under another key-encryption key',
    });
  });

  it('differ each time, so that equal values do not show', () => {
    const kek = new KeyEncryptionKey(secret());
    expect(kek.seal(context, utf8('x'))).not.toEqual(kek.seal(context, utf8('x')));
  });
});

describe('a key-encryption key', () => {
  it.each([
    ['of 31 bytes', new Uint8Array(31).map((_, i) => i)],
    ['of 33 bytes', new Uint8Array(33).map((_, i) => i)],
    ['of zeros', new Uint8Array(32)],
  ])('%s is refused', (_name, bytes) => {
    expect(failure(() => new KeyEncryptionKey(bytes)).code).toBe('config_invalid');
  });

  it('gives each use a secret of its own, the same one after a restart', () => {
    const bytes = secret();
    const kek = new KeyEncryptionKey(bytes);
    const cookies = kek.deriveSecret('cookies', 32);
    expect(new KeyEncryptionKey(bytes).deriveSecret('cookies', 32)).toEqual(cookies);
    expect(kek.deriveSecret('pseudonyms', 32)).not.toEqual(cookies);
    expect(new KeyEncryptionKey(secret()).deriveSecret('cookies', 32)).not.toEqual(cookies);
  });
});
