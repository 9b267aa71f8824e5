import { newAssetHeader } from '../../protocol/groups/asset.ts';
import { createAssetSealer } from '../../protocol/groups/asset-chunks.ts';
import type { SealedKeyMade, SealRecipient } from '../groups/groups.ts';
import { sealKey } from '../groups/seal-key.ts';
import type { ClientParts } from '../own-account.ts';
import type { AssetContent, SealedAsset } from './assets.ts';
import { streamOf } from './content-stream.ts';

/** The key is sealed and stored before the first byte comes out: no asset is made that nobody can open. */
export async function sealAsset(
  parts: ClientParts,
  content: AssetContent,
  options: { to: SealRecipient } | { key: SealedKeyMade },
): Promise<SealedAsset> {
  const made = 'key' in options ? options.key : await sealKey(parts, options.to);
  const { to, keyId, key, also = [], policy = null } = made;
  const sealer = await createAssetSealer(key, newAssetHeader(to, keyId, also));
  // A key that was made for this asset alone has done its part.
  if (!('key' in options)) key.fill(0);
  return { to, keyId, also, policy, stream: streamOf(content).pipeThrough(sealer) };
}
