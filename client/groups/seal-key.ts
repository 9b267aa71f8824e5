import { parseAddress } from '../../protocol/address.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type SealedKeyBody, sealedKeyReceiptSchema } from '../../protocol/groups/api.ts';
import type { Party } from '../../protocol/groups/party.ts';
import { sealedKeyCommitment, signSealedKey } from '../../protocol/groups/sealed-key.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import type { EncryptionKey } from '../../protocol/public-key.ts';
import { encodeEncryptedValue, preFromJwk } from '../../recrypt/encoding.ts';
import { lookUp } from '../look-up.ts';
import type { ClientParts } from '../own-account.ts';
import { randomId } from '../random-id.ts';
import { type Actor, actingDevice, statementOf } from './acting.ts';
import type { KeyRecipient, SealedKeyMade } from './groups.ts';
import { sentAgain } from './sent-again.ts';
import { judgeGroup } from './view.ts';

/** To whom is sealed, with the key that this client verified to be theirs just now. */
export interface JudgedRecipient {
  readonly to: Party;
  readonly key: EncryptionKey;
  /** sha256 of the group's newest membership statement, as far as known; null for a person. */
  readonly members: string | null;
}

/** A key that is sealed and signed, and stored nowhere yet. */
export interface SealedKeyDraft extends SealedKeyMade {
  readonly body: SealedKeyBody;
  /** sha256 under its label, of the plaintext. */
  readonly commitment: string;
}

/** Seals a fresh key and stores it with the recipient's bridge. */
export async function sealKey(parts: ClientParts, recipient: KeyRecipient): Promise<SealedKeyMade> {
  const actor = await actingDevice(parts);
  const draft = await draftSealedKey(parts, actor, await judgeRecipient(parts, recipient));
  await sentAgain(() => parts.api.post('/v1/sealed-keys', draft.body, sealedKeyReceiptSchema));
  const { to, keyId, key } = draft;
  return { to, keyId, key };
}

/** The group viewed, or the person looked up. Throws what does not verify. */
export async function judgeRecipient(parts: ClientParts, recipient: KeyRecipient): Promise<JudgedRecipient> {
  if (typeof recipient !== 'string') {
    const { claims, shown } = await judgeGroup(parts, recipient);
    const { iss, group, key } = claims;
    return { to: { iss, group }, key, members: shown.members_head };
  }
  const { address } = parseAddress(recipient);
  const [answer] = await lookUp(parts, [address]);
  if (answer === undefined) throw new CountersignError('internal');
  const statement = statementOf(answer);
  return { to: { iss: statement.iss, sub: statement.sub }, key: statement.keys[0], members: null };
}

/**
 * Seals a fresh key: one encryption, whoever the group's members are. `meeting`: the term and epoch whose key it is.
 */
export async function draftSealedKey(
  { context }: ClientParts,
  { device, statement }: Actor,
  { to, key: recipientKey, members }: JudgedRecipient,
  meeting: { readonly term: number; readonly epoch: number } | null = null,
): Promise<SealedKeyDraft> {
  const { engine } = context;
  const plaintext = engine.generatePlaintext();
  // recrypt signs every ciphertext; what counts is the token, so this key is thrown away.
  const oneTime = engine.generateSigningKeyPair().privateKey;
  const encrypted = encodeEncryptedValue(
    engine.encrypt(plaintext, preFromJwk(engine, recipientKey), oneTime),
  );
  const commitment = sealedKeyCommitment(plaintext);
  const key = Uint8Array.from(engine.deriveSymmetricKey(plaintext));
  plaintext.fill(0);
  const keyId = randomId();
  const token = await signSealedKey(device.sig, {
    ...{ v: 1, iss: statement.iss, sub: statement.sub, to, key_id: keyId },
    ...{ term: meeting?.term ?? null, epoch: meeting?.epoch ?? null, members },
    ...{ ciphertext: sha256Base64url(encrypted), commitment, iat: context.now() },
  });
  return { to, keyId, key, commitment, body: { to, token, encrypted: encodeBase64url(encrypted) } };
}
