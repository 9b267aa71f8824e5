import { join } from 'node:path';
import {
  type Client,
  createClient,
  createFilePinStore,
  createMemoryKeyStore,
  createMemoryPinStore,
} from '../../client/index.ts';
import type { VerificationPolicy } from '../../protocol/index.ts';
import { APP, type App } from './app.ts';
import type { Stage } from './stage.ts';
import { policyFor } from './watchers.ts';

/** The app on a new device of somebody of this bridge; `place` is the device's folder. */
export function installApp(stage: Stage, issuer: string, place: string): App {
  const keyStore = createMemoryKeyStore();
  const pinStore = createFilePinStore(join(stage.folder, place, 'pins.json'));
  return { keyStore, pinStore, client: clientOf(stage, issuer, { keyStore, pinStore }, stage.fetch) };
}

/** The same app with another way to the network, or none, and with what its policy demands. */
export function clientOf(
  stage: Stage,
  issuer: string,
  stores: Pick<App, 'keyStore' | 'pinStore'>,
  fetchOfApp: typeof fetch,
  policy?: VerificationPolicy,
): Client {
  const polling = { firstMs: 20, longestMs: 100 };
  return createClient({
    ...{ issuer, clientId: APP.id, engine: stage.engine, fetch: fetchOfApp, polling },
    ...{ keyStore: stores.keyStore, pinStore: stores.pinStore },
    ...(policy === undefined ? {} : { policy }),
  });
}

/** Ada's app with the policy of her company about its partner Globex: what the auditor has seen, and nothing less. */
export function demandingApp(stage: Stage): Client {
  return ofAda(stage, stage.ada.get());
}

/** The same, of somebody who has looked nobody up yet: nothing is pinned. */
export function firstContactApp(stage: Stage): Client {
  return ofAda(stage, { keyStore: stage.ada.get().keyStore, pinStore: createMemoryPinStore() });
}

function ofAda(stage: Stage, stores: Pick<App, 'keyStore' | 'pinStore'>): Client {
  const policy = policyFor(stage.watchers.get(), 'globex', 'audited');
  return clientOf(stage, stage.acme.get().issuer, stores, stage.fetch, policy);
}
