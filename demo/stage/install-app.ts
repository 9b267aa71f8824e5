import { join } from 'node:path';
import { type Client, createClient, createFilePinStore, createMemoryKeyStore } from '../../client/index.ts';
import type { VerificationPolicy } from '../../protocol/index.ts';
import { APP, type App } from './app.ts';
import type { Stage } from './stage.ts';

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
