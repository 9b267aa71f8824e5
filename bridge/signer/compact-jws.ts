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
  if (!isLent(size)) return signWith(key, type, parts, sign);
  return inTurn(size, () => signWith(key, type, parts, signAlone));
}

async function signWith(
  key: SigningKey,
  type: ObjectType,
  parts: JsonParts,
  sign: SignMessage,
): Promise<LentBytes> {
  const token = writePayload(`${headerOf(key, type)}.`, parts, SIGNATURE, lend);
  const { bytes } = token;
  const end = bytes.length - SIGNATURE;
  bytes.write(`.${await sign(key.privateKey, bytes.subarray(0, end))}`, end, 'latin1');
  return token;
}

const headers = new WeakMap<SigningKey, Map<ObjectType, string>>();

/** The protected header as base64url, written once for each key and type. */
function headerOf(key: SigningKey, type: ObjectType): string {
  const known = headers.get(key) ?? new Map<ObjectType, string>();
  headers.set(key, known);
  const header = known.get(type) ?? base64url(JSON.stringify({ alg: 'Ed25519', typ: type, kid: key.kid }));
  known.set(type, header);
  return header;
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
