import * as z from 'zod/mini';
import type { Json } from '../canonical-json.ts';
import { digest, entityId, id, seconds } from '../claims.ts';
import type { SigningKey } from '../ed25519.ts';
import { CountersignError, isCountersignError } from '../errors.ts';
import { sha256Base64url } from '../hash.ts';
import { decodeClaims, signJws, verifyJws } from '../jws.ts';
import { type SignatureKey, thumbprint } from '../public-key.ts';
import { admissionPolicySchema } from './admission-policy.ts';
import { ADMISSION_LENGTH } from './limits.ts';
import type { RekeySender } from './rekey-message.ts';

const counter = z.int().check(z.positive(), z.lte(0xffff_ffff));

/**
 * `meeting-admission+jwt`: who may be in a meeting, by the device of its host. Every rekey message of version 2 names it
 * by its hash, so that whoever has the message knows whether there is one, and which. `iss` and `sub` are the host; each
 * term has its own, also where nothing else changes.
 */
export const admissionSchema = z.strictObject({
  v: z.literal(1),
  iss: entityId,
  sub: id,
  group: digest,
  term: counter,
  /** Counts the statements of a meeting from 1, over terms. */
  version: counter,
  /** sha256 of the statement before; null only for the first. */
  prev: z.nullable(digest),
  policy: admissionPolicySchema,
  /** Who was in the meeting before is judged as of now; who comes later as of their presence proof. */
  iat: seconds,
});

export type AdmissionClaims = z.infer<typeof admissionSchema>;

/** An admission statement, not yet verified. */
export const admissionToken = z
  .string()
  .check(z.maxLength(ADMISSION_LENGTH), z.regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/));

/** A statement whose signature holds. */
export interface AdmissionStatement {
  readonly claims: AdmissionClaims;
  /** sha256 of the token, which rekey messages name. */
  readonly hash: string;
}

/** Where a statement must belong: what the rekey message says that names it. */
export interface AdmissionPlace {
  readonly group: string;
  readonly term: number;
  /** sha256 of the token. */
  readonly admission: string;
}

/** Signs an admission statement with the host's device. */
export async function signAdmission(device: SigningKey, claims: AdmissionClaims): Promise<string> {
  return signJws(device, 'meeting-admission+jwt', claims as Json);
}

/**
 * Verifies that this is the statement that a rekey message of this sender names. Throws `admission_withheld` for
 * another one, `admission_invalid` for one of another meeting, term or host, and what `verifyJws` throws.
 */
export async function verifyAdmission(
  token: string,
  sender: RekeySender,
  place: AdmissionPlace,
): Promise<AdmissionStatement> {
  const hash = sha256Base64url(token);
  if (hash !== place.admission) {
    throw new CountersignError('admission_withheld', 'it is not the one that the host’s message names');
  }
  const claims = await readAdmission(token, sender.key);
  const isHosts = claims.iss === sender.iss && claims.sub === sender.sub;
  if (!isHosts || claims.group !== place.group || claims.term !== place.term) {
    throw new CountersignError('admission_invalid', 'it is of another meeting, term or host');
  }
  if ((claims.prev === null) !== (claims.version === 1)) {
    throw new CountersignError('admission_invalid', 'the first, and only it, has none before it');
  }
  return { claims, hash };
}

/** Whether a statement may follow the newest one that is known. Throws `admission_invalid`. */
export function assertAdmissionFollows(
  { claims: { version, prev } }: AdmissionStatement,
  before: AdmissionStatement,
): void {
  const isNext = version === before.claims.version + 1;
  if (version <= before.claims.version || (isNext && prev !== before.hash)) {
    throw new CountersignError('admission_invalid', 'it does not follow the statement before');
  }
}

/** The claims of a statement that was verified when it was stored. Throws `claims_invalid`, `jws_malformed`. */
export function decodeAdmission(token: string): AdmissionClaims {
  return decodeClaims(token, 'meeting-admission+jwt', admissionSchema);
}

async function readAdmission(token: string, key: SignatureKey): Promise<AdmissionClaims> {
  const device = thumbprint(key);
  try {
    return await verifyJws(token, 'meeting-admission+jwt', admissionSchema, ({ kid }) => {
      if (kid === device) return key;
      throw new CountersignError('admission_invalid', 'another device than the host’s signed it');
    });
  } catch (error) {
    // A policy that is not in its form: nobody knows whom it keeps out.
    if (!isCountersignError(error, 'claims_invalid')) throw error;
    throw new CountersignError('admission_invalid', error.detail, { cause: error });
  }
}
