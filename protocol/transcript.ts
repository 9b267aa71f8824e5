import { concatBytes } from './bytes.ts';
import { labelled } from './canonical-json.ts';
import { sha256 } from './hash.ts';
import type { EncryptionKey, SignatureKey } from './public-key.ts';

/** All that an enrolment is about (PROTOCOL §2). Every member binds it to one bridge, token, request, person and device. */
export interface EnrolmentTranscript {
  readonly iss: string;
  /** sha256 of the access token. */
  readonly accessTokenHash: string;
  readonly nonce: string;
  readonly enrolmentId: string;
  readonly requestId: string;
  /** U: the client's half of the person's encryption key. */
  readonly clientHalf: EncryptionKey;
  /** S: the bridge's share. */
  readonly share: EncryptionKey;
  /** U′ = U + S. */
  readonly personKey: EncryptionKey;
  readonly sig: SignatureKey;
  /** D: the device's encryption key. */
  readonly deviceKey: EncryptionKey;
  readonly deviceSig: SignatureKey;
  readonly policyHash: string;
  /** Hash of the complete unsigned key statement. */
  readonly statementHash: string;
}

/** T: what the bridge proves its share over. */
export function enrolmentTranscript(t: EnrolmentTranscript): Uint8Array<ArrayBuffer> {
  return labelled('enrolment', {
    iss: t.iss,
    access_token_hash: t.accessTokenHash,
    nonce: t.nonce,
    enrolment_id: t.enrolmentId,
    request_id: t.requestId,
    client_half: { ...t.clientHalf },
    share: { ...t.share },
    person_key: { ...t.personKey },
    sig: { ...t.sig },
    device_key: { ...t.deviceKey },
    device_sig: { ...t.deviceSig },
    policy_hash: t.policyHash,
    statement_hash: t.statementHash,
  });
}

/**
 * T ‖ sha256(signed statement) ‖ sha256(transform key) ‖ sha256(vault): what the client confirms with u and `sig`, so
 * that nobody on the way can exchange one of the parts.
 */
export function confirmationTranscript(
  transcript: Uint8Array,
  parts: { signedStatement: Uint8Array; transformKey: Uint8Array; vault: Uint8Array },
): Uint8Array<ArrayBuffer> {
  return concatBytes(
    transcript,
    sha256(parts.signedStatement),
    sha256(parts.transformKey),
    sha256(parts.vault),
  );
}
