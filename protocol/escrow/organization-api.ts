import * as z from 'zod/mini';
import { bytes, compactJws, digest, displayText, id, seconds } from '../claims.ts';
import { signedStatementSchema } from '../key-statement.ts';
import { encryptionKeySchema, signatureKeySchema } from '../public-key.ts';
import { escrowSchema } from './escrow-record.ts';

/** A share sealed to the asking device. */
const share = bytes(8192);

/** `POST /v1/recoveries` → 201 `recoverySchema`: a device that has only signed in asks two administrators for the keys. */
export const recoveryAskingSchema = z.strictObject({
  request_id: id,
  device_key: encryptionKeySchema,
  /** Must be the key that the access token is bound to. */
  device_sig: signatureKeySchema,
  label: displayText(64).check(z.trim(), z.minLength(1)),
});

/** `GET /v1/recoveries/{id}`, for the device that asked. */
export const recoverySchema = z.strictObject({
  id,
  status: z.enum(['pending', 'released', 'refused', 'expired']),
  expires: seconds,
  /** Once it is released. */
  released: z.nullable(
    z.strictObject({
      /** `organization-escrow+jwt`. */
      token: compactJws,
      /** In the order of its halves. */
      shares: z.tuple([share, share]),
    }),
  ),
});

/** `POST /admin/v1/recovery-key/halves` → 201 `recoveryKeySchema`. */
export const recoveryHalfSchema = z.strictObject({
  half: encryptionKeySchema,
  /** Schnorr signature by its private half. */
  proof: bytes(256),
});

/** `GET /admin/v1/recovery-key`. */
export const recoveryKeySchema = z.strictObject({
  iss: z.string(),
  halves: z.array(
    z.strictObject({ half: encryptionKeySchema, administrator: z.string(), registered: seconds }),
  ),
  /** What the company hands out, as soon as there are both halves. */
  fingerprint: z.nullable(digest),
});

/** A recovery as administrators see it. */
export const recoverySummarySchema = z.strictObject({
  id,
  sub: id,
  address: z.string(),
  label: z.string(),
  status: z.enum(['pending', 'released', 'refused', 'expired']),
  approvals: z.int(),
  created: seconds,
  expires: seconds,
});

/** `GET /admin/v1/recoveries/{id}`. Nothing in it is believed before it is compared. */
export const recoveryCaseSchema = z.extend(recoverySummarySchema, {
  device_key: encryptionKeySchema,
  device_sig: signatureKeySchema,
  escrow: escrowSchema,
  current: signedStatementSchema,
});

/** `POST /admin/v1/recoveries/{id}/approval` → 200 `recoverySummarySchema`. */
export const recoveryApprovalSchema = z.strictObject({
  /** Thumbprint of the half that opened the share. */
  half: digest,
  share,
});

export type RecoveryAsking = z.infer<typeof recoveryAskingSchema>;
export type Recovery = z.infer<typeof recoverySchema>;
export type RecoveryHalf = z.infer<typeof recoveryHalfSchema>;
export type RecoveryKey = z.infer<typeof recoveryKeySchema>;
export type RecoverySummary = z.infer<typeof recoverySummarySchema>;
export type RecoveryCase = z.infer<typeof recoveryCaseSchema>;
export type RecoveryApproval = z.infer<typeof recoveryApprovalSchema>;
