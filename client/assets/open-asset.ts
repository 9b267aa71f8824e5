import { createAssetOpener, readAssetHeader } from '../../protocol/groups/asset-chunks.ts';
import type { KeyRecipient } from '../groups/groups.ts';
import { openKeyOf } from '../groups/open-key.ts';
import type { ClientParts } from '../own-account.ts';
import type { AssetContent, OpenedAsset } from './assets.ts';
import { streamOf } from './content-stream.ts';

/**
 * Reads the header, has the key opened that it names, and opens the content as it is read. The header is whoever's who
 * wrote it: that the key and everything behind it belong together shows when the first chunk opens.
 */
export async function openAsset(
  parts: ClientParts,
  content: AssetContent,
  { from, sealer }: { from?: KeyRecipient; sealer?: string } = {},
): Promise<OpenedAsset> {
  const { header, chunks } = await readAssetHeader(streamOf(content));
  const { to, keyId } = header;
  try {
    const opened = await openKeyOf(parts, to, keyId, {
      ...(from === undefined ? {} : { from }),
      ...(sealer === undefined ? {} : { sealer }),
    });
    const opener = await createAssetOpener(opened.key, header);
    opened.key.fill(0);
    return { to, keyId, sealer: opened.sealer, stream: chunks.pipeThrough(opener) };
  } catch (error) {
    await chunks.cancel(error).catch(() => undefined);
    throw error;
  }
}
