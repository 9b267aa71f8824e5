import { CountersignError } from './errors.ts';
import { type KeyStatement, type SignedStatement, statementHash, verifyStatement } from './key-statement.ts';
import type { SignatureKey } from './public-key.ts';

/** Rotations that one credential carries, the newest: years of them, and some 20 kB. */
export const CREDENTIAL_ROTATIONS = 16;

/** What a verifier has pinned of a person. */
export interface KnownSig {
  readonly sig: SignatureKey;
  readonly version: number;
}

/** How far a chain of rotations led. */
export interface FollowedRotations {
  /** What must have signed the statement after the chain. */
  readonly sig: SignatureKey;
  /** The last statement of the chain; null where there was nothing to follow. */
  readonly last: KeyStatement | null;
}

/**
 * Follows the rotations between a pin and a credential (PROTOCOL §3): each statement is signed by the `sig` before it, and
 * names the one before it. Those that the verifier has seen are passed over. Throws `statement_signature`,
 * `statement_forked`, and what `verifyStatement` throws.
 */
export async function followRotations(
  rotations: readonly SignedStatement[],
  known: KnownSig,
): Promise<FollowedRotations> {
  let followed: FollowedRotations = { sig: known.sig, last: null };
  for (const signed of rotations) {
    if (signed.statement.version <= known.version) continue;
    assertRotation(signed.statement);
    assertFollows(signed.statement, followed, known.version);
    await verifyStatement(signed, { previous: followed.sig, bridgeKey: refuseBridge });
    followed = { sig: signed.statement.keys[1], last: signed.statement };
  }
  return followed;
}

/** The credential's own statement comes directly behind the chain. Throws `statement_forked`. */
export function assertFollows(
  statement: KeyStatement,
  { last }: FollowedRotations,
  knownVersion: number,
): void {
  const version = (last?.version ?? knownVersion) + 1;
  const names = last === null || (statement.prev === statementHash(last) && isSamePerson(statement, last));
  if (last === null && statement.version > version) return;
  if (statement.version !== version || !names) {
    throw new CountersignError(
      'statement_forked',
      `version ${statement.version} does not continue the rotations`,
    );
  }
}

function isSamePerson(one: KeyStatement, other: KeyStatement): boolean {
  return one.iss === other.iss && one.sub === other.sub && one.address === other.address;
}

/** What began anew is for a person to decide about, and is nobody's to follow. */
function assertRotation({ status, reason }: KeyStatement): void {
  if (status === 'active' && reason === undefined) return;
  throw new CountersignError('statement_signature', 'what stands among the rotations is none');
}

function refuseBridge(kid: string): SignatureKey {
  throw new CountersignError('statement_signature', `${kid} is no key of the person`);
}
