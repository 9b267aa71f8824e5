import * as z from 'zod/mini';
import { compactJws, digest, domainName, entityId, ISSUER_DOMAINS } from './claims.ts';
import { CountersignError } from './errors.ts';
import { LOG_STAPLE_MAX } from './keytrans/limits.ts';
import { type VerifiedLog, verifyLogStaple } from './keytrans/log-proof.ts';
import type { LogTrust } from './keytrans/log-trust.ts';
import { loggedOwnRecord } from './logged-records.ts';
import { type OnlineKeys, verifyOnlineKeys } from './online-keys.ts';
import { type PolicyBundle, policyDocument, verifyPolicyBundle } from './policy-bundle.ts';
import { logOrigin } from './tlog/checkpoint.ts';

const logProof = z.string().check(z.minLength(1), z.maxLength(LOG_STAPLE_MAX));
const count = z.int().check(z.nonnegative());

/**
 * `GET /.well-known/countersign/logged-trust`: what a bridge publishes of itself, with the proofs that its key log has just
 * that as the newest. It is not signed: the proofs are all that counts of it.
 */
export const publishedTrustSchema = z.strictObject({
  iss: entityId,
  online_keys: compactJws,
  /** The root and the domains that the bridge tells its own clients, and claims towards partners. */
  record: z.strictObject({
    /** From 1. */
    version: z.int().check(z.positive()),
    root_thumbprint: digest,
    domains: z.array(domainName).check(z.maxLength(ISSUER_DOMAINS)),
    log_proof: logProof,
  }),
  /** The policy in force; its bundle stands at `/.well-known/countersign/policy`. */
  policy: z.strictObject({ version: count, hash: digest, log_proof: logProof }),
});

export type PublishedTrust = z.infer<typeof publishedTrustSchema>;

/** Under which root a bridge is believed, and from which state of its online keys on. */
export interface TrustContext {
  readonly entityId: string;
  readonly rootThumbprint: string;
  readonly leastSerial?: number;
  /** Of the verifier's own, pinned policy. */
  readonly trust: LogTrust | undefined;
  /** Seconds. */
  readonly now: number;
}

/** What is in the log of a bridge as the newest of its kind: shown to everybody alike, as far as `level` says. */
export interface LoggedTrust {
  readonly onlineKeys: OnlineKeys;
  readonly record: {
    readonly version: number;
    readonly domains: readonly string[];
    readonly log: VerifiedLog;
  };
  readonly policy: { readonly bundle: PolicyBundle; readonly log: VerifiedLog };
}

/**
 * Verifies offline that the record and the policy which a bridge shows are the newest in its key log. `bundle`: the
 * `policy-bundle+jwt` that was given for the policy in force. Throws `root_mismatch` for a record of another root,
 * `policy_bundle_invalid` for another bundle, and what `verifyOnlineKeys`, `verifyPolicyBundle` and `verifyLogStaple` throw.
 */
export async function verifyPublishedTrust(
  { online_keys: token, record, policy }: PublishedTrust,
  bundle: string,
  context: TrustContext,
): Promise<LoggedTrust> {
  const { entityId: iss, rootThumbprint, trust, now } = context;
  if (record.root_thumbprint !== rootThumbprint) throw new CountersignError('root_mismatch');
  const { leastSerial = 0 } = context;
  const onlineKeys = await verifyOnlineKeys(token, { iss, rootThumbprint, leastSerial }, now);
  const claim = { origin: logOrigin(iss), logKeys: onlineKeys.all('log'), trust, now };
  const logged = loggedOwnRecord({ ...record, iss });
  const verified = await verifyPolicyBundle(bundle, onlineKeys, now, policy);
  return {
    onlineKeys,
    record: {
      ...{ version: record.version, domains: record.domains },
      log: await verifyLogStaple({ ...claim, ...logged, staple: record.log_proof }),
    },
    policy: {
      bundle: verified,
      log: await verifyLogStaple({
        ...{ ...claim, kind: 'policy', name: 'policy', version: verified.version },
        ...{ value: policyDocument(verified.content), staple: policy.log_proof },
      }),
    },
  };
}
