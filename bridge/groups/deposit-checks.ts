import { decodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { SealedKeyBody } from '../../protocol/groups/api.ts';
import type { Party } from '../../protocol/groups/party.ts';
import {
  assertSealedCiphertext,
  type SealedKey,
  sealedKeySchema,
  verifySealedKey,
} from '../../protocol/groups/sealed-key.ts';
import type { SignerEvidence, VerifiedSigner } from '../../protocol/groups/signer-evidence.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import type { DataKind } from '../../protocol/recipients/data-kind.ts';
import { decodeEncryptedValue } from '../../recrypt/encoding.ts';
import type { EventInput } from '../events/event.ts';
import { sha256Base64url } from '../lib/hash.ts';
import {
  CLOCK_SKEW_S,
  SEALED_KEY_AGE_S,
  SEALED_KEYS_OF_BRIDGE,
  SEALED_KEYS_OF_PERSON,
} from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Transaction } from '../storage/database.ts';
import {
  countSealedKeys,
  findSealedKey,
  insertSealedKey,
  type NewSealedKey,
  type RecipientName,
} from './sealed-key-store.ts';

/** A sealed key whose token and ciphertext belong together and to this sealer. */
export interface CheckedDeposit {
  readonly claims: SealedKey;
  readonly row: NewSealedKey;
  /** Of what data it is the key, as the sealer says. */
  readonly data?: DataKind | undefined;
}

/**
 * Holds what somebody wants stored against their verified device; `now` in seconds. A bridge takes no transform from
 * those who seal (PROTOCOL §10). Throws `sealed_key_mismatch`, `recrypt_input_invalid`, `claims_invalid`,
 * `jws_expired`, `jws_not_yet_valid` and what `verifyJws` throws.
 */
export async function checkDeposit(
  { to, token, encrypted, data }: SealedKeyBody,
  sealer: VerifiedSigner,
  now: number,
): Promise<CheckedDeposit> {
  const { key_id } = decodeClaims(token, 'sealed-key+jwt', sealedKeySchema);
  const claims = await verifySealedKey(token, sealer, { to, key_id });
  if (claims.iat > now + CLOCK_SKEW_S) throw new CountersignError('jws_not_yet_valid');
  if (claims.iat < now - SEALED_KEY_AGE_S)
    throw new CountersignError('jws_expired', 'It was sealed long ago.');
  const bytes = decodeBase64url(encrypted);
  assertSealedCiphertext(claims, bytes);
  decodeEncryptedValue(bytes, { maxBlocks: 0 });
  const { iss, sub, term, epoch, members } = claims;
  const row = {
    ...recipientOf(to),
    ...{ key_id, iss, sub, device_id: sealer.device.device_id, address: sealer.address },
    ...{ hash: sha256Base64url(token), token, encrypted: bytes, term, epoch, members, evidence: null },
  };
  return { claims, row, data };
}

export function recipientOf(to: Party): RecipientName {
  return 'group' in to
    ? { recipient_kind: 'group', recipient: to.group }
    : { recipient_kind: 'person', recipient: to.sub };
}

/**
 * A key that comes by itself. That of an epoch comes with the message that it belongs to: taken otherwise, nothing would
 * delete it when the epoch is over. Throws `claims_invalid`, and `conflict` where the sealer, or people of their bridge,
 * have sealed as many to the recipient as are kept.
 */
export async function assertDeposit(transaction: Transaction, { row }: CheckedDeposit): Promise<void> {
  const { iss, sub, term, epoch } = row;
  if (term !== null || epoch !== null) {
    throw new CountersignError('claims_invalid', 'The key of an epoch comes with its message.');
  }
  // The same again is answered the same, however many there are.
  if ((await findSealedKey(transaction, row, row.key_id)) !== undefined) return;
  const isFull =
    (await countSealedKeys(transaction, row, { iss, sub })) >= SEALED_KEYS_OF_PERSON ||
    (await countSealedKeys(transaction, row, { iss })) >= SEALED_KEYS_OF_BRIDGE;
  if (isFull)
    throw new CountersignError('conflict', 'As many keys are sealed to this recipient as are kept.');
}

/**
 * Stores it, with how its sealer was shown; `now` in ms. The same again changes nothing: answers `false`. Throws
 * `conflict` where another key has this id.
 */
export async function storeDeposit(
  transaction: Transaction,
  { row }: CheckedDeposit,
  evidence: SignerEvidence | undefined,
  now: number,
): Promise<boolean> {
  const stored = await findSealedKey(transaction, row, row.key_id);
  if (stored !== undefined) {
    if (stored.hash === row.hash) return false;
    throw new CountersignError('conflict', 'There is another sealed key of this id.');
  }
  const shown = evidence === undefined ? null : JSON.stringify(evidence);
  await insertSealedKey(transaction, { ...row, evidence: shown }, now);
  return true;
}

/** The event of a key that is stored. */
export function sealedEvent(
  { claims: { iss, sub, to, key_id, epoch } }: CheckedDeposit,
  deviceId: string | undefined,
  context: RequestContext,
): EventInput {
  const isGroup = 'group' in to;
  return {
    type: 'key.sealed',
    actor: context.actor,
    subject: {
      ...(isGroup ? { group: to.group } : { sub: to.sub }),
      ...(deviceId === undefined ? { partner: iss } : { device: deviceId }),
    },
    outcome: 'success',
    requestId: context.requestId,
    data: {
      ...{ iss: to.iss, key_id, sealer_iss: iss, sealer: sub },
      ...(isGroup ? { group: to.group } : { recipient: to.sub }),
      ...(epoch === null ? {} : { epoch }),
    },
  };
}
