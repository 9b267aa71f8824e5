import { newId } from '../../bridge/lib/ids.ts';
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import type { VerificationContext } from '../../protocol/credential.ts';
import type { KeyOpening, SealedKeyBody } from '../../protocol/groups/api.ts';
import type { Party } from '../../protocol/groups/party.ts';
import {
  assertSealedPlaintext,
  type SealedKey,
  sealedKeyCommitment,
  signSealedKey,
  verifySealedKey,
} from '../../protocol/groups/sealed-key.ts';
import { verifySignerEvidence } from '../../protocol/groups/signer-evidence.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import type { EncryptionKey } from '../../protocol/public-key.ts';
import { decodeEncryptedValue, encodeEncryptedValue, preFromJwk } from '../../recrypt/encoding.ts';
import { contextOf, type Enrolled } from '../fakes/client-side.ts';
import { addMembers, type MadeGroup, makeGroup } from '../fakes/group-side.ts';
import type { OpeningBridge } from './two-bridges.ts';

/** A key as its sealer's client has it. */
export interface Sealed {
  readonly plaintext: Uint8Array;
  readonly keyId: string;
  readonly to: Party;
  readonly body: SealedKeyBody;
}

/** Seals a fresh key, as a client does; `changes` are what it signs otherwise than it is. */
export async function sealKey(
  { parts }: OpeningBridge,
  sealer: Enrolled,
  { to, key }: { to: Party; key: EncryptionKey },
  changes: Partial<SealedKey> = {},
): Promise<Sealed> {
  const { engine } = parts;
  const plaintext = engine.generatePlaintext();
  const signing = engine.generateSigningKeyPair().privateKey;
  const encrypted = encodeEncryptedValue(engine.encrypt(plaintext, preFromJwk(engine, key), signing));
  const claims: SealedKey = {
    ...{ v: 1, iss: sealer.offer.iss, sub: sealer.who.sub, to, key_id: newId() },
    ...{ term: null, epoch: null, members: null, ciphertext: sha256Base64url(encrypted) },
    ...{ commitment: sealedKeyCommitment(plaintext), iat: sealer.offer.statement.since, ...changes },
  };
  const token = await signSealedKey(sealer.device.sig, claims);
  const body = { to, token, encrypted: encodeBase64url(encrypted) };
  return { plaintext, keyId: claims.key_id, to, body };
}

/** Seals, and has the sealer's bridge keep it or bring it to the recipient's. */
export async function depositKey(
  bridge: OpeningBridge,
  sealer: Enrolled,
  recipient: { to: Party; key: EncryptionKey },
): Promise<Sealed> {
  const sealed = await sealKey(bridge, sealer, recipient);
  await bridge.sealedKeys.deposit(sealer.who, sealed.body, contextOf(sealer.who));
  return sealed;
}

/** A group with its members: people, and durable groups. */
export async function makeGroupOf(
  bridge: OpeningBridge,
  creator: Enrolled,
  members: readonly (Enrolled | MadeGroup)[],
  kind: 'meeting' | 'durable' = 'durable',
): Promise<MadeGroup> {
  const ends = kind === 'meeting' ? creator.offer.statement.since + 3600 : null;
  const made = await makeGroup(bridge, creator, { kind, ends });
  await addMembers(bridge, made, members);
  return made;
}

export function recipientGroup({ claims, group, key }: MadeGroup) {
  return { to: { iss: claims.iss, group }, key };
}

/** Asks for a key as a device of this bridge. */
export function open(bridge: OpeningBridge, who: Enrolled, to: Party, keyId: string): Promise<KeyOpening> {
  const body = { request_id: newId(), to, key_id: keyId };
  return bridge.keyOpenings.open(who.who, body, contextOf(who.who));
}

/**
 * What a device does with an opening (PROTOCOL §10): the sealer under pins, the token, then the plaintext against the
 * commitment, all of it before anything is used. Answers the plaintext.
 */
export async function receive(
  opening: KeyOpening,
  receiver: Enrolled,
  asked: { to: Party; keyId: string; sealerBridge: OpeningBridge },
): Promise<Uint8Array> {
  const { parts } = asked.sealerBridge;
  const context: VerificationContext = {
    issuer: parts.issuer,
    policy: { level: 'signed', maxAge: 86_400 },
    now: Math.floor(parts.clock.now() / 1000),
  };
  const sealer = await verifySignerEvidence(opening.signer, context);
  const claims = await verifySealedKey(opening.token, sealer, { to: asked.to, key_id: asked.keyId });
  const value = decodeEncryptedValue(decodeBase64url(opening.encrypted), { maxBlocks: 3 });
  const plaintext = parts.engine.decrypt(value, receiver.device.pre.privateKey);
  assertSealedPlaintext(claims, plaintext);
  return plaintext;
}
