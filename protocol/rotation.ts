import * as z from 'zod/mini';
import { decodeBase64url } from './base64url.ts';
import { labelled } from './canonical-json.ts';
import { bytes, bytes32, compactJws, digest, entityId, id, seconds, signature } from './claims.ts';
import { credentialSchema } from './credential.ts';
import { escrowSchema } from './escrow/escrow-record.ts';
import { sha256Base64url } from './hash.ts';
import { keyStatementSchema, signedStatementSchema, statementSignaturesSchema } from './key-statement.ts';
import { type EncryptionKey, encryptionKeySchema } from './public-key.ts';

/**
 * Rotation of a person's keys (PROTOCOL §3, §9): a new u and `sig` behind the same public key U′. The bridge adds
 * f = u_old − u_new to its share; what was encrypted to U′, and the transform keys from it, stay good. And of a device's
 * encryption key, which is replaced together with its transform key.
 */

/** The devices that one rotation endorses anew; the bridge's limit of a person's devices is as high. */
export const ROTATION_DEVICES = 100;

/** `GET /v1/rotations/next`: what a rotation begins with. Nothing in it is believed before it is verified. */
export const rotationStartSchema = z.strictObject({
  iss: entityId,
  sub: id,
  /** The statement that is to be continued. */
  current: signedStatementSchema,
  /** What the next one is to have as `since`: the bridge's clock counts. */
  since: seconds,
  /** `escrow+jwt` by the `sig` that is to be replaced, where the statement declares one. */
  escrow: z.optional(compactJws),
  devices: z
    .array(
      z.strictObject({
        device_id: digest,
        label: z.string(),
        added: seconds,
        current: z.boolean(),
        /** `device-endorsement+jwt` by the `sig` that is to be replaced. */
        endorsement: compactJws,
      }),
    )
    .check(z.maxLength(ROTATION_DEVICES)),
});

/** `POST /v1/rotations` → 200 `rotationResultSchema`. */
export const rotationRequestSchema = z.strictObject({
  request_id: id,
  /** The complete next statement: next version and key version, the same `pre`, another `sig`. */
  statement: z.extend(keyStatementSchema, {
    address: z.string().check(z.minLength(1), z.maxLength(254)),
    prev: digest,
  }),
  /** By the `sig` before and the new one. */
  signatures: statementSignaturesSchema,
  /** U_new: the client's half from now on. */
  client_half: encryptionKeySchema,
  /** f = u_old − u_new, 32 bytes: a secret of the client and the bridge. */
  factor: bytes32,
  /** The new vault, sealed to U′. */
  vault: bytes(8192),
  /** The new content sealed to the recovery key too, exactly if the statement declares an escrow. */
  escrow: z.optional(escrowSchema),
  /** `device-endorsement+jwt` by the new `sig`, one for each device that the person has. */
  endorsements: z.array(compactJws).check(z.minLength(1), z.maxLength(ROTATION_DEVICES)),
  /** Schnorr signature by u_new over the transcript. */
  client_half_proof: bytes(256),
  /** Ed25519 signature by the new `sig` over the transcript. */
  sig_proof: signature,
});

export const rotationResultSchema = z.strictObject({
  credential: credentialSchema,
  device_binding: compactJws,
});

/** `POST /v1/devices/current/rotation` → 200 `deviceRotationResultSchema`, by the device whose key it is. */
export const deviceRotationRequestSchema = z.strictObject({
  /** D_new. */
  device_key: encryptionKeySchema,
  /** `device-endorsement+jwt` by the person's `sig`, for D_new and the device's unchanged `sig`. */
  endorsement: compactJws,
  /** recrypt transform key u→D_new, signed with the person's `sig`. */
  transform_key: bytes(4096),
  /** Schnorr signature by the private half of D_new over the device's transcript. */
  device_key_proof: bytes(256),
});

export const deviceRotationResultSchema = z.strictObject({ device_binding: compactJws });

export type RotationStart = z.infer<typeof rotationStartSchema>;
export type RotationRequest = z.infer<typeof rotationRequestSchema>;
export type RotationResult = z.infer<typeof rotationResultSchema>;
export type DeviceRotationRequest = z.infer<typeof deviceRotationRequestSchema>;
export type DeviceRotationResult = z.infer<typeof deviceRotationResultSchema>;

/** What the transcript of a rotation names beside the request itself. */
export interface RotationContext {
  readonly iss: string;
  readonly sub: string;
  /** The device that rotates. */
  readonly deviceId: string;
  /** Hash of the statement that is continued. */
  readonly previous: string;
  /** U′. */
  readonly personKey: EncryptionKey;
}

/** T of a rotation, label `rotation`: u_new and the new `sig` each sign all of it, so that no part can be exchanged. */
export function rotationTranscript(
  { iss, sub, deviceId, previous, personKey }: RotationContext,
  request: Omit<RotationRequest, 'client_half_proof' | 'sig_proof'>,
): Uint8Array<ArrayBuffer> {
  const { reason, ...rest } = request.statement;
  return labelled('rotation', {
    ...{ iss, sub, device_id: deviceId, request_id: request.request_id, previous },
    statement: reason === undefined ? rest : { ...rest, reason },
    signatures: request.signatures,
    person_key: { ...personKey },
    client_half: { ...request.client_half },
    factor_hash: sha256Base64url(decodeBase64url(request.factor, 32)),
    vault_hash: sha256Base64url(decodeBase64url(request.vault)),
    endorsement_hashes: request.endorsements.map((endorsement) => sha256Base64url(endorsement)),
    // The token names the box.
    ...(request.escrow === undefined ? {} : { escrow_hash: sha256Base64url(request.escrow.token) }),
  });
}

/** T of a device's rotation, label `device-rotation`. */
export function deviceRotationTranscript(
  { iss, sub, deviceId }: Pick<RotationContext, 'iss' | 'sub' | 'deviceId'>,
  request: Omit<DeviceRotationRequest, 'device_key_proof'>,
): Uint8Array<ArrayBuffer> {
  return labelled('device-rotation', {
    ...{ iss, sub, device_id: deviceId },
    device_key: { ...request.device_key },
    endorsement_hash: sha256Base64url(request.endorsement),
    transform_key_hash: sha256Base64url(decodeBase64url(request.transform_key)),
  });
}
