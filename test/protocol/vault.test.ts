import { describe, expect, it } from 'vitest';
import { utf8 } from '../../protocol/bytes.ts';
import { exportSigningKey } from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { decodeVault, encodeVault, type VaultContent, vaultContext } from '../../protocol/vault.ts';
import { codeOf } from './codes.ts';
import { testDigest, testKey } from './company.ts';

async function content(): Promise<VaultContent> {
  return { v: 1, pre: testDigest('u'), sig: await exportSigningKey(await testKey('person alice')) };
}

describe('the vault', () => {
  it('has the bytes of version 1', async () => {
    expect(new TextDecoder().decode(encodeVault(await content()))).toBe(
      `{"pre":"${testDigest('u')}","sig":{"crv":"Ed25519","d":"o4gRlBbXGdo_Wf7ivMhiVIMO4WUkD5Vz6WYylnbw9To",` +
        '"kty":"OKP","x":"SDEgEx0FrMQEGjOO8mpCaC9I8KjQqPesuDi0M6KP0j0"},"v":1}',
    );
  });

  it('opens to what was put in', async () => {
    expect(decodeVault(encodeVault(await content()))).toEqual(await content());
  });

  it.each([
    ['another version', { v: 2 }],
    ['an unknown member', { extra: 1 }],
    ['no private half of sig', { sig: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) } }],
    ['a short u', { pre: 'AAAA' }],
  ])('is refused with %s', async (_, changes) => {
    const bytes = utf8(JSON.stringify({ ...(await content()), ...changes }));
    expect(await codeOf(() => decodeVault(bytes))).toBe('claims_invalid');
  });

  it.each([
    ['nothing', new Uint8Array()],
    ['bytes that are not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d)],
    ['text that is not JSON', utf8('{"pre":')],
  ])('is refused with %s', async (_, bytes) => {
    expect(await codeOf(() => decodeVault(bytes))).toBe('claims_invalid');
  });

  it('quotes nothing of a damaged vault, not even in the private cause', async () => {
    const { sig } = await content();
    const damaged = utf8(`{"v":1,"d":${sig.d}`);
    try {
      decodeVault(damaged);
      expect.fail('it was not refused');
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      expect(error.cause).toBeUndefined();
      expect(error.message).not.toContain(sig.d.slice(0, 4));
    }
  });
});

describe('what a vault is sealed with', () => {
  const alice = { iss: 'https://bridge.acme.example', sub: 'sub-alice', key_version: 0 };
  const text = (person = alice) => new TextDecoder().decode(vaultContext(person));

  it('has the bytes of version 1', () => {
    expect(text()).toBe(
      'countersign/vault/v1\n{"iss":"https://bridge.acme.example","key_version":0,"sub":"sub-alice"}',
    );
  });

  it('is another for another bridge, person or key version, and for nothing else', () => {
    const decorated = { ...alice, address: 'alice@acme.example' };
    expect(text(decorated)).toBe(text());
    for (const change of [{ iss: 'https://bridge.globex.example' }, { sub: 'sub-bob' }, { key_version: 1 }]) {
      expect(text({ ...alice, ...change })).not.toBe(text());
    }
  });
});
