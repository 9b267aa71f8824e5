import { loadOnDemand } from '../load-on-demand.ts';
import type { ClientParts } from '../own-account.ts';
import type { Assets } from './assets.ts';

/** The assets of a client, loaded when they are first used. */
export function createAssets(parts: ClientParts): Assets {
  return {
    seal: async (content, options) => (await loadOnDemand()).sealAsset(parts, content, options),
    recipients: async (data) => (await loadOnDemand()).showRecipients(parts, data),
    open: async (content, expected) => (await loadOnDemand()).openAsset(parts, content, expected),
  };
}
