import { describe, expect, it } from 'vitest';
import { utf8 } from '../../protocol/bytes.ts';
import {
  exportSigningKey,
  generateSigningKey,
  importSignatureKey,
  importSigningKey,
  signBytes,
  verifyBytes,
} from '../../protocol/ed25519.ts';
import { codeOf } from './codes.ts';
import { testKey } from './company.ts';

/** RFC 8037 A.1. */
const RFC_KEY = {
  kty: 'OKP',
  crv: 'Ed25519',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
} as const;
/** RFC 8037 A.4. */
const RFC_INPUT = utf8('eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc');
const RFC_SIGNATURE =
  'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg';

describe('Ed25519', () => {
  it('signs as RFC 8037 A.4 does', async () => {
    const key = await importSigningKey(RFC_KEY);
    expect(await signBytes(key, RFC_INPUT)).toBe(RFC_SIGNATURE);
    expect(await verifyBytes(key.publicKey, RFC_INPUT, RFC_SIGNATURE)).toBe(true);
  });

  it('finds a signature false over other bytes, under another key, or malformed', async () => {
    const { publicKey } = await importSigningKey(RFC_KEY);
    const other = await testKey('other');
    expect(await verifyBytes(publicKey, utf8('other'), RFC_SIGNATURE)).toBe(false);
    expect(await verifyBytes(other.publicKey, RFC_INPUT, RFC_SIGNATURE)).toBe(false);
    expect(await verifyBytes(publicKey, RFC_INPUT, RFC_SIGNATURE.slice(1))).toBe(false);
    expect(await verifyBytes(publicKey, RFC_INPUT, `${RFC_SIGNATURE.slice(0, -1)}B`)).toBe(false);
    expect(await verifyBytes(publicKey, RFC_INPUT, '')).toBe(false);
  });

  it('finds every signature false under a key of small order', async () => {
    const neutral = { kty: 'OKP', crv: 'Ed25519', x: `AQ${'A'.repeat(41)}` } as const;
    const anything = `AQ${'A'.repeat(84)}`;
    expect(await verifyBytes(neutral, RFC_INPUT, anything)).toBe(false);
    expect(await codeOf(() => importSignatureKey(neutral))).toBe('key_invalid');
  });

  it('keeps a private half inside where nobody asked for it', async () => {
    const key = await generateSigningKey(false);
    expect(key.privateKey.extractable).toBe(false);
    await expect(exportSigningKey(key)).rejects.toThrow();
    expect((await importSigningKey(RFC_KEY)).privateKey.extractable).toBe(false);
  });

  it('gives an extractable private half back as it was', async () => {
    expect(await exportSigningKey(await importSigningKey(RFC_KEY, true))).toEqual(RFC_KEY);
    const fresh = await generateSigningKey(true);
    const again = await importSigningKey(await exportSigningKey(fresh));
    expect(again.kid).toBe(fresh.kid);
  });

  it('refuses a private half that does not belong to its public half', async () => {
    const { publicKey } = await testKey('other');
    expect(await codeOf(() => importSigningKey({ ...publicKey, d: RFC_KEY.d }))).toBe('key_invalid');
  });

  it('imports a public key once', async () => {
    const { publicKey } = await testKey('cached');
    const first = await importSignatureKey(publicKey);
    expect(await importSignatureKey({ ...publicKey })).toBe(first);
  });
});
