import { afterEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { SIGNED_AT_ONCE_BYTES } from '../../bridge/lib/limits.ts';
import { signCompact, signParts } from '../../bridge/signer/compact-jws.ts';
import { WrittenJson } from '../../bridge/signer/written-json.ts';
import { signJws, verifyJws } from '../../protocol/jws.ts';
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

  it('says the same in parts of whatever length, some of them written before', async () => {
    const key = await testKey('the bridge');
    const schema = z.object({
      iss: z.string(),
      list: z.array(z.strictObject({ name: z.string(), n: z.int() })),
    });
    for (const [first, second] of [0, 1, 2, 3].flatMap((a) => [0, 1, 2].map((b) => [a, b] as const))) {
      const names = ['é'.repeat(first), '漢'.repeat(second)];
      const written = names.map((name) => new WrittenJson(`"name":${JSON.stringify(name)}}`));
      const parts = [
        ...['{"iss":"https://bridge.acme.example","list":[', '{"n":1,', ...written.slice(0, 1)],
        ...[',{"n":2,', ...written.slice(1), ...[',{"n":3,', ...written.slice(0, 1)], ']}'],
      ];
      const { bytes } = await signParts(key, 'key-lookup-response+jwt', parts);
      const token = bytes.toString('latin1');
      const claims = await verifyJws(token, 'key-lookup-response+jwt', schema, () => key.publicKey);
      expect(claims.list).toEqual([
        { name: names[0], n: 1 },
        { name: names[1], n: 2 },
        { name: names[0], n: 3 },
      ]);
    }
  });
});

describe('Long tokens that are asked for all at once', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('are signed a few at a time, and hold up none that is short', async () => {
    const key = await testKey('the bridge');
    const list = new WrittenJson(`"${'x'.repeat(0.3 * SIGNED_AT_ONCE_BYTES)}"]}`);
    const sign = crypto.subtle.sign.bind(crypto.subtle);
    const begun: ('short' | 'long')[] = [];
    let [bytes, most] = [0, 0];
    vi.spyOn(crypto.subtle, 'sign').mockImplementation(async (algorithm, signer, data) => {
      begun.push(data.byteLength < 1_000 ? 'short' : 'long');
      bytes += data.byteLength;
      most = Math.max(most, bytes);
      const signature = await sign(algorithm, signer, data);
      bytes -= data.byteLength;
      return signature;
    });
    const long = Array.from({ length: 5 }, () => signParts(key, 'key-lookup-response+jwt', ['{"a":[', list]));
    await signParts(key, 'key-lookup-response+jwt', ['{}']);
    expect(begun.indexOf('short')).toBeLessThanOrEqual(2);
    for (const token of long) (await token).giveBack();
    expect(begun).toHaveLength(6);
    expect(most).toBeLessThanOrEqual(SIGNED_AT_ONCE_BYTES);
  });
});
