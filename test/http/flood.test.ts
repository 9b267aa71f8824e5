import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Holder } from '../../bridge/binding/holder.ts';
import { createDeviceAuthentication } from '../../bridge/http/authenticate-device.ts';
import { createRateLimit, isProbing } from '../../bridge/http/rate-limit.ts';
import {
  REFUSALS_PER_MINUTE,
  REQUESTS_PER_MINUTE,
  SIGN_IN_RATE_PER_MINUTE,
} from '../../bridge/lib/limits.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { signDpopProof } from '../../protocol/dpop.ts';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import { codeOf } from '../protocol/codes.ts';

const NOW = 1_800_000_000;
const clock = { now: () => NOW * 1000 };
const holder: Holder = {
  ...{ sub: 'p-1', deviceId: 'd-1', endorsed: false, assurance: 'member', connectionId: 'c-1' },
  ...{ signIn: { protocol: 'oidc', acr: null, amr: [], authTime: null }, accessTokenHash: 'hash' },
};

async function request(accessToken: string): Promise<IncomingMessage> {
  const asked = { method: 'GET', url: 'https://bridge.example/v1/me', accessToken };
  const dpop = await signDpopProof(await generateSigningKey(false), asked, NOW);
  return { method: 'GET', headers: { authorization: `DPoP ${accessToken}`, dpop } } as never;
}

describe('A flood of proofs without a token', () => {
  it('takes no room from those who have one', async () => {
    const authenticate = createDeviceAuthentication({
      ...{ cache: new MemoryCache({ clock, entries: 2 }), clock },
      findHolder: async (token) => (token === 'good' ? holder : undefined),
    });
    const url = 'https://bridge.example/v1/me';
    for (let index = 0; index < 5; index++) {
      const forged = await request('bad');
      expect(await codeOf(() => authenticate(forged, url))).toBe('unauthenticated');
    }
    const honest = await request('good');
    expect(await authenticate(honest, url)).toEqual(holder);
    expect(await codeOf(() => authenticate(honest, url))).toBe('replayed');
  });
});

describe('The rate limit', () => {
  it('counts all addresses of one IPv6 subscriber together, and of no other', async () => {
    const limit = createRateLimit(new MemoryCache({ clock }));
    for (let index = 0; index < REFUSALS_PER_MINUTE; index++) {
      await limit.noteRefusal(`2001:db8:0:1::${index.toString(16)}`);
    }
    expect(await codeOf(() => limit.admit('2001:db8::1:ffff:0:0:1'))).toBe('rate_limited');
    await limit.admit('2001:db8:0:2::1');
    await limit.admit('192.0.2.1');
  });

  it('has another measure for bridges, which ask for all of their people', async () => {
    const limit = createRateLimit(new MemoryCache({ clock }));
    for (let index = 0; index < REQUESTS_PER_MINUTE; index++) {
      await limit.admit('192.0.2.1');
      await limit.admitBridge('192.0.2.1');
    }
    expect(await codeOf(() => limit.admit('192.0.2.1'))).toBe('rate_limited');
    await limit.admitBridge('192.0.2.1');
  });

  it('counts no refusal of a partner’s verified request: one person does not keep out their company', () => {
    const opening = '/federation/v1/key-openings';
    for (const code of ['group_unknown', 'sealed_key_unknown', 'group_excluded', 'conflict'] as const) {
      expect(isProbing(opening, code)).toBe(false);
      expect(isProbing('/v1/key-openings', code)).toBe(true);
    }
    for (const code of ['jws_signature', 'jws_unknown_key', 'partner_unknown', 'replayed'] as const) {
      expect(isProbing(opening, code)).toBe(true);
    }
  });

  it('lets an address begin so many sign-ins in a minute, and others go on', async () => {
    const limit = createRateLimit(new MemoryCache({ clock }));
    for (let index = 0; index < SIGN_IN_RATE_PER_MINUTE; index++) await limit.admitSignIn('192.0.2.1');
    expect(await codeOf(() => limit.admitSignIn('192.0.2.1'))).toBe('rate_limited');
    await limit.admitSignIn('192.0.2.2');
    await limit.admit('192.0.2.1');
  });
});
