import type { Client, KeyStore, PinStore } from '../../client/index.ts';

/** The client app of the story, as both companies register it. */
export const APP = {
  id: 'demo-app',
  name: 'Demo app',
  redirectUris: ['http://127.0.0.1/callback'],
};

/** A person's app on one device: own keys, own pins. */
export interface App {
  readonly client: Client;
  readonly keyStore: KeyStore;
  readonly pinStore: PinStore;
}
