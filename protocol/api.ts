import * as z from 'zod/mini';
import {
  assurance,
  bytes,
  compactJws,
  digest,
  displayText,
  entityId,
  id,
  seconds,
  signature,
} from './claims.ts';
import { credentialSchema } from './credential.ts';
import { escrowSchema } from './escrow/escrow-record.ts';
import { keyStatementSchema } from './key-statement.ts';
import { LOOK_UP_ADDRESSES } from './look-up.ts';
import { encryptionKeySchema, signatureKeySchema } from './public-key.ts';

/** The bodies of the client API (`/v1`), one schema for the bridge that parses them and the client that makes them. */

/** Typed on the device that asks, read on the one that approves. */
const label = displayText(64).check(z.trim(), z.minLength(1));
const nonce = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/));

/** Bytes of a sealed box with a vault in it, before and after transforms; twice what both take. */
export const VAULT_BYTES = 8192;
export const TRANSFORMED_VAULT_BYTES = 16_384;

/** `POST /v1/enrolments` → 201 `enrolmentOfferSchema` (PROTOCOL §2, step 1). */
export const enrolmentRequestSchema = z.strictObject({
  request_id: id,
  /** Which of the person's addresses; the primary one if absent. */
  address: z.optional(z.string().check(z.maxLength(254))),
  /** U: the client's half of the person's encryption key. */
  client_half: encryptionKeySchema,
  sig: signatureKeySchema,
  /** D: the device's encryption key. */
  device_key: encryptionKeySchema,
  /** Must be the key that the access token is bound to. */
  device_sig: signatureKeySchema,
  device_label: label,
  /** What the statement is to declare; no escrow if absent. */
  escrow: z.optional(z.enum(['passphrase', 'organization'])),
});

export const enrolmentOfferSchema = z.strictObject({
  iss: entityId,
  enrolment_id: id,
  nonce,
  policy_hash: digest,
  /** S: the bridge's share. */
  share: encryptionKeySchema,
  /** U′ = U + S. */
  person_key: encryptionKeySchema,
  /** The complete unsigned key statement. */
  statement: keyStatementSchema,
  /** Schnorr signature by s over the transcript T. */
  share_proof: bytes(256),
  /** Seconds. */
  expires: seconds,
});

/** `POST /v1/enrolments/{enrolment_id}/confirmation` → 200 `enrolmentResultSchema` (PROTOCOL §2, step 2). */
export const enrolmentConfirmationSchema = z.strictObject({
  statement_signature: z.strictObject({ kid: digest, signature }),
  /** Schnorr signature by u over the confirmation transcript. */
  client_half_proof: bytes(256),
  /** Ed25519 signature by `sig` over the confirmation transcript. */
  sig_proof: signature,
  /** recrypt transform key u→D in its byte encoding, signed with `sig`. */
  transform_key: bytes(4096),
  /** `device-endorsement+jwt` for this device, by `sig`. */
  endorsement: compactJws,
  /** The vault, sealed to U′. */
  vault: bytes(VAULT_BYTES),
  /** Exactly if the statement declares one. */
  escrow: z.optional(escrowSchema),
});

export const enrolmentResultSchema = z.strictObject({
  credential: credentialSchema,
  device_binding: compactJws,
});

export const deviceSummarySchema = z.strictObject({
  device_id: digest,
  label: z.string(),
  added: seconds,
  current: z.boolean(),
});

/** `GET /v1/me`: who the token's holder is, and what stands there for them. */
export const meSchema = z.strictObject({
  iss: entityId,
  sub: id,
  organization: z.string(),
  name: z.nullable(z.string()),
  addresses: z.array(z.string()),
  assurance,
  /** Null until enrolled, or after a revocation. */
  credential: z.nullable(credentialSchema),
  /** Null while the token's device is not (or no longer) one of the person's. */
  device_binding: z.nullable(compactJws),
  devices: z.array(deviceSummarySchema),
  /**
   * Why the person's keys are to be rotated, if they are: since a device was removed, because they are old, because the
   * recovery key that they are escrowed to was replaced, or because the organization demands an escrow that they have not.
   */
  rotation_due: z.optional(
    z.enum(['device_removed', 'scheduled', 'recovery_key_replaced', 'escrow_required']),
  ),
  /** `recovery-key+jwt`, where the organization offers to recover keys. */
  recovery_key: z.optional(compactJws),
});

