import * as z from 'zod/mini';
import { parseAddress } from './address.ts';
import { compactJws } from './claims.ts';
import { CountersignError } from './errors.ts';
import { type IdentityAttributes, verifyIdentityAttributes } from './identity-attributes.ts';
import { type KeyBindingClaims, statementKey, verifyKeyBinding } from './key-binding.ts';
import { type KeyStatement, signedStatementSchema, statementHash, verifyStatement } from './key-statement.ts';
import { LOG_STAPLE_MAX } from './keytrans/limits.ts';
import type { VerifiedLog } from './keytrans/log-proof.ts';
import type { LogTrust } from './keytrans/log-trust.ts';
import { type OnlineKeys, verifyOnlineKeys } from './online-keys.ts';
import { assertSpeaksFor, type TrustedIssuer } from './partner-record.ts';
import type { SignatureKey } from './public-key.ts';
import { assertFollows, CREDENTIAL_ROTATIONS, followRotations } from './rotation-chain.ts';

/** That the statement is in the issuer's log, as the newest version of its address. */
const logProof = z.string().check(z.minLength(1), z.maxLength(LOG_STAPLE_MAX));

/** The stapled credential (PROTOCOL §4): all that a verifier needs besides what it has pinned, and a clock. */
export const credentialSchema = z.strictObject({
  binding: compactJws,
  online_keys: compactJws,
  /** `identity-attributes+jwt` for the one who asked, where policy tells them anything. */
  attributes: z.optional(compactJws),
  log_proof: z.optional(logProof),
  /**
   * The rotations before the statement, oldest first: for verifiers that pinned a `sig` which was replaced more than once
   * since. Who has pinned none does not read them.
   */
  rotations: z.optional(
    z.array(signedStatementSchema).check(z.minLength(1), z.maxLength(CREDENTIAL_ROTATIONS)),
  ),
});

export type Credential = z.infer<typeof credentialSchema>;

/** Evidence that an address has no active key: the revoked statement, signed by its bridge. */
export const revocationSchema = z.strictObject({
  ...signedStatementSchema.shape,
  online_keys: compactJws,
  log_proof: z.optional(logProof),
});
export type Revocation = z.infer<typeof revocationSchema>;

/** How much a verified credential proves, weakest first. */
export const LEVELS = ['signed', 'logged', 'witnessed', 'audited'] as const;
export type Level = (typeof LEVELS)[number];

/** What the verifier demands: from its own pinned policy, never from the staple. */
export interface VerificationPolicy {
  readonly level: Level;
  /** The oldest binding that is taken, seconds. */
  readonly maxAge: number;
  /** Who must have watched the issuer's log; without it, no level above `logged` is reached. */
  readonly log?: LogTrust;
}

export interface VerificationContext {
  readonly issuer: TrustedIssuer;
  readonly policy: VerificationPolicy;
  /** Seconds since the epoch. */
  readonly now: number;
  /** The highest online-keys serial seen of this issuer. */
  readonly leastSerial?: number;
  /** Thumbprints that the issuer's root has declared compromised since, for evidence of then. */
  readonly compromised?: readonly string[];
  /** The person's `sig` key as last verified (from a pin), to hold a rotation against. */
  readonly previous?: SignatureKey;
  /** The version of this address's statement as last verified (from a pin): versions never go back. */
  readonly leastVersion?: number;
  /** Who asked, to whom the attributes must be addressed; without it attributes are ignored. */
  readonly audience?: string;
}

export interface VerifiedCredential {
  readonly level: Level;
  /**
   * Seconds since what carries the level: `signed` the binding, `logged` the close of the epoch, above that the
   * cosignature that completed the quorum.
   */
  readonly age: number;
  readonly statement: KeyStatement;
  readonly statementHash: string;
  readonly binding: KeyBindingClaims;
  readonly attributes: IdentityAttributes | null;
  readonly onlineKeys: OnlineKeys;
  /** Null where no log proof was stapled. */
  readonly log: VerifiedLog | null;
}

export interface VerifiedRevocation {
  readonly level: Level;
  readonly statement: KeyStatement;
  readonly onlineKeys: OnlineKeys;
  /** Null where no log proof was stapled. */
  readonly log: VerifiedLog | null;
}

/**
 * Verifies a stapled credential offline (PROTOCOL §4, §6). The address asked for is a parameter: a valid credential of
 * somebody else is an attack, not an answer. A log proof that is stapled must hold: a broken one is never taken for
 * none.
 *
 * Throws `claims_invalid` for another address, `domain_not_approved`, `partner_suspended`, `level_too_low`,
 * `credential_too_old`, `root_mismatch`, `serial_rollback`, `version_rollback`, `pin_changed`, and whatever the parts
 * throw (`verifyLogStaple` too).
 */
