import { decodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { GroupOffer, GroupRequest } from '../../protocol/groups/api.ts';
import { groupTranscript } from '../../protocol/groups/group-transcript.ts';
import { CLOCK_SKEW } from '../../protocol/jws.ts';
import { thumbprint } from '../../protocol/public-key.ts';
import { preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import type { Actor } from './acting.ts';
import type { JudgedAdmin } from './group-vault.ts';

export interface AskedGroup {
  readonly issuer: string;
  readonly actor: Actor;
  readonly request: GroupRequest;
  readonly admins: readonly JudgedAdmin[];
  readonly now: number;
}

/**
 * Holds an offer against what was asked, before anything is signed or sealed (PROTOCOL §10, §2 step 2); answers T. The
 * offer is attacker-controlled: a bridge could hand out a key that it owns alone, or name other admins or keys of
 * theirs. Throws `group_offer`, and `group_proof` when the bridge does not prove that it knows its share and no more.
 */
export function checkGroupOffer(
  engine: TransformEngine,
  offer: GroupOffer,
  asked: AskedGroup,
): Uint8Array<ArrayBuffer> {
  const { request, actor } = asked;
  if (offer.iss !== asked.issuer) refuse('it is from another bridge');
  if (offer.expires <= asked.now - CLOCK_SKEW) refuse('it has expired');
  checkSum(engine, offer, request);
  checkAdmins(offer, asked.admins);
  const transcript = groupTranscript({
    iss: offer.iss,
    requestId: request.request_id,
    nonce: offer.nonce,
    offerId: offer.offer_id,
    creator: actor.statement.sub,
    device: actor.device.id,
    kind: request.kind,
    label: request.label,
    ends: request.ends,
    clientHalf: request.client_half,
    share: offer.share,
    groupKey: offer.group_key,
    signer: request.signer,
    admins: asked.admins,
    policyHash: offer.policy_hash,
  });
  if (!engine.schnorrVerify(preFromJwk(engine, offer.share), transcript, proofOf(offer))) {
    throw new CountersignError('group_proof', 'the bridge does not prove its share');
  }
  return transcript;
}

/** G + S = G′: whoever hands out another key knows its private half. */
function checkSum(engine: TransformEngine, offer: GroupOffer, { client_half: half }: GroupRequest): void {
  const share = preFromJwk(engine, offer.share);
  const sum = preToJwk(engine.augmentPublicKey(preFromJwk(engine, half), share));
  if (thumbprint(sum) !== thumbprint(offer.group_key)) refuse('its key is not the sum of both halves');
}

/** The very people, addresses and keys that this client verified. */
function checkAdmins(offer: GroupOffer, admins: readonly JudgedAdmin[]): void {
  if (offer.admins.length !== admins.length) refuse('it names other admins');
  for (const [index, { sub, address, key, keyVersion }] of admins.entries()) {
    const offered = offer.admins[index];
    if (offered?.sub !== sub || offered.address !== address) refuse('it names another admin');
    const sameKey = thumbprint(offered.key) === thumbprint(key) && offered.key_version === keyVersion;
    if (!sameKey) refuse(`it has another key for ${address}`);
  }
}

function proofOf({ share_proof: proof }: GroupOffer): Uint8Array {
  try {
    return decodeBase64url(proof, 64);
  } catch (cause) {
    throw new CountersignError('group_proof', 'the proof of the share is malformed', { cause });
  }
}

function refuse(why: string): never {
  throw new CountersignError('group_offer', `the offer is refused: ${why}`);
}
