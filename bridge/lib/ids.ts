import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { uuidv7 } from 'uuidv7';

/**
 * A new UUIDv7 (RFC 9562 section 5.7): the id of a record. It sorts by time and says when it was made, so it is
 * never a secret: what must not be guessed is a handle.
 */
export function newId(): string {
  return uuidv7();
}

/**
 * Behind every `newId` before this moment (ms since the epoch), and not behind one of it or later: the first 48 bits
 * of an id are its time (RFC 9562 section 5.7).
 */
export function firstIdOf(ms: number): string {
  const hex = Math.max(0, ms).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/** When an id was made by `newId`: ms since the epoch. */
export function timeOfId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** 256 random bits as base64url (43 characters): state, nonces, one-time links, tokens. */
export function newHandle(): string {
  return randomBytes(32).toString('base64url');
}

/**
 * Whether two secrets are equal, in a time that does not depend on where they differ. Hashing first makes their
 * lengths equal, which timingSafeEqual demands.
 */
export function equalSecrets(a: string, b: string): boolean {
  const [hashOfA, hashOfB] = [a, b].map((secret) => hash('sha256', secret, 'buffer'));
  return hashOfA !== undefined && hashOfB !== undefined && timingSafeEqual(hashOfA, hashOfB);
}
