import { ASSET_CHUNK_BYTES } from '../../protocol/groups/asset.ts';
import type { AssetContent } from './assets.ts';

/** Content as a stream; bytes at hand are handed on piece by piece, so that no second copy of them arises. */
export function streamOf(content: AssetContent): ReadableStream<Uint8Array> {
  if (!(content instanceof Uint8Array)) return content;
  let offset = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (offset < content.length) controller.enqueue(content.subarray(offset, offset + ASSET_CHUNK_BYTES));
        offset += ASSET_CHUNK_BYTES;
        if (offset >= content.length) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}
