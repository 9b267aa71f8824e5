import { encodeBase64url } from '../base64url.ts';
import { labelled } from '../canonical-json.ts';
import { type SigningKey, signBytes, verifyBytes } from '../ed25519.ts';
import { CountersignError } from '../errors.ts';
import { sha256Base64url, startSha256 } from '../hash.ts';
import { cutPieces } from './cut-pieces.ts';
import type { SigningDevice } from './signer-evidence.ts';

/*
 * The signature of an asset: 64 bytes (Ed25519) behind the content, encrypted with it, over the label `asset` and
 * {content, device, header}. `header` is sha256 of the header; `device` the id of the device that signs, which is the one
 * that sealed the key: its `sealed-key+jwt` comes with the key, and the evidence for it. Whoever opened the key once can
 * make anything under it but this.
 */
export const ASSET_SIGNATURE_BYTES = 64;

/** Bytes of content that are hashed at once. */
const DIGESTED_BYTES = 65_536;

/** What is signed of the content, as it goes by. */
export interface ContentDigest {
  add(content: Uint8Array): Promise<void>;
  /** sha256 over the sha256 of each 64 KiB of content, one behind the other; the last may be shorter. */
  finish(): Promise<string>;
}

export function startContentDigest(): ContentDigest {
  const digests = startSha256();
  const pieces = cutPieces(DIGESTED_BYTES, async (piece) => {
    // Empty content has no piece.
    if (piece.length > 0) digests.update(new Uint8Array(await crypto.subtle.digest('SHA-256', piece)));
  });
  return {
    add: (content) => pieces.push(content),
    async finish() {
      await pieces.end();
      return encodeBase64url(digests.finish());
    },
  };
}

/** Signs an asset with the device that sealed its key; base64url. */
export async function signAsset(
  device: SigningKey,
  headerBytes: Uint8Array,
  content: string,
): Promise<string> {
  return signBytes(device, signedBytes(device.kid, headerBytes, content));
}

/** Throws `asset_signature` unless the device that sealed the key signed this content under this header. */
export async function verifyAssetSignature(
  { device_id: device, keys }: Pick<SigningDevice, 'device_id' | 'keys'>,
  headerBytes: Uint8Array,
  { content, signature }: { readonly content: string; readonly signature: string },
): Promise<void> {
  if (await verifyBytes(keys[1], signedBytes(device, headerBytes, content), signature)) return;
  throw new CountersignError('asset_signature');
}

function signedBytes(device: string, headerBytes: Uint8Array, content: string): Uint8Array<ArrayBuffer> {
  return labelled('asset', { content, device, header: sha256Base64url(headerBytes) });
}
