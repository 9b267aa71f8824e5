import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Holder } from '../../bridge/binding/holder.ts';
import { createDeviceAuthentication } from '../../bridge/http/authenticate-device.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { signDpopProof } from '../../protocol/dpop.ts';
import { generateSigningKey, type SigningKey } from '../../protocol/ed25519.ts';
import { codeOf } from '../protocol/codes.ts';

const URL_OF_ME = 'https://bridge.example/v1/me';
const holder: Holder = {
  ...{ sub: 'p-1', deviceId: 'd-1', endorsed: false, assurance: 'member', connectionId: 'c-1' },
  ...{ signIn: { protocol: 'oidc', acr: null, amr: [], authTime: null }, accessTokenHash: 'hash' },
};

async function request(key: SigningKey, now: number): Promise<IncomingMessage> {
  const dpop = await signDpopProof(key, { method: 'GET', url: URL_OF_ME, accessToken: 'token' }, now);
  return { method: 'GET', headers: { authorization: 'DPoP token', dpop } } as never;
}

/** A bridge of one process: its memory of used proofs begins with it. */
function startedAt(clock: { now(): number }) {
  const cache = new MemoryCache({ clock });
  return createDeviceAuthentication({ cache, clock, findHolder: async () => holder });
}

describe('A proof that was used before the bridge was restarted', () => {
  it('is refused, although the restart forgot that it was used', async () => {
    let now = 1_800_000_000;
    const clock = { now: () => now * 1_000 };
    const proof = await request(await generateSigningKey(false), now);
    expect(await startedAt(clock)(proof, URL_OF_ME)).toEqual(holder);
    now += 5;
    expect(await codeOf(() => startedAt(clock)(proof, URL_OF_ME))).toBe('unavailable');
  });

  it('does not hold up proofs of after the restart', async () => {
    const clock = { now: () => 1_800_000_000_000 };
    const authenticate = startedAt(clock);
    expect(
      await authenticate(await request(await generateSigningKey(false), 1_800_000_000), URL_OF_ME),
    ).toEqual(holder);
  });
});
