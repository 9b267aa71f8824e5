import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createRootKey, openRootKey } from '../../bridge/signer/root-key.ts';

describe('a root key file', () => {
  it('opens as the root that its thumbprint names, and does not let the private key out again', async () => {
    const file = await createRootKey();
    const root = await openRootKey(JSON.parse(JSON.stringify(file)));
    expect(root.kid).toBe(file.thumbprint);
    expect(root.privateKey.extractable).toBe(false);
  });

  it.each([
    ['is no object', () => 'root'],
    ['has a member more', (file: object) => ({ ...file, comment: 'x' })],
    ['is of another version', (file: object) => ({ ...file, v: 2 })],
    ['has no private key', (file: { key: object }) => ({ ...file, key: { ...file.key, d: undefined } })],
  ])('that %s is refused', async (_name, spoil) => {
    const file = spoil(await createRootKey());
    await expect(openRootKey(file)).rejects.toMatchObject({ code: 'key_invalid' });
  });

  it('whose thumbprint names another key is refused', async () => {
    const file = { ...(await createRootKey()), thumbprint: (await createRootKey()).thumbprint };
    await expect(openRootKey(file)).rejects.toMatchObject({ code: 'key_invalid' });
  });

  it('whose private key belongs to another public key is refused', async () => {
    const [file, other] = [await createRootKey(), await createRootKey()];
    const mixed = { ...file, key: { ...file.key, d: other.key.d } };
    await expect(openRootKey(mixed)).rejects.toMatchObject({ code: 'key_invalid' });
  });

  it('does not quote the private key when it is refused', async () => {
    const file = { ...(await createRootKey()), extra: 1 };
    const error: unknown = await openRootKey(file).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'key_invalid' });
    expect(inspect(error, { depth: 9 })).not.toContain(file.key.d);
  });
});