/** `GET /v1/vault`: the vault, transformed for the asking device. */
export const vaultSchema = z.strictObject({
  vault: bytes(TRANSFORMED_VAULT_BYTES),
  statement: keyStatementSchema,
});

/** `POST /v1/device-requests` → 201 `deviceRequestSchema`: a signed-in device asks to be added (PROTOCOL §9). */
export const deviceRequestBodySchema = z.strictObject({
  request_id: id,
  device_key: encryptionKeySchema,
  device_sig: signatureKeySchema,
  label,
  comparison: z.discriminatedUnion('method', [
    z.strictObject({ method: z.literal('fingerprint') }),
    z.strictObject({ method: z.literal('code'), commitment: digest }),
  ]),
});

/** `GET /v1/device-requests/{id}` for either side; `GET /v1/device-requests` lists the pending ones (`{requests: […]}`). */
export const deviceRequestSchema = z.strictObject({
  id,
  status: z.enum(['pending', 'approved', 'refused', 'expired']),
  iss: entityId,
  sub: id,
  device_key: encryptionKeySchema,
  device_sig: signatureKeySchema,
  label: z.string(),
  method: z.enum(['fingerprint', 'code']),
  commitment: z.nullable(digest),
  /** Set by the approver's challenge, then by the new device's reveal. */
  approver_sig: z.nullable(signatureKeySchema),
  approver_nonce: z.nullable(nonce),
  device_nonce: z.nullable(nonce),
  expires: seconds,
});

export const deviceRequestListSchema = z.strictObject({ requests: z.array(deviceRequestSchema) });

/** `POST /v1/device-requests/{id}/challenge`, by the approver, once, before the reveal. */
export const deviceChallengeSchema = z.strictObject({ nonce });

/** `POST /v1/device-requests/{id}/reveal`, by the new device, once, after the challenge. */
export const deviceRevealSchema = z.strictObject({ nonce });

/** `POST /v1/device-requests/{id}/approval`, by an endorsed device of the same person. */
export const deviceApprovalSchema = z.strictObject({
  endorsement: compactJws,
  /** recrypt transform key u→D of the new device, signed with the person's `sig`. */
  transform_key: bytes(4096),
});

/** `POST /v1/watch` → 200, a stream of server-sent events: `ready` (`watchReadySchema`), then `changed`. */
export const watchBodySchema = z.strictObject({
  /** In their one form. Those of partners may stand among them. */
  addresses: z
    .array(z.string().check(z.maxLength(254)))
    .check(z.minLength(1), z.maxLength(LOOK_UP_ADDRESSES)),
  /** The last `as_of` of the watch that this one goes on from. */
  since: z.optional(seconds),
});

export const watchReadySchema = z.object({ as_of: seconds });

/** Look this address up again: it says that something changed, and proves nothing. */
export const watchedChangeSchema = z.object({
  address: z.string().check(z.maxLength(254)),
  reason: z.enum(['published', 'revoked']),
  as_of: seconds,
});

/** `application/problem+json` (RFC 9457): every error answer. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  /** A stable error code of the closed union. */
  code: z.string(),
  detail: z.optional(z.string()),
  /** Quote it to support; it is in the log. */
  request_id: z.string(),
  trace_id: z.optional(z.string()),
  /** Of a refusal by policy: administrators find by it how it came to be. */
  decision_id: z.optional(z.string()),
});

export type EnrolmentRequest = z.infer<typeof enrolmentRequestSchema>;
export type EnrolmentOffer = z.infer<typeof enrolmentOfferSchema>;
export type EnrolmentConfirmation = z.infer<typeof enrolmentConfirmationSchema>;
export type EnrolmentResult = z.infer<typeof enrolmentResultSchema>;
export type Me = z.infer<typeof meSchema>;
export type DeviceSummary = z.infer<typeof deviceSummarySchema>;
export type DeviceRequestBody = z.infer<typeof deviceRequestBodySchema>;
export type DeviceRequest = z.infer<typeof deviceRequestSchema>;
export type DeviceApproval = z.infer<typeof deviceApprovalSchema>;
export type WatchBody = z.infer<typeof watchBodySchema>;
export type WatchedChange = Omit<z.infer<typeof watchedChangeSchema>, 'as_of'>;
export type Problem = z.infer<typeof problemSchema>;
