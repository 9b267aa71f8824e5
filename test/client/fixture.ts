import type { Client } from '../../client/client.ts';
import type { ClientOptions } from '../../client/client-options.ts';
import { createClient } from '../../client/create-client.ts';
import { createMemoryKeyStore, createMemoryPinStore } from '../../client/memory-stores.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import type { FakeBridge } from '../fakes/fake-bridge/fake-bridge.ts';

/** A client of this bridge on a device of its own, with stores in memory unless others are given. */
export function newClient(
  bridge: FakeBridge,
  engine: TransformEngine,
  options: Partial<ClientOptions> = {},
): Client {
  return createClient({
    issuer: bridge.issuer,
    clientId: 'test-app',
    keyStore: createMemoryKeyStore(),
    pinStore: createMemoryPinStore(),
    engine,
    fetch: bridge.fetch,
    clock: { now: () => bridge.time * 1000 },
    polling: { firstMs: 1, longestMs: 5 },
    ...options,
  });
}

export const REDIRECT_URI = 'https://app.example/callback';

/** Where the browser comes back to after the sign-in that the URL begins. */
export async function followSignIn(bridge: FakeBridge, url: string): Promise<string> {
  const response = await bridge.fetch(url, { redirect: 'manual' });
  return response.headers.get('location') ?? '';
}

export async function signIn(bridge: FakeBridge, client: Client, address: string): Promise<void> {
  const { url, pending } = await client.beginSignIn({ redirectUri: REDIRECT_URI, loginHint: address });
  await client.completeSignIn(await followSignIn(bridge, url), pending);
}

/** A signed-in client of this person, who is enrolled with it. */
export async function enrolled(
  bridge: FakeBridge,
  engine: TransformEngine,
  address: string,
  options: Partial<ClientOptions> = {},
): Promise<Client> {
  const client = newClient(bridge, engine, options);
  await signIn(bridge, client, address);
  await client.enrol({ label: 'laptop' });
  return client;
}
