import { CountersignError, type ErrorCode, isCountersignError } from '../../protocol/errors.ts';
import { type AssetRecipient, assetRecipients } from '../../protocol/groups/asset.ts';
import { createAssetOpener, readAssetHeader } from '../../protocol/groups/asset-chunks.ts';
import type { KeyRecipient } from '../groups/groups.ts';
import { type OpenedWithSigner, openKeyOf } from '../groups/open-key.ts';
import type { ClientParts } from '../own-account.ts';
import type { AssetContent, OpenedAsset } from './assets.ts';
import { streamOf } from './content-stream.ts';

/**
 * Reads the header, has the key opened that it names, and opens the content as it is read. The header is whoever's who
 * wrote it: that the key and everything behind it belong together shows when the first chunk opens; that whoever sealed the
 * key made the file, and not another who has it, shows at its end.
 */
export async function openAsset(
  parts: ClientParts,
  content: AssetContent,
  { from, sealer }: { from?: KeyRecipient; sealer?: string } = {},
): Promise<OpenedAsset> {
  const { header, chunks } = await readAssetHeader(streamOf(content));
  const expected = {
    ...(from === undefined ? {} : { from }),
    ...(sealer === undefined ? {} : { sealer }),
  };
  try {
    const { to, keyId, opened, signer } = await openKeyOfOne(parts, assetRecipients(header), expected);
    const opener = await createAssetOpener(opened.key, header, signer.device);
    opened.key.fill(0);
    return { to, keyId, sealer: opened.sealer, stream: chunks.pipeThrough(opener) };
  } catch (error) {
    await chunks.cancel(error).catch(() => undefined);
    throw error;
  }
}

/** Of several recipients whoever this is not, or may not be (any more), says nothing about the next. */
const NOT_THEIRS: readonly ErrorCode[] = [
  ...(['sealed_key_mismatch', 'sealed_key_unknown', 'group_untrusted', 'group_unknown'] as const),
  ...(['group_excluded', 'membership_stale'] as const),
];

type OpenedForOne = AssetRecipient & OpenedWithSigner;

/** The key by way of the first recipient that this person is, or takes part in. Throws what the first one throws. */
async function openKeyOfOne(
  parts: ClientParts,
  recipients: readonly AssetRecipient[],
  expected: { from?: KeyRecipient; sealer?: string },
): Promise<OpenedForOne> {
  let first: CountersignError | undefined;
  for (const { to, keyId } of recipients) {
    try {
      return { to, keyId, ...(await openKeyOf(parts, to, keyId, expected)) };
    } catch (error) {
      if (!isCountersignError(error) || !NOT_THEIRS.includes(error.code)) throw error;
      first ??= error;
    }
  }
  throw first ?? new CountersignError('internal');
}
