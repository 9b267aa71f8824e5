import * as z from 'zod/mini';
import { bytes, bytes32, compactJws, digest, displayText, id, seconds } from '../claims.ts';
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

const shownKey = {
  halves: z.array(
    z.strictObject({ half: encryptionKeySchema, administrator: z.string(), registered: seconds }),
  ),
  /** What the company hands out, as soon as there are both halves. */
  fingerprint: z.nullable(digest),
};

/** `GET /admin/v1/recovery-key`. */
export const recoveryKeySchema = z.strictObject({
  iss: z.string(),
  ...shownKey,
  /** The key that is to take its place, where one is being made. */
  replacement: z.nullable(
    z.strictObject({
      reason: z.string(),
      begun: seconds,
      ...shownKey,
      /** Those who approved it, and with which half of before; of who was removed since, the half's signature alone counts. */
      approvals: z.array(
        z.strictObject({ administrator: z.string(), half: z.nullable(digest), counts: z.boolean() }),
      ),
    }),
  ),
});

/** `POST /admin/v1/recovery-key/replacement` → 201 `recoveryKeySchema`. */
export const replacementBodySchema = z.strictObject({
  reason: displayText(200).check(z.trim(), z.minLength(1)),
});

/** `POST /admin/v1/recovery-key/replacement/approvals` → 200 `recoveryKeySchema`. */
export const replacementApprovalSchema = z.strictObject({
  /** Of the two new halves, as it was compared. */
  fingerprint: digest,
  /** Thumbprint of one's own half of before, and its signature (Schnorr); null where that is lost. */
  half: z.nullable(digest),
  signature: z.nullable(bytes(256)),
});

/** `GET /admin/v1/recovery-key/coverage?after=`. */
export const escrowCoverageSchema = z.strictObject({
  setting: z.enum(['required', 'offered', 'off']),
  fingerprint: z.nullable(digest),
  /** People with keys, by what of them could be recovered; null behind the first page. */
  counts: z.nullable(
    z.strictObject({
      /** With the recovery key that there is. */
      current: z.int(),
      /** With one that was replaced. */
      before: z.int(),
      /** With halves that never were the organization's: with none of its keys. */
      foreign: z.int(),
      /** By a passphrase of their own alone. */
      passphrase: z.int(),
      none: z.int(),
    }),
  ),
  /** Whose keys the current recovery key does not cover, in the order of their ids. */
  uncovered: z.array(
    z.strictObject({
      ...{ sub: id, address: z.string() },
      escrow: z.enum(['before', 'foreign', 'passphrase', 'none']),
    }),
  ),
  next: z.nullable(id),
});

/** `POST /admin/v1/recovery-key/drills` → 201, `GET …/drills/{id}` → 200. */
export const recoveryDrillSchema = z.strictObject({
  id,
  fingerprint: digest,
  begun: seconds,
  expires: seconds,
  /** Random bytes, sealed to each half. */
  boxes: z.tuple([
    z.strictObject({ half: digest, box: share }),
    z.strictObject({ half: digest, box: share }),
  ]),
  /** Halves that were shown to work, and by whom. */
  answers: z.array(z.strictObject({ half: digest, administrator: z.string() })),
  /** When both were, by two administrators. */
  passed: z.nullable(seconds),
});

/** `POST …/drills/{id}/answers` → 200 `recoveryDrillSchema`: what the half opened. */
export const drillAnswerSchema = z.strictObject({ half: digest, opened: bytes32 });

/** A recovery as administrators see it. */
export const recoverySummarySchema = z.strictObject({
  id,
  /** `reading`: what a closed person sealed is to be read by the company (kept-escrow.ts). */
  purpose: z.enum(['recovery', 'reading']),
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
  /** Of the device; of the reader, where it is a reading. */
  device_key: encryptionKeySchema,
  /** Null for a reading: its reader signs nothing. */
  device_sig: z.nullable(signatureKeySchema),
  escrow: escrowSchema,
  /** The bridge's share, split and sealed to the halves when the person was closed; null where it is no reading. */
  kept_boxes: z.nullable(z.tuple([share, share])),
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
export type ReplacementApproval = z.infer<typeof replacementApprovalSchema>;
export type EscrowCoverage = z.infer<typeof escrowCoverageSchema>;
export type RecoveryDrill = z.infer<typeof recoveryDrillSchema>;
export type DrillAnswer = z.infer<typeof drillAnswerSchema>;
