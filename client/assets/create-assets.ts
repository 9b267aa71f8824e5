import type { ClientParts } from '../own-account.ts';
import type { Assets } from './assets.ts';

/** The assets of a client, loaded when they are first used. */
export function createAssets(parts: ClientParts): Assets {
  return {
    seal: async (content, options) => (await import('../on-demand.ts')).sealAsset(parts, content, options),
    recipients: async (data) => (await import('../on-demand.ts')).showRecipients(parts, data),
    open: async (content, expected) => (await import('../on-demand.ts')).openAsset(parts, content, expected),
  };
}
