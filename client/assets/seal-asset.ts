import { CountersignError } from '../../protocol/errors.ts';
import { newAssetHeader } from '../../protocol/groups/asset.ts';
import { createAssetSealer } from '../../protocol/groups/asset-chunks.ts';
import type { SealedKeyMade, SealRecipient } from '../groups/groups.ts';
import { sealKey } from '../groups/seal-key.ts';
import { type ClientParts, currentDevice } from '../own-account.ts';
import type { AssetContent, SealedAsset } from './assets.ts';
import { streamOf } from './content-stream.ts';

/** The key is sealed and stored before the first byte comes out: no asset is made that nobody can open. */
export async function sealAsset(
  parts: ClientParts,
  content: AssetContent,
  options: { to: SealRecipient } | { key: SealedKeyMade },
): Promise<SealedAsset> {
  const made = 'key' in options ? options.key : await sealKey(parts, options.to);
  const { to, keyId, key, deviceId, also = [], policy = null } = made;
  const device = await currentDevice(parts.context);
  // It would open for nobody: a file is its maker's word as the key is.
  if (device.id !== deviceId) throw new CountersignError('asset_signature', 'another device sealed this key');
  const sealer = await createAssetSealer(key, newAssetHeader(to, keyId, also), device.sig);
  // A key that was made for this asset alone has done its part.
  if (!('key' in options)) key.fill(0);
  return { to, keyId, also, policy, stream: streamOf(content).pipeThrough(sealer) };
}
