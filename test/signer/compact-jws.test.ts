import { describe, expect, it } from 'vitest';
import { signCompact } from '../../bridge/signer/compact-jws.ts';
import { signJws } from '../../protocol/jws.ts';
import { testKey } from '../protocol/company.ts';

describe('A compact JWS of the bridge', () => {
  it('is byte for byte what the protocol’s own function makes', async () => {
    const key = await testKey('the bridge');
    const claims = {
      iss: 'https://bridge.acme.example',
      name: 'Zoë 🐟 "漢字"',
      list: [1, null, { a: true }],
    };
    const token = await signCompact(key, 'key-lookup-response+jwt', claims);
    expect(token).toBe(await signJws(key, 'key-lookup-response+jwt', claims));
  });

  it('leaves members out that are undefined, as JSON does', async () => {
    const key = await testKey('the bridge');
    const token = await signCompact(key, 'key-binding+jwt', { iss: 'x', aud: undefined });
    expect(token).toBe(await signJws(key, 'key-binding+jwt', { iss: 'x' }));
  });
});
