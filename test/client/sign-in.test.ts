import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryKeyStore } from '../../client/memory-stores.ts';
import { signInWithLoopback } from '../../client/node-loopback.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { type FakeBridge, startFakeBridge } from '../fakes/fake-bridge/fake-bridge.ts';
import { codeOf } from '../protocol/codes.ts';
import { followSignIn, newClient, REDIRECT_URI, signIn } from './fixture.ts';

let engine: TransformEngine;
let bridge: FakeBridge;
let close: () => Promise<void>;
const address = 'alice@acme.example';

beforeAll(async () => {
  engine = await loadTransformEngine({ prefer: 'wasm' });
});
beforeEach(async () => {
  ({ bridge, close } = await startFakeBridge(engine));
  bridge.addPerson('alice');
});
afterEach(() => close());

async function begun() {
  const client = newClient(bridge, engine);
  const { url, pending } = await client.beginSignIn({ redirectUri: REDIRECT_URI, loginHint: address });
  return { client, pending, callback: new URL(await followSignIn(bridge, url)) };
}

describe('signing in', () => {
  it('ends with a token that the bridge takes from this device', async () => {
    const client = newClient(bridge, engine);
    expect(await client.signedIn()).toBe(false);
    await signIn(bridge, client, address);
    expect(await client.signedIn()).toBe(true);
    expect(await client.me()).toMatchObject({ sub: 'sub-alice', credential: null, deviceBinding: null });
  });

  it('pushes what it asks for, so that the URL carries a reference and nothing else', async () => {
    const client = newClient(bridge, engine);
    const { url } = await client.beginSignIn({ redirectUri: REDIRECT_URI, loginHint: address });
    expect([...new URL(url).searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
  });

  it('repeats a request with the nonce that the bridge demands, at OAuth and at the API', async () => {
    bridge.oauth.nonce = 'nonce-1';
    const client = newClient(bridge, engine);
    await signIn(bridge, client, address);
    bridge.oauth.nonce = 'nonce-2';
    expect((await client.me()).sub).toBe('sub-alice');
  });

  it('refuses a callback of another sign-in', async () => {
    const { client, pending, callback } = await begun();
    callback.searchParams.set('state', 'another');
    expect(await codeOf(() => client.completeSignIn(callback.href, pending))).toBe('sign_in_mismatch');
  });

  it.each([
    ['of another server', (url: URL) => url.searchParams.set('iss', 'https://bridge.mallory.example')],
    ['that names no server', (url: URL) => url.searchParams.delete('iss')],
  ])('refuses a callback %s', async (_what, change) => {
    const { client, pending, callback } = await begun();
    change(callback);
    expect(await codeOf(() => client.completeSignIn(callback.href, pending))).toBe('sign_in_mismatch');
  });

  it('refuses a callback at another address', async () => {
    const { client, pending, callback } = await begun();
    const elsewhere = `https://mallory.example/callback${callback.search}`;
    expect(await codeOf(() => client.completeSignIn(elsewhere, pending))).toBe('sign_in_mismatch');
    expect(await codeOf(() => client.completeSignIn('not a url', pending))).toBe('sign_in_mismatch');
  });

  it.each(['state', 'iss', 'code'])('refuses a callback with two of %s', async (name) => {
    const { client, pending, callback } = await begun();
    callback.searchParams.append(name, callback.searchParams.get(name) ?? '');
    expect(await codeOf(() => client.completeSignIn(callback.href, pending))).toBe('sign_in_mismatch');
  });

  it('refuses a callback that brings neither a code nor an error', async () => {
    const { client, pending, callback } = await begun();
    callback.searchParams.delete('code');
    expect(await codeOf(() => client.completeSignIn(callback.href, pending))).toBe('bridge_invalid');
  });

  it.each([
    ['names itself otherwise', { issuer: 'https://bridge.mallory.example' }],
    ['has its token endpoint elsewhere', { token_endpoint: 'https://mallory.example/token' }],
    ['has its sign-in page elsewhere', { authorization_endpoint: 'https://mallory.example/auth' }],
    ['takes no pushed requests', { pushed_authorization_request_endpoint: undefined }],
  ])('sends nothing to an authorization server that %s', async (_what, changes) => {
    const asked: string[] = [];
    const client = newClient(bridge, engine, {
      fetch: async (input, init) => {
        asked.push(String(input));
        const response = await bridge.fetch(input, init);
        return Response.json({ ...(await response.json()), ...changes });
      },
    });
    expect(await codeOf(() => client.beginSignIn({ redirectUri: REDIRECT_URI }))).toBe('bridge_invalid');
    expect(asked).toEqual([`${bridge.issuer}/.well-known/oauth-authorization-server`]);
  });

  it.each([
    ['no token', (honest: object) => ({ ...honest, access_token: undefined })],
    ['an empty token', (honest: object) => ({ ...honest, access_token: '' })],
    ['a life that is no number', (honest: object) => ({ ...honest, expires_in: 'long' })],
    ['a life that is over', (honest: object) => ({ ...honest, expires_in: -1 })],
  ])('refuses an answer with %s', async (_what, change) => {
    bridge.lies.tokenResponse = change;
    const { client, pending, callback } = await begun();
    expect(await codeOf(() => client.completeSignIn(callback.href, pending))).toBe('bridge_invalid');
  });

  it('follows no redirect with a code in hand', async () => {
    const modes: (RequestRedirect | undefined)[] = [];
    const client = newClient(bridge, engine, {
      fetch: (input, init) => {
        modes.push(init?.redirect);
        return bridge.fetch(input, init);
      },
    });
    await signIn(bridge, client, address);
    expect(new Set(modes)).toEqual(new Set(['manual']));
  });

  it('says so when the person gave up', async () => {
    const { client, pending, callback } = await begun();
    callback.searchParams.delete('code');
    callback.searchParams.set('error', 'access_denied');
    expect(await codeOf(() => client.completeSignIn(callback.href, pending))).toBe('sign_in_refused');
  });

  it('says so when the code was used before', async () => {
    const { client, pending, callback } = await begun();
    await client.completeSignIn(callback.href, pending);
    expect(await codeOf(() => client.completeSignIn(callback.href, pending))).toBe('sign_in_refused');
  });

  it('cannot be completed on another device, to which the code is not bound', async () => {
    const { pending, callback } = await begun();
    const other = newClient(bridge, engine);
    expect(await codeOf(() => other.completeSignIn(callback.href, pending))).toBe('sign_in_mismatch');
    await other.beginSignIn({ redirectUri: REDIRECT_URI });
    expect(await codeOf(() => other.completeSignIn(callback.href, pending))).toBe('sign_in_refused');
  });

  it('refuses a token that is not bound to the device', async () => {
    bridge.lies.tokenResponse = (honest) => ({ ...honest, token_type: 'Bearer' });
    const { client, pending, callback } = await begun();
    expect(await codeOf(() => client.completeSignIn(callback.href, pending))).toBe('bridge_invalid');
  });

  it('says so when the bridge cannot be reached', async () => {
    const client = newClient(bridge, engine, { fetch: () => Promise.reject(new TypeError('fetch failed')) });
    expect(await codeOf(() => client.beginSignIn({ redirectUri: REDIRECT_URI }))).toBe('bridge_unreachable');
  });
});

describe('a session', () => {
  it('renews a token before its end, once for all who wait for it', async () => {
    const client = newClient(bridge, engine);
    await signIn(bridge, client, address);
    bridge.time += 3590;
    await Promise.all([client.me(), client.me(), client.me()]);
    expect(bridge.oauth.refreshes).toBe(1);
  });

  it('renews a token that the bridge does not take any more, and repeats the request', async () => {
    const client = newClient(bridge, engine);
    await signIn(bridge, client, address);
    bridge.oauth.forgetAccessTokens();
    expect((await client.me()).sub).toBe('sub-alice');
    expect(bridge.oauth.refreshes).toBe(1);
  });

  it('uses each refresh token once', async () => {
    const client = newClient(bridge, engine);
    await signIn(bridge, client, address);
    for (const refreshes of [1, 2, 3]) {
      bridge.oauth.forgetAccessTokens();
      await client.me();
      expect(bridge.oauth.refreshes).toBe(refreshes);
    }
  });

  it('ends when the bridge forgot it', async () => {
    const client = newClient(bridge, engine);
    await signIn(bridge, client, address);
    bridge.oauth.forgetEverything();
    expect(await codeOf(() => client.me())).toBe('sign_in_required');
    expect(await client.signedIn()).toBe(false);
  });

  it('ends at sign-out, at the bridge too, and keeps the keys of the device', async () => {
    const keyStore = createMemoryKeyStore();
    const client = newClient(bridge, engine, { keyStore });
    await signIn(bridge, client, address);
    const before = await keyStore.load();
    await client.signOut();
    expect(bridge.seen).toContain('POST /oauth/token/revocation');
    expect(await codeOf(() => client.me())).toBe('sign_in_required');
    await signIn(bridge, client, address);
    expect((await keyStore.load())?.sig.kid).toBe(before?.sig.kid);
  });

  it('makes a new device after the old one was forgotten', async () => {
    const keyStore = createMemoryKeyStore();
    const client = newClient(bridge, engine, { keyStore });
    await signIn(bridge, client, address);
    const before = await keyStore.load();
    await client.signOut({ forgetDevice: true });
    expect(await keyStore.load()).toBeNull();
    await signIn(bridge, client, address);
    expect((await keyStore.load())?.sig.kid).not.toBe(before?.sig.kid);
  });

  it('does not use the keys of a device of another bridge', async () => {
    const keyStore = createMemoryKeyStore();
    await signIn(bridge, newClient(bridge, engine, { keyStore }), address);
    const other = newClient(bridge, engine, { keyStore, issuer: 'https://bridge.globex.example' });
    expect(await codeOf(() => other.me())).toBe('key_store_invalid');
  });
});

describe('signing in through the system’s browser', () => {
  it('comes back to a port of its own', async () => {
    const client = newClient(bridge, engine);
    await signInWithLoopback(client, {
      loginHint: address,
      open: async (url) => {
        const callback = await followSignIn(bridge, url);
        expect(callback).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback\?/);
        expect((await fetch(callback)).status).toBe(200);
      },
    });
    expect(await client.signedIn()).toBe(true);
  });

  it('does not listen to who does not know the state', async () => {
    const client = newClient(bridge, engine);
    await signInWithLoopback(client, {
      loginHint: address,
      open: async (url) => {
        const callback = new URL(await followSignIn(bridge, url));
        const forged = new URL(callback);
        forged.searchParams.set('state', 'guessed');
        expect((await fetch(forged)).status).toBe(404);
        expect((await fetch(callback)).status).toBe(200);
      },
    });
    expect(await client.signedIn()).toBe(true);
  });

  it('can be given up', async () => {
    const client = newClient(bridge, engine);
    const giveUp = new AbortController();
    const open = () => giveUp.abort();
    expect(await codeOf(() => signInWithLoopback(client, { open, signal: giveUp.signal }))).toBe('aborted');
  });
});
