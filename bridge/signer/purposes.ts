import type { Json } from '../../protocol/canonical-json.ts';
import { CountersignError } from '../../protocol/errors.ts';
import type { ObjectType } from '../../protocol/jws.ts';
import { type KeyPurpose, keyPurpose } from '../../protocol/online-keys.ts';

/** Every purpose has a key of its own. */
export const PURPOSES: readonly KeyPurpose[] = keyPurpose.options;

/** What each purpose signs as JWS: exactly what verifiers take from it. */
const TYPES: Readonly<Record<KeyPurpose, readonly ObjectType[]>> = {
  binding: ['key-binding+jwt', 'identity-attributes+jwt', 'device-binding+jwt'],
  federation: ['entity-statement+jwt', 'key-lookup-request+jwt', 'key-lookup-response+jwt'],
  record: ['partner-record+jwt'],
  // key statements, checkpoints and event checkpoints are no JWS
  statement: [],
  log: [],
  events: [],
};

/** Refuses what no verifier would take: a fault of the caller. Throws `internal`. */
export function assertSignable(purpose: KeyPurpose, type: ObjectType, claims: Json, iss: string): void {
  const issuer = typeof claims === 'object' && claims !== null && 'iss' in claims ? claims.iss : undefined;
  if (!TYPES[purpose].includes(type) || issuer !== iss) {
    throw new CountersignError('internal', undefined, {
      cause: new Error(`the ${purpose} key does not sign ${type} for ${String(issuer)}`),
    });
  }
}
