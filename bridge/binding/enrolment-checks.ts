import { type EnrolmentConfirmation, VAULT_BYTES } from '../../protocol/api.ts';
import { decodeBase64url } from '../../protocol/base64url.ts';
import { verifyDeviceEndorsement } from '../../protocol/device.ts';
import { verifyBytes } from '../../protocol/ed25519.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type SignedStatement, signedStatementBytes, statementBytes } from '../../protocol/key-statement.ts';
import { type EncryptionKey, type SignatureKey, thumbprint } from '../../protocol/public-key.ts';
import { confirmationTranscript } from '../../protocol/transcript.ts';
import { preFromJwk } from '../../recrypt/encoding.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { type EnrolmentState, transcriptOf } from './enrolment-state.ts';
import { checkEscrow } from './escrow-checks.ts';
import { assertUntransformed, augmentedTransformKey, type TransformKeyDeps } from './transform-keys.ts';

/** A confirmation of which every part was checked. */
export interface CheckedConfirmation {
  /** Signed by the person alone; the bridge adds its own where the statement has a reason. */
  readonly signed: SignedStatement;
  readonly endorsement: string;
  readonly vault: Uint8Array;
  readonly share: Uint8Array;
  /** Augmented with s, encoded. */
  readonly transformKey: Uint8Array;
}

/**
 * Holds a confirmation, all of which an attacker may have made, against the bridge's record of the offer. Throws
 * `statement_signature`, `enrolment_proof`, `endorsement_mismatch`, `escrow_mismatch`, `transform_key_mismatch`, `recrypt_input_invalid`,
 * `malformed_request`, `payload_too_large`, `overloaded`, `unavailable`.
 */
export async function checkConfirmation(
  deps: TransformKeyDeps,
  state: EnrolmentState,
  confirmation: EnrolmentConfirmation,
): Promise<CheckedConfirmation> {
  const { engine } = deps;
  if (state.share === null) throw new CountersignError('internal');
  const { request, offer } = state;
  const signed = { statement: offer.statement, signatures: [confirmation.statement_signature] };
  const encoded = decodeBase64url(confirmation.transform_key);
  const vault = decodeBase64url(confirmation.vault);
  if (vault.length > VAULT_BYTES) throw new CountersignError('payload_too_large', 'The vault is too large.');
  await assertStatementSignature(signed, request.sig);
  const transcript = confirmationTranscript(transcriptOf(state), {
    signedStatement: signedStatementBytes(signed),
    transformKey: encoded,
    vault,
  });
  await assertProofs(engine, state, confirmation, transcript);
  await assertEndorsed(confirmation.endorsement, offer.statement, {
    pre: request.device_key,
    sig: request.device_sig,
  });
  assertUntransformed(vault);
  await checkEscrow(engine, offer.statement, confirmation.escrow);
  const share = decodeBase64url(state.share, 32);
  const transformKey = await augmentedTransformKey(deps, {
    ...{ sub: offer.statement.sub, encoded },
    deviceKey: request.device_key,
    personSig: request.sig,
    share,
    vault,
  });
  return { signed, endorsement: confirmation.endorsement, vault, share, transformKey };
}

async function assertStatementSignature(signed: SignedStatement, sig: SignatureKey): Promise<void> {
  const [first] = signed.signatures;
  const bytes = statementBytes(signed.statement);
  if (first?.kid !== thumbprint(sig) || !(await verifyBytes(sig, bytes, first.signature))) {
    throw new CountersignError('statement_signature', 'the statement is not signed by the person’s new key');
  }
}

/** u and `sig` each sign all of it: neither can be exchanged by whoever knows the other. */
async function assertProofs(
  engine: TransformEngine,
  { request }: EnrolmentState,
  confirmation: EnrolmentConfirmation,
  transcript: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const clientHalf = preFromJwk(engine, request.client_half);
  const proof = decodeBase64url(confirmation.client_half_proof, 64);
  if (!engine.schnorrVerify(clientHalf, transcript, proof)) {
    throw new CountersignError('enrolment_proof', 'the proof by the client’s half does not verify');
  }
  if (!(await verifyBytes(request.sig, transcript, confirmation.sig_proof))) {
    throw new CountersignError('enrolment_proof', 'the proof by the signature key does not verify');
  }
}

/** The endorsement must be by this person's key, and for exactly these keys. Throws `endorsement_mismatch`. */
export async function assertEndorsed(
  endorsement: string,
  person: Parameters<typeof verifyDeviceEndorsement>[1],
  device: { pre: EncryptionKey; sig: SignatureKey },
): Promise<void> {
  const { keys } = await verifyDeviceEndorsement(endorsement, person);
  const [pre, sig] = keys;
  if (thumbprint(pre) !== thumbprint(device.pre) || thumbprint(sig) !== thumbprint(device.sig)) {
    throw new CountersignError('endorsement_mismatch', 'the endorsement is for another device');
  }
}
