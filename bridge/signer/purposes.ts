import { CountersignError } from '../../protocol/errors.ts';
import type { ObjectType } from '../../protocol/jws.ts';
import { type KeyPurpose, keyPurpose } from '../../protocol/online-keys.ts';
import {
  type Checkpoint,
  eventLogOrigin,
  logOrigin,
  parseCheckpoint,
} from '../../protocol/tlog/checkpoint.ts';
import type { Claims } from './compact-jws.ts';

/** Every purpose has a key of its own. */
export const PURPOSES: readonly KeyPurpose[] = keyPurpose.options;

/**
 * What a rotation replaces unless it says otherwise. The keys of the logs are known to witnesses and auditors by
 * themselves: whoever replaces one must tell them all.
 */
export const ROTATED_BY_DEFAULT: readonly KeyPurpose[] = PURPOSES.filter(
  (purpose) => purpose !== 'log' && purpose !== 'events',
);

/** What each purpose signs as JWS: exactly what verifiers take from it. */
const TYPES: Readonly<Record<KeyPurpose, readonly ObjectType[]>> = {
  binding: ['key-binding+jwt', 'identity-attributes+jwt', 'device-binding+jwt', 'recovery-key+jwt'],
  federation: [
    'entity-statement+jwt',
    'key-lookup-request+jwt',
    'key-lookup-response+jwt',
    'key-opening-request+jwt',
    'key-opening-response+jwt',
    'sealed-key-deposit+jwt',
    'sealed-key-receipt+jwt',
    'group-view-request+jwt',
    'group-view-response+jwt',
    'group-memberships-request+jwt',
    'group-memberships-response+jwt',
    'meeting-request+jwt',
    'meeting-response+jwt',
    'secevent+jwt',
  ],
  record: ['partner-record+jwt'],
  // key statements, checkpoints and event checkpoints are no JWS
  statement: ['revocation-receipt+jwt', 'group-key-receipt+jwt', 'policy-bundle+jwt'],
  log: [],
  events: [],
};

/** Refuses what no verifier would take: a fault of the caller. Throws `internal`. */
export function assertSignable(purpose: KeyPurpose, type: ObjectType, claims: Claims, iss: string): void {
  const issuer = typeof claims === 'object' && claims !== null && 'iss' in claims ? claims.iss : undefined;
  if (!TYPES[purpose].includes(type) || issuer !== iss) {
    throw new CountersignError('internal', undefined, {
      cause: new Error(`the ${purpose} key does not sign ${type} for ${String(issuer)}`),
    });
  }
}

/** The purposes that sign checkpoints, each those of one log. */
export type LogPurpose = 'log' | 'events';

/** Refuses a text that is no checkpoint of the issuer's log of this purpose: a fault of the caller. Throws `internal`. */
export function assertCheckpoint(purpose: LogPurpose, text: Uint8Array, iss: string): void {
  const { origin } = readCheckpoint(text);
  if (origin !== (purpose === 'log' ? logOrigin(iss) : eventLogOrigin(iss))) {
    throw new CountersignError('internal', undefined, {
      cause: new Error(`the ${purpose} key does not sign for ${origin}`),
    });
  }
}

function readCheckpoint(text: Uint8Array): Checkpoint {
  try {
    return parseCheckpoint(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch (cause) {
    throw new CountersignError('internal', undefined, { cause });
  }
}