export async function verifyCredential(
  credential: Credential,
  address: string,
  context: VerificationContext,
): Promise<VerifiedCredential> {
  const onlineKeys = await issuerKeys(credential.online_keys, context);
  const binding = await verifyBinding(credential, onlineKeys, context);
  assertAddress(binding.statement, address, context.issuer);
  assertNotRolledBack(binding.statement, context.leastVersion);
  const bindingAge = Math.max(0, context.now - binding.iat);
  if (!(bindingAge <= context.policy.maxAge)) {
    throw new CountersignError('credential_too_old', `${bindingAge} s old`);
  }
  const log = await verifyLog(credential.log_proof, binding.statement, onlineKeys, context);
  const level: Level = log?.level ?? 'signed';
  if (!reaches(level, context.policy.level)) {
    throw new CountersignError('level_too_low', `${level}, but ${context.policy.level} is demanded`);
  }
  const attributes =
    credential.attributes === undefined || context.audience === undefined
      ? null
      : await verifyIdentityAttributes(
          credential.attributes,
          onlineKeys,
          { aud: context.audience, sub: binding.sub },
          context.now,
        );
  return {
    level,
    age: log === null ? bindingAge : Math.max(0, context.now - log.asOf),
    statement: binding.statement,
    statementHash: statementHash(binding.statement),
    binding,
    attributes,
    onlineKeys,
    log,
  };
}

/**
 * Verifies the evidence of a revocation; answers the revoked statement. Throws as `verifyCredential` does, but for the
 * policy's level: nobody has to show more than a signature to take a key back.
 */
export async function verifyRevocation(
  revocation: Revocation,
  address: string,
  context: Omit<VerificationContext, 'policy' | 'audience' | 'previous'> & {
    readonly policy?: Pick<VerificationPolicy, 'log'>;
  },
): Promise<VerifiedRevocation> {
  const onlineKeys = await issuerKeys(revocation.online_keys, context);
  const { statement, signatures } = revocation;
  if (statement.status !== 'revoked' || statement.iss !== context.issuer.entity_id) {
    throw new CountersignError('claims_invalid', 'this is no revocation by the issuer');
  }
  await verifyStatement(
    { statement, signatures },
    { bridgeKey: (kid) => statementKey(onlineKeys, kid, statement) },
  );
  assertAddress(statement, address, context.issuer);
  assertNotRolledBack(statement, context.leastVersion);
  const log = await verifyLog(revocation.log_proof, statement, onlineKeys, context);
  return { level: log?.level ?? 'signed', statement, onlineKeys, log };
}

/** With the rotations in between, where the verifier knows an earlier `sig`. */
async function verifyBinding(
  { binding: token, rotations }: Credential,
  onlineKeys: OnlineKeys,
  { now, previous, leastVersion = 0 }: VerificationContext,
): Promise<KeyBindingClaims> {
  if (previous === undefined || rotations === undefined) {
    return verifyKeyBinding(token, onlineKeys, now, previous);
  }
  const followed = await followRotations(rotations, { sig: previous, version: leastVersion });
  const binding = await verifyKeyBinding(token, onlineKeys, now, followed.sig);
  if (followed.last !== null) assertFollows(binding.statement, followed, leastVersion);
  return binding;
}

/**
 * The code for log proofs is loaded when the first is there: it brings the arithmetic of the curve, which a browser
 * otherwise leaves to WebCrypto.
 */
async function verifyLog(
  staple: string | undefined,
  statement: KeyStatement,
  onlineKeys: OnlineKeys,
  { now, policy }: { readonly now: number; readonly policy?: Pick<VerificationPolicy, 'log'> },
): Promise<VerifiedLog | null> {
  if (staple === undefined) return null;
  const { verifyLoggedStatement } = await import('./keytrans/logged-statement.ts');
  return verifyLoggedStatement(staple, statement, onlineKeys, { trust: policy?.log, now });
}

/** A demand that is no level at all (a pinned policy that was damaged) is reached by nothing. */
function reaches(level: Level, demanded: Level): boolean {
  const index = LEVELS.indexOf(demanded);
  return index !== -1 && LEVELS.indexOf(level) >= index;
}

function assertNotRolledBack(statement: KeyStatement, leastVersion = 0): void {
  if (!(statement.version >= leastVersion)) {
    throw new CountersignError('version_rollback', `version ${statement.version} is below ${leastVersion}`);
  }
}

async function issuerKeys(
  token: string,
  {
    issuer,
    now,
    leastSerial = 0,
    compromised = [],
  }: Pick<VerificationContext, 'issuer' | 'now' | 'leastSerial' | 'compromised'>,
): Promise<OnlineKeys> {
  const expected = {
    iss: issuer.entity_id,
    rootThumbprint: issuer.root_thumbprint,
    leastSerial,
    compromised,
  };
  return verifyOnlineKeys(token, expected, now);
}

/** The issuer may speak for the address that it signed, and that address is the one asked for. */
function assertAddress(statement: KeyStatement, address: string, issuer: TrustedIssuer): void {
  assertSpeaksFor(issuer, parseAddress(statement.address).domain);
  if (statement.address !== parseAddress(address).address) {
    throw new CountersignError('claims_invalid', 'the credential is for another address');
  }
}
