import { decodeBase64url } from '../../protocol/base64url.ts';
import { type DeviceEndorsement, verifyDeviceEndorsement } from '../../protocol/device.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { KeptKey, ReleasedReading } from '../../protocol/escrow/kept-escrow.ts';
import { assetRecipients } from '../../protocol/groups/asset.ts';
import { createAssetOpener, readAssetHeader } from '../../protocol/groups/asset-chunks.ts';
import { sameParty } from '../../protocol/groups/party.ts';
import { assertSealedPlaintext, verifySealedKey } from '../../protocol/groups/sealed-key.ts';
import { decodeEncryptedValue } from '../../recrypt/encoding.ts';
import type { PrePrivateKey, TransformEngine } from '../../recrypt/transform-engine.ts';

/** What a reading opens an asset with. */
export interface AssetReading {
  readonly engine: TransformEngine;
  readonly privateKey: PrePrivateKey;
  readonly released: Pick<ReleasedReading, 'address' | 'current' | 'endorsements'>;
  /** Fetches a key that was sealed to the person. */
  readonly keyOf: (keyId: string) => Promise<KeptKey>;
}

/**
 * The content of an asset that a closed person sealed to themselves, as it is read: by their own device, which their own
 * keys vouched for. That nothing is missing is known when the stream has ended without an error. Throws `asset_invalid`,
 * `sealed_key_mismatch`, `sealed_key_sealer`, `sealed_key_commitment`, `sealed_key_unknown`.
 */
export async function readAsset(
  { engine, privateKey, released, keyOf }: AssetReading,
  content: ReadableStream<Uint8Array>,
): Promise<ReadableStream<Uint8Array>> {
  const { header, chunks } = await readAssetHeader(content);
  const { iss, sub } = released.current.statement;
  const own = assetRecipients(header).find(({ to }) => sameParty(to, { iss, sub }));
  if (own === undefined) {
    throw new CountersignError('sealed_key_mismatch', 'it is not sealed to this person');
  }
  const { encrypted, token, device_id } = await keyOf(own.keyId);
  const device = await endorsedDevice(released, device_id);
  const sealer = { address: released.address, device };
  const claims = await verifySealedKey(token, sealer, { to: own.to, key_id: own.keyId });
  const value = decodeEncryptedValue(decodeBase64url(encrypted), { maxBlocks: 0 });
  const plaintext = engine.decrypt(value, privateKey);
  assertSealedPlaintext(claims, plaintext);
  const key = Uint8Array.from(engine.deriveSymmetricKey(plaintext));
  plaintext.fill(0);
  const opener = await createAssetOpener(key, header, device);
  key.fill(0);
  return chunks.pipeThrough(opener);
}

/** One of the devices that the person had, by their own word. Throws `sealed_key_sealer`. */
async function endorsedDevice(
  { current, endorsements }: AssetReading['released'],
  deviceId: string,
): Promise<DeviceEndorsement> {
  for (const token of endorsements) {
    const device = await verifyDeviceEndorsement(token, current.statement);
    if (device.device_id === deviceId) return device;
  }
  throw new CountersignError('sealed_key_sealer', 'none of the devices that this person had last sealed it');
}
