import { CountersignError } from '../../protocol/errors.ts';
import { groupRotationTranscript } from '../../protocol/groups/group-transcript.ts';
import { type EncryptionKey, thumbprint } from '../../protocol/public-key.ts';
import { preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import type { PrePrivateKey, TransformEngine } from '../../recrypt/transform-engine.ts';
import type { Signer } from '../signer/signer.ts';
import type { Group } from './group-store.ts';
import { openGroupShare } from './sealed-group-keys.ts';

/** What a rotation brings, all of it the client's. */
export interface OfferedRotation {
  readonly token: string;
  readonly vaults: readonly Uint8Array[];
  readonly keyVersion: number;
  /** The new G. */
  readonly clientHalf: EncryptionKey;
  /** f = g_old − g_new, 32 bytes. */
  readonly factor: Uint8Array;
  /** By the new g, over all of it. */
  readonly proof: Uint8Array;
}

/**
 * s + f, if it makes the same G′ with the new G, and whoever sends it knows the new g. Throws `group_proof`,
 * `recrypt_input_invalid`.
 */
export async function rotatedShare(
  engine: TransformEngine,
  signer: Signer,
  group: Group,
  rotation: OfferedRotation,
): Promise<PrePrivateKey> {
  if (group.share === null) throw new CountersignError('group_ended');
  const clientHalf = preFromJwk(engine, rotation.clientHalf);
  const name = { group: group.group_id, keyVersion: group.key_version };
  const share = engine.addPrivateKeys(await openGroupShare(signer, name, group.share), rotation.factor);
  const sum = engine.augmentPublicKey(clientHalf, engine.computePublicKey(share));
  if (thumbprint(preToJwk(sum)) !== group.group_id) {
    throw new CountersignError('group_proof', 'the new halves do not make the group’s key');
  }
  const transcript = groupRotationTranscript(
    {
      iss: signer.iss,
      group: group.group_id,
      keyVersion: rotation.keyVersion,
      clientHalf: rotation.clientHalf,
    },
    rotation,
  );
  if (!engine.schnorrVerify(clientHalf, transcript, rotation.proof)) {
    throw new CountersignError('group_proof', 'the proof by the new half does not verify');
  }
  return share;
}
