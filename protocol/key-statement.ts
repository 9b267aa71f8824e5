import * as z from 'zod/mini';
import { parseAddress } from './address.ts';
import { utf8 } from './bytes.ts';
import { canonicalJson, type Json, labelled } from './canonical-json.ts';
import { assurance, digest, entityId, id, seconds, signature } from './claims.ts';
import { type SigningKey, signBytes, verifyBytes } from './ed25519.ts';
import { CountersignError } from './errors.ts';
import { sha256Base64url } from './hash.ts';
import { keyPairSchema, type SignatureKey, thumbprint } from './public-key.ts';

/**
 * Whether the person's private halves rest anywhere beside their vault (PROTOCOL §9), for everybody to see: `passphrase`,
 * under one that the person keeps; `organization`, so that the company can open what is encrypted to them.
 */
export const escrowMethod = z.enum(['none', 'passphrase', 'organization']);

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
  address: z.string().check(z.maxLength(254)),
  /** Counts per address, across persons, from 0, and never resets. */
  version: z.int().check(z.nonnegative()),
  /** Counts per person, from 0; rises at every rotation and reset. */
  key_version: z.int().check(z.nonnegative()),
  status: z.enum(['active', 'revoked']),
  keys: keyPairSchema,
  assurance,
  escrow: escrowMethod,
  /** When this version began, seconds. */
  since: seconds,
  /** Hash of the previous version's statement, null for version 0. */
  prev: z.nullable(digest),
  /** Why the bridge signed: a revocation's reason, or why an active statement does not continue the keys before it. */
  reason: z.optional(z.enum(['closed', 'reset', 're-enrolled'])),
});

export type KeyStatement = z.infer<typeof keyStatementSchema>;

/** A statement's signatures, each named by the thumbprint of its key. */
export const statementSignaturesSchema = z
  .array(z.strictObject({ kid: digest, signature }))
  .check(z.minLength(1), z.maxLength(3));

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
  assertSignatureCount(signed);
  const bytes = statementBytes(statement);
  if (statement.status === 'revoked') {
    await requireBridgeSignature(signed, signers, bytes);
    return statement;
  }
  const own = statement.keys[1];
  await requireSignature(signed, own, bytes);
  if (statement.reason !== undefined) {
    await requireBridgeSignature(signed, signers, bytes);
  } else if (signers.previous !== undefined && thumbprint(signers.previous) !== thumbprint(own)) {
    await requireSignature(signed, signers.previous, bytes);
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
  if (statement.reason !== undefined && statement.version === 0) {
    throw new CountersignError('claims_invalid', 'what has a reason follows an earlier statement');
  }
  if (statement.reason === (statement.status === 'active' ? 'closed' : 're-enrolled')) {
    throw new CountersignError(
      'claims_invalid',
      `${statement.reason} is no reason to be ${statement.status}`,
    );
  }
}

/**
 * A signature that nobody checks would ride along in what the enrolment confirmation hashes: each statement has those
 * that it needs and no other.
 */
function assertSignatureCount({ statement, signatures }: SignedStatement): void {
  const count = signatures.length;
  const signers = new Set(signatures.map(({ kid }) => kid)).size;
  const fits =
    statement.status === 'revoked'
      ? count === 1
      : statement.reason !== undefined
        ? count === 2
        : count === 1 || (count === 2 && statement.version > 0);
  if (!fits || signers !== count) {
    throw new CountersignError('statement_signature', 'there are other signatures than the ones needed');
  }
}

async function requireSignature(
  signed: SignedStatement,
  key: SignatureKey,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const kid = thumbprint(key);
  const found = signed.signatures.find((candidate) => candidate.kid === kid);
  if (found === undefined || !(await verifyBytes(key, bytes, found.signature))) {
    throw new CountersignError('statement_signature', `no valid signature by ${kid}`);
  }
}

async function requireBridgeSignature(
  signed: SignedStatement,
  signers: StatementSigners,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const person = thumbprint(signed.statement.keys[1]);
  const byBridge = signed.signatures.find((candidate) => candidate.kid !== person);
  if (byBridge === undefined) throw new CountersignError('statement_signature', 'the bridge has not signed');
  await requireSignature(signed, signers.bridgeKey(byBridge.kid), bytes);
}
