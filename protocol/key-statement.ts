import * as z from 'zod';
import { parseAddress } from './address.ts';
import { utf8 } from './bytes.ts';
import { canonicalJson, type Json, labelled } from './canonical-json.ts';
import { assurance, digest, entityId, id, seconds, signature } from './claims.ts';
import { type SigningKey, signBytes, verifyBytes } from './ed25519.ts';
import { CountersignError } from './errors.ts';
import { sha256Base64url } from './hash.ts';
import { keyPairSchema, type SignatureKey, thumbprint } from './public-key.ts';

/**
 * A key statement (PROTOCOL §3): identity ↔ user key. It changes only when one of its fields does.
 *
 * Evolution: members are never added to v 1; a change of meaning is a new `v`, and verifiers refuse what they do not
 * know. The bytes that are signed are pinned by test/protocol/key-statement.test.ts.
 */
export const keyStatementSchema = z.strictObject({
  v: z.literal(1),
  iss: entityId,
  sub: id,
  address: z.string().max(254),
  /** Counts per address, across persons, from 0, and never resets. */
  version: z.int().nonnegative(),
  /** Counts per person, from 0; rises at every rotation and reset. */
  key_version: z.int().nonnegative(),
  status: z.enum(['active', 'revoked']),
  keys: keyPairSchema,
  assurance,
  /** Whether the company can open what is encrypted to this person. */
  escrow: z.enum(['none', 'company']),
  /** When this version began, seconds. */
  since: seconds,
  /** Hash of the previous version's statement, null for version 0. */
  prev: digest.nullable(),
  /** Why the bridge signed: a revocation's reason, or why an active statement does not continue the keys before it. */
  reason: z.enum(['closed', 'reset', 're-enrolled']).optional(),
});

export type KeyStatement = z.infer<typeof keyStatementSchema>;

/** A statement's signatures, each named by the thumbprint of its key. */
export const statementSignaturesSchema = z
  .array(z.strictObject({ kid: digest, signature }))
  .min(1)
  .max(3);

export const signedStatementSchema = z.strictObject({
  statement: keyStatementSchema,
  signatures: statementSignaturesSchema,
});

export type SignedStatement = z.infer<typeof signedStatementSchema>;
export type StatementSignature = SignedStatement['signatures'][number];

/** The bytes that are signed, hashed, and committed to the log. */
export function statementBytes(statement: KeyStatement): Uint8Array<ArrayBuffer> {
  return labelled('key-statement', statementJson(statement));
}

function statementJson({ reason, ...rest }: KeyStatement): Json {
  return reason === undefined ? rest : { ...rest, reason };
}

/** What the next version names as `prev`, and what pins and enrolment transcripts name. */
export function statementHash(statement: KeyStatement): string {
  return sha256Base64url(statementBytes(statement));
}

/** A statement with its signatures as bytes, as the enrolment confirmation cites it. */
export function signedStatementBytes(signed: SignedStatement): Uint8Array<ArrayBuffer> {
  return utf8(canonicalJson({ statement: statementJson(signed.statement), signatures: signed.signatures }));
}

/** One signature over a statement. */
export async function signStatement(key: SigningKey, statement: KeyStatement): Promise<StatementSignature> {
  return { kid: key.kid, signature: await signBytes(key, statementBytes(statement)) };
}

/** Who must have signed, by what a statement says of itself. */
export interface StatementSigners {
  /** The `sig` key of the statement before this one, where the verifier knows it (a pin, the record). */
  readonly previous?: SignatureKey;
  /** The issuer's statement key of this thumbprint; throws if it may not sign statements. */
  readonly bridgeKey: (kid: string) => SignatureKey;
}

/**
 * Verifies the form and signatures of a statement (PROTOCOL §3, signers): an active one by its own `sig`; one that
 * begins anew (`reason`) by the bridge too; one that continues a known key with a changed `sig` by the old `sig`
 * too; a revocation by the bridge alone. Throws `claims_invalid`, `address_invalid`, `statement_signature`, or what
 * `bridgeKey` throws.
 */
export async function verifyStatement(
  signed: SignedStatement,
  signers: StatementSigners,
): Promise<KeyStatement> {
  const { statement } = signed;
  assertConsistent(statement);
  if (statement.status === 'revoked') {
    await requireBridgeSignature(signed, signers);
    return statement;
  }
  const own = statement.keys[1];
  await requireSignature(signed, own);
  if (statement.reason !== undefined) {
    await requireBridgeSignature(signed, signers);
  } else if (signers.previous !== undefined && thumbprint(signers.previous) !== thumbprint(own)) {
    await requireSignature(signed, signers.previous);
  }
  return statement;
}

function assertConsistent(statement: KeyStatement): void {
  if (parseAddress(statement.address).address !== statement.address) {
    throw new CountersignError('address_invalid', 'the address is not in its one form');
  }
  if ((statement.version === 0) !== (statement.prev === null)) {
    throw new CountersignError('claims_invalid', 'version 0, and only it, has no previous statement');
  }
  if (statement.status === 'revoked' && statement.reason === undefined) {
    throw new CountersignError('claims_invalid', 'a revocation names its reason');
  }
  if (statement.status === 'revoked' && statement.version === 0) {
    throw new CountersignError('claims_invalid', 'a revocation follows the statement that it revokes');
  }
}

async function requireSignature(signed: SignedStatement, key: SignatureKey): Promise<void> {
  const kid = thumbprint(key);
  const found = signed.signatures.find((candidate) => candidate.kid === kid);
  if (found === undefined || !(await verifyBytes(key, statementBytes(signed.statement), found.signature))) {
    throw new CountersignError('statement_signature', `no valid signature by ${kid}`);
  }
}

async function requireBridgeSignature(signed: SignedStatement, signers: StatementSigners): Promise<void> {
  const person = thumbprint(signed.statement.keys[1]);
  const byBridge = signed.signatures.find((candidate) => candidate.kid !== person);
  if (byBridge === undefined) throw new CountersignError('statement_signature', 'the bridge has not signed');
  await requireSignature(signed, signers.bridgeKey(byBridge.kid));
}
