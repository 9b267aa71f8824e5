import { decodeBase64url } from '../base64url.ts';
import type { OnlineKey, OnlineKeys } from '../online-keys.ts';
import { eventLogOrigin, logOrigin } from './checkpoint.ts';
import { ED25519_NOTE, type VerifierKey, verifierKey } from './verifier-key.ts';

/** The key of a log, which bears the log's origin as its name, as notes are verified with it. */
export function logVerifierKey(origin: string, { jwk }: Pick<OnlineKey, 'jwk'>): VerifierKey {
  return verifierKey(origin, ED25519_NOTE, decodeBase64url(jwk.x, 32));
}

/** The keys that may sign checkpoints of a bridge's log, by its verified online keys; compromised ones are not. */
export function logVerifierKeys(onlineKeys: Pick<OnlineKeys, 'iss' | 'all'>): VerifierKey[] {
  const origin = logOrigin(onlineKeys.iss);
  return onlineKeys.all('log').map((key) => logVerifierKey(origin, key));
}

/** The same, of the bridge's event log. */
export function eventLogVerifierKeys(onlineKeys: Pick<OnlineKeys, 'iss' | 'all'>): VerifierKey[] {
  const origin = eventLogOrigin(onlineKeys.iss);
  return onlineKeys.all('events').map((key) => logVerifierKey(origin, key));
}
