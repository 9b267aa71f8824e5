import { encodeBase64url } from '../../../protocol/base64url.ts';
import type { Json } from '../../../protocol/canonical-json.ts';
import type { SigningKey } from '../../../protocol/ed25519.ts';
import type { ErrorCode } from '../../../protocol/errors.ts';
import { type ObjectType, signJws } from '../../../protocol/jws.ts';
import { signRaw } from '../company.ts';

/** One object of a type, from fixed keys: it has the same bytes every time, and whoever receives it takes it. */
export interface SignedObject {
  readonly type: ObjectType;
  /** Where a type has several forms: which one. */
  readonly form?: string;
  readonly by: SigningKey;
  readonly claims: object;
  /** Members that may be absent. */
  readonly optional?: readonly string[];
  /** Whether others may add members: of OpenID Federation’s objects alone. */
  readonly extensible?: true;
  /** What a payload that is not in its form is refused with, if not `claims_invalid`. */
  readonly malformed?: ErrorCode;
  /** What its receiver does at the time of its making. */
  readonly verify: (token: string) => Promise<unknown>;
}

export function nameOf({ type, form }: Pick<SignedObject, 'type' | 'form'>): string {
  return form === undefined ? type : `${type}, ${form}`;
}

/** Signs what the object says, or `claims` in its place. */
export function sign({ type, by, claims }: SignedObject, changed: object = claims): Promise<string> {
  return signJws(by, type, changed as Json, { embedKey: type === 'online-keys+jwt' });
}

/** The token with these changes to its header, truly signed by `key`. */
export function signAgain(token: string, key: SigningKey, changes: object = {}): Promise<string> {
  const [header = '', payload = ''] = token
    .split('.')
    .map((part) => Buffer.from(part, 'base64url').toString());
  return signRaw(key, { ...JSON.parse(header), ...changes }, payload);
}

/** What a token of ours says. */
export function claimsIn(token: string): object {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

/** Bytes that stand for something that is not looked into. */
export function testBytes(text: string): string {
  return encodeBase64url(new TextEncoder().encode(text));
}
