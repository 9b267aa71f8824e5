import type { Json } from '../../protocol/canonical-json.ts';
import type { SigningKey } from '../../protocol/ed25519.ts';
import type { ObjectType } from '../../protocol/jws.ts';
import { SIGNED_AT_ONCE_BYTES } from '../lib/limits.ts';
import { createTurns } from '../lib/turns.ts';
import { createByteLender, isLent, type LentBytes } from './lent-bytes.ts';
import { type SignMessage, signAlone } from './signatures.ts';
import { type JsonParts, sizeOf, writePayload } from './written-json.ts';

/** Claims as JSON writes them: a member that is undefined is left out. */
export type Claims = Json | readonly Claims[] | { readonly [name: string]: Claims | undefined };

/** Characters of an Ed25519 signature behind its dot. */
const SIGNATURE = 1 + 86;

const lend = createByteLender();
const inTurn = createTurns(SIGNED_AT_ONCE_BYTES);

/**
 * `signJws` of protocol/jws.ts, byte for byte, by Node's own base64url: an answer about a thousand addresses is
 * megabytes long.
 */
export async function signCompact(
  key: SigningKey,
  type: ObjectType,
  claims: Claims,
  sign?: SignMessage,
): Promise<string> {
  const token = await signParts(key, type, [JSON.stringify(claims)], sign);
  const text = token.bytes.toString('latin1');
  token.giveBack();
  return text;
}

/**
 * The same as bytes that are lent, over a payload that stands in parts: spaces between them are all that differs.
 *
 * @param sign - signs what is short
 */
export function signParts(
  key: SigningKey,
  type: ObjectType,
  parts: JsonParts,
  sign: SignMessage = signAlone,
): Promise<LentBytes> {
  const size = sizeOf(parts);
  // A short answer does not wait behind long ones: it holds nothing that they need.
  if (!isLent(size)) {
    return signWith(key, type, parts, (signed) => sign(key.privateKey, signed.toString('latin1')));
  }
  return inTurn(size, () => signWith(key, type, parts, (signed) => signInPlace(key.privateKey, signed)));
}

async function signWith(
  key: SigningKey,
  type: ObjectType,
  parts: JsonParts,
  sign: (signed: Buffer<ArrayBuffer>) => Promise<string>,
): Promise<LentBytes> {
  const header = base64url(JSON.stringify({ alg: 'Ed25519', typ: type, kid: key.kid }));
  const token = writePayload(`${header}.`, parts, SIGNATURE, lend);
  const { bytes } = token;
  const end = bytes.length - SIGNATURE;
  bytes.write(`.${await sign(bytes.subarray(0, end))}`, end, 'latin1');
  return token;
}

/** Megabytes are not copied to be signed. */
async function signInPlace(key: CryptoKey, signed: Buffer<ArrayBuffer>): Promise<string> {
  return Buffer.from(await crypto.subtle.sign('Ed25519', key, signed)).toString('base64url');
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
