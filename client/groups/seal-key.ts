import { encodeBase64url } from '../../protocol/base64url.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { type SealedKeyBody, sealedKeyReceiptSchema } from '../../protocol/groups/api.ts';
import { sealedKeyCommitment, signSealedKey } from '../../protocol/groups/sealed-key.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import type { DataKind } from '../../protocol/recipients/data-kind.ts';
import { encodeEncryptedValue, preFromJwk } from '../../recrypt/encoding.ts';
import type { ClientParts } from '../own-account.ts';
import { randomId } from '../random-id.ts';
import { type Actor, actingDevice } from './acting.ts';
import type { SealedKeyMade, SealRecipient } from './groups.ts';
import { type JudgedRecipient, judgeRecipient } from './judged-recipient.ts';
import { resolveRecipients } from './policy-recipients.ts';
import { sentAgain } from './sent-again.ts';

/** A key that is sealed and signed, and stored nowhere yet. */
export interface SealedKeyDraft extends Omit<SealedKeyMade, 'also' | 'policy'> {
  readonly body: SealedKeyBody;
  /** sha256 under its label, of the plaintext. */
  readonly commitment: string;
}

/** Seals a fresh key and stores it with each recipient’s bridge. */
export async function sealKey(parts: ClientParts, recipient: SealRecipient): Promise<SealedKeyMade> {
  const actor = await actingDevice(parts);
  if (typeof recipient === 'string' || !('policy' in recipient)) {
    return sealKeyTo(parts, actor, [await judgeRecipient(parts, recipient)]);
  }
  const { policy, recipients, data } = await resolveRecipients(parts, actor, recipient.policy);
  return { ...(await sealKeyTo(parts, actor, recipients, data)), policy };
}

/** One key for all of them. What was stored for some when another fails, opens nothing. */
async function sealKeyTo(
  parts: ClientParts,
  actor: Actor,
  recipients: readonly JudgedRecipient[],
  data?: DataKind,
): Promise<SealedKeyMade> {
  const plaintext = parts.context.engine.generatePlaintext();
  const drafts: SealedKeyDraft[] = [];
  for (const recipient of recipients) drafts.push(await sealPlaintext(parts, actor, recipient, plaintext));
  plaintext.fill(0);
  for (const { body } of drafts) {
    const named = data === undefined || !('group' in body.to) ? body : { ...body, data };
    await sentAgain(() => parts.api.post('/v1/sealed-keys', named, sealedKeyReceiptSchema));
  }
  const [first, ...others] = drafts;
  if (first === undefined) throw new CountersignError('internal');
  const also = others.map(({ to, keyId }) => ({ to, keyId }));
  const { to, keyId, key, deviceId } = first;
  return { to, keyId, key, deviceId, ...(also.length === 0 ? {} : { also }) };
}

/**
 * Seals a fresh key: one encryption, whoever the group's members are. `meeting`: the term and epoch whose key it is.
 */
export async function draftSealedKey(
  parts: ClientParts,
  actor: Actor,
  recipient: JudgedRecipient,
  meeting: MeetingPlace | null = null,
): Promise<SealedKeyDraft> {
  const plaintext = parts.context.engine.generatePlaintext();
  const draft = await sealPlaintext(parts, actor, recipient, plaintext, meeting);
  plaintext.fill(0);
  return draft;
}

interface MeetingPlace {
  readonly term: number;
  readonly epoch: number;
}

async function sealPlaintext(
  { context }: ClientParts,
  { device, statement }: Actor,
  { to, key: recipientKey, members }: JudgedRecipient,
  plaintext: Uint8Array,
  meeting: MeetingPlace | null = null,
): Promise<SealedKeyDraft> {
  const { engine } = context;
  // recrypt signs every ciphertext; what counts is the token, so this key is thrown away.
  const oneTime = engine.generateSigningKeyPair().privateKey;
  const encrypted = encodeEncryptedValue(
    engine.encrypt(plaintext, preFromJwk(engine, recipientKey), oneTime),
  );
  const commitment = sealedKeyCommitment(plaintext);
  const key = Uint8Array.from(engine.deriveSymmetricKey(plaintext));
  const keyId = randomId();
  const token = await signSealedKey(device.sig, {
    ...{ v: 1, iss: statement.iss, sub: statement.sub, to, key_id: keyId },
    ...{ term: meeting?.term ?? null, epoch: meeting?.epoch ?? null, members },
    ...{ ciphertext: sha256Base64url(encrypted), commitment, iat: context.now() },
  });
  const body = { to, token, encrypted: encodeBase64url(encrypted) };
  return { to, keyId, key, deviceId: device.id, commitment, body };
}
