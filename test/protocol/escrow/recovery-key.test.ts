import { beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../../protocol/bytes.ts';
import type { WrappedKey } from '../../../protocol/escrow/escrow-record.ts';
import { makePassphrase } from '../../../protocol/escrow/passphrase.ts';
import { unwrapRecoveryKey, wrapRecoveryKey } from '../../../protocol/escrow/recovery-key.ts';
import { sha256 } from '../../../protocol/hash.ts';
import { codeOf } from '../codes.ts';
import { testEncryptionKey } from '../company.ts';

const owner = {
  iss: 'https://bridge.acme.example',
  sub: 'sub-alice',
  recovery_key: testEncryptionKey('recovery'),
};
const secret = sha256(utf8('a private half'));
const PASSPHRASE = 'baba baba baba baba baba baba baba nura';

/** `secret` under `PASSPHRASE`, as version 1 writes it. */
const PINNED: WrappedKey = {
  derivation: { name: 'argon2id', passes: 3, memory: 65_536, lanes: 4, salt: 'apVydy-sOh73mkTA9SaHTw' },
  nonce: 'i6VahesUd5OryTME',
  key: '6HBoAJjwn8oV8HKtfOWZLPhy7YXUZOb50-Wb_0oYG5lBByGdHNf6D6pnGImZusAV',
};

let wrapped: WrappedKey;

beforeAll(async () => {
  wrapped = await wrapRecoveryKey(owner, secret, PASSPHRASE);
});

describe('a recovery key under a passphrase', () => {
  it('opens with it', async () => {
    expect(await unwrapRecoveryKey(owner, wrapped, PASSPHRASE.toUpperCase())).toEqual(secret);
  });

  it('opens from the bytes of version 1', async () => {
    expect(await unwrapRecoveryKey(owner, PINNED, PASSPHRASE)).toEqual(secret);
  });

  it('has a salt and a nonce of its own each time', async () => {
    const again = await wrapRecoveryKey(owner, secret, PASSPHRASE);
    expect(again.derivation.salt).not.toBe(wrapped.derivation.salt);
    expect(again.nonce).not.toBe(wrapped.nonce);
    expect(again.key).not.toBe(wrapped.key);
  });

  it('does not open with another one', async () => {
    expect(await codeOf(() => unwrapRecoveryKey(owner, wrapped, makePassphrase()))).toBe('passphrase_wrong');
  });

  it('does not open as another person’s, or as that of another recovery key', async () => {
    const others = [
      { sub: 'sub-mallory' },
      { iss: 'https://bridge.globex.example' },
      { recovery_key: testEncryptionKey('other') },
    ];
    for (const change of others) {
      const opening = () => unwrapRecoveryKey({ ...owner, ...change }, wrapped, PASSPHRASE);
      expect(await codeOf(opening)).toBe('passphrase_wrong');
    }
  });

  it('does not open when it was changed', async () => {
    const { derivation } = wrapped;
    const salt = derivation.salt.replace(/^./, (letter) => (letter === 'A' ? 'B' : 'A'));
    const key = wrapped.key.replace(/^./, (letter) => (letter === 'A' ? 'B' : 'A'));
    for (const change of [{ key }, { derivation: { ...derivation, salt } }]) {
      const opening = () => unwrapRecoveryKey(owner, { ...wrapped, ...change }, PASSPHRASE);
      expect(await codeOf(opening)).toBe('passphrase_wrong');
    }
  });

  it('is not made for what is no passphrase of ours', async () => {
    expect(await codeOf(() => wrapRecoveryKey(owner, secret, 'hunter2'))).toBe('passphrase_invalid');
  });
});
