import type { EnrolmentOffer, EnrolmentRequest, Me } from '../protocol/api.ts';
import { decodeBase64url } from '../protocol/base64url.ts';
import { CountersignError } from '../protocol/errors.ts';
import { CLOCK_SKEW } from '../protocol/jws.ts';
import { statementHash } from '../protocol/key-statement.ts';
import { thumbprint } from '../protocol/public-key.ts';
import { enrolmentTranscript } from '../protocol/transcript.ts';
import { preFromJwk, preToJwk } from '../recrypt/encoding.ts';
import type { PrePublicKey, TransformEngine } from '../recrypt/transform-engine.ts';
import type { AddressPin } from './pin-store.ts';

/** What was asked for, and what is known besides, to hold an offer against. */
export interface Asked {
  readonly issuer: string;
  readonly who: Pick<Me, 'sub' | 'addresses'>;
  readonly request: EnrolmentRequest;
  readonly accessTokenHash: string;
  /** What is pinned for the address that is offered. */
  readonly pin: (address: string) => AddressPin | undefined;
  readonly now: number;
}

/** An offer that was checked. */
export interface CheckedOffer {
  /** U′. */
  readonly personKey: PrePublicKey;
  /** T. */
  readonly transcript: Uint8Array<ArrayBuffer>;
}

/**
 * Holds an offer against what was asked, before anything is signed (PROTOCOL §2 step 2). The offer is
 * attacker-controlled: a bridge could hand out a key that it owns alone, or have another statement signed. Throws
 * `enrolment_offer`, and `enrolment_proof` when the bridge does not prove that it knows its share and no more.
 */
export function checkOffer(engine: TransformEngine, offer: EnrolmentOffer, asked: Asked): CheckedOffer {
  if (offer.iss !== asked.issuer) refuse('it is from another bridge');
  if (offer.expires <= asked.now - CLOCK_SKEW) refuse('it has expired');
  const personKey = checkSum(engine, offer, asked.request);
  checkStatement(offer, asked);
  const transcript = enrolmentTranscript({
    iss: offer.iss,
    accessTokenHash: asked.accessTokenHash,
    nonce: offer.nonce,
    enrolmentId: offer.enrolment_id,
    requestId: asked.request.request_id,
    clientHalf: asked.request.client_half,
    share: offer.share,
    personKey: offer.person_key,
    sig: asked.request.sig,
    deviceKey: asked.request.device_key,
    deviceSig: asked.request.device_sig,
    policyHash: offer.policy_hash,
    statementHash: statementHash(offer.statement),
  });
  const share = preFromJwk(engine, offer.share);
  if (!engine.schnorrVerify(share, transcript, shareProof(offer))) {
    throw new CountersignError('enrolment_proof', 'the bridge does not prove its share');
  }
  return { personKey, transcript };
}

/** U′ must be U + S: otherwise the bridge may know all of it. */
function checkSum(engine: TransformEngine, offer: EnrolmentOffer, request: EnrolmentRequest): PrePublicKey {
  const sum = engine.augmentPublicKey(
    preFromJwk(engine, request.client_half),
    preFromJwk(engine, offer.share),
  );
  if (thumbprint(preToJwk(sum)) !== thumbprint(offer.person_key)) {
    throw new CountersignError('enrolment_proof', 'the key offered is not the sum of the two halves');
  }
  return sum;
}

function shareProof(offer: EnrolmentOffer): Uint8Array {
  try {
    return decodeBase64url(offer.share_proof, 64);
  } catch (cause) {
    throw new CountersignError('enrolment_proof', 'the proof of the share is malformed', { cause });
  }
}

/** Seconds that a statement may have waited for the network, or that clocks may differ. */
const SINCE_TOLERANCE = 300;

function checkStatement({ statement, person_key }: EnrolmentOffer, asked: Asked): void {
  const { request, who, now } = asked;
  const wanted = request.address ?? who.addresses[0];
  if (statement.iss !== asked.issuer || statement.sub !== who.sub) refuse('it names another person');
  if (wanted === undefined || !who.addresses.includes(wanted) || statement.address !== wanted) {
    refuse('it is for another address');
  }
  if (statement.status !== 'active') refuse('it is not for an active key');
  if (statement.escrow !== (request.escrow ?? 'none'))
    refuse('it declares another escrow than was agreed to');
  const [pre, sig] = statement.keys;
  if (thumbprint(pre) !== thumbprint(person_key)) refuse('it is over another encryption key');
  if (thumbprint(sig) !== thumbprint(request.sig)) refuse('it is over another signature key');
  if (Math.abs(statement.since - now) > SINCE_TOLERANCE) refuse('it is dated otherwise than now');
  checkSuccession({ statement }, asked.pin(statement.address));
}

/** Version 0 begins; a later one names what it follows, and why the bridge signs too. */
function checkSuccession(
  { statement }: Pick<EnrolmentOffer, 'statement'>,
  pin: AddressPin | undefined,
): void {
  const first = statement.version === 0;
  if (first !== (statement.prev === null)) refuse('its version and what it follows do not fit');
  if (first !== (statement.reason === undefined)) refuse('its version and its reason do not fit');
  if (statement.reason === 'closed') refuse('its reason is none to be active');
  if (pin === undefined || pin.iss !== statement.iss) return;
  if (statement.version <= pin.version) refuse('its version was used before');
  if (statement.version === pin.version + 1 && statement.prev !== pin.statement_hash) {
    refuse('it does not follow the version that was seen before');
  }
}

function refuse(why: string): never {
  throw new CountersignError('enrolment_offer', `the offer is refused: ${why}`);
}
