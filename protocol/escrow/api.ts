import * as z from 'zod/mini';
import { decodeBase64url } from '../base64url.ts';
import { labelled } from '../canonical-json.ts';
import { bytes, compactJws, displayText, id, signature } from '../claims.ts';
import { sha256Base64url } from '../hash.ts';
import { signedStatementSchema } from '../key-statement.ts';
import { encryptionKeySchema, signatureKeySchema } from '../public-key.ts';
import { escrowSchema } from './escrow-record.ts';

/**
 * `POST /v1/escrow/opening` → 200 `escrowOpeningSchema`: what was escrowed, for a device that has only signed in. Each
 * request is an event, and they are few.
 */
export const escrowOpeningSchema = z.strictObject({
  escrow: escrowSchema,
  /** The statement in force. */
  current: signedStatementSchema,
});

/** `POST /v1/escrow/recoveries` → 200 `enrolmentResultSchema`: a device adds itself with the keys that it recovered. */
export const recoveryRequestSchema = z.strictObject({
  request_id: id,
  device_key: encryptionKeySchema,
  /** Must be the key that the access token is bound to. */
  device_sig: signatureKeySchema,
  label: displayText(64).check(z.trim(), z.minLength(1)),
  /** By the person's `sig`. */
  endorsement: compactJws,
  /** recrypt transform key u→D, signed with the person's `sig`. */
  transform_key: bytes(4096),
  /** Ed25519 signature by the person's `sig` over the transcript. */
  sig_proof: signature,
});

/** What a recovery is about, beside the request itself. */
export interface RecoveryContext {
  readonly iss: string;
  readonly sub: string;
  /** sha256 of the access token. */
  readonly accessTokenHash: string;
  /** Hash of the statement in force. */
  readonly statementHash: string;
}

/**
 * T of a recovery, label `recovery`: what shows that the keys are in this device's hands *now*. Without it, a device that
 * was removed could come back with the endorsement and the transform key that it was once given.
 */
export function recoveryTranscript(
  { iss, sub, accessTokenHash, statementHash }: RecoveryContext,
  request: Omit<RecoveryRequest, 'sig_proof' | 'label'>,
): Uint8Array<ArrayBuffer> {
  return labelled('recovery', {
    iss,
    sub,
    access_token_hash: accessTokenHash,
    statement_hash: statementHash,
    request_id: request.request_id,
    device_key: { ...request.device_key },
    device_sig: { ...request.device_sig },
    endorsement_hash: sha256Base64url(request.endorsement),
    transform_key_hash: sha256Base64url(decodeBase64url(request.transform_key)),
  });
}

export type EscrowOpening = z.infer<typeof escrowOpeningSchema>;
export type RecoveryRequest = z.infer<typeof recoveryRequestSchema>;
