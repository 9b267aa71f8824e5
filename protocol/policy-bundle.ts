import * as z from 'zod/mini';
import { canonicalJson, type Json, labelled } from './canonical-json.ts';
import { digest, entityId, seconds } from './claims.ts';
import { CountersignError } from './errors.ts';
import { sha256Base64url } from './hash.ts';
import { CLOCK_SKEW, verifyJws } from './jws.ts';
import { assertKeyInUse, type OnlineKey, type OnlineKeys } from './online-keys.ts';

/** Characters of a policy's texts and names together: some twenty times what is shipped. */
export const POLICY_LENGTH = 262_144;

/** Files of policies: one for each concern, and as many of the company's own. */
export const POLICY_FILES = 64;

/** A file of policies by its name alone: no folder, nothing hidden, lower case. */
const fileName = z.string().check(z.maxLength(64), z.regex(/^[a-z0-9][a-z0-9-]*\.cedar$/));

/**
 * What a policy consists of: the schema and the policies as Cedar text, and the numbers that are no rules. What stands in
 * `data` is for the bridge to know; verifiers hash it. Both texts count as they are, to the last line feed.
 */
export const policyContentSchema = z
  .strictObject({
    schema: z.string(),
    policies: z.record(fileName, z.string()),
    data: z.custom<{ readonly [name: string]: Json }>(isCanonicalObject, 'no JSON that can be signed'),
  })
  .check(
    z.refine(({ policies }) => Object.keys(policies).length <= POLICY_FILES, 'too many files'),
    z.refine((content) => lengthOf(content) <= POLICY_LENGTH, 'too long'),
  );

/** Refuses what nests so deeply that the next parser gives up, or what two could read differently. */
function isCanonicalObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  try {
    canonicalJson(value as Json);
    return true;
  } catch {
    return false;
  }
}

function lengthOf({ schema, policies, data }: PolicyContent): number {
  if (!isCanonicalObject(data)) return Number.POSITIVE_INFINITY;
  return canonicalJson({ schema, policies, data }).length;
}

/** The same in types; an alias, so that it is JSON to the compiler too. */
export type PolicyContent = {
  readonly schema: string;
  /** By the name of the file. */
  readonly policies: Readonly<Record<string, string>>;
  readonly data: { readonly [name: string]: Json };
};

/** The bytes that a policy's hash, and the key log, commit to. Throws `claims_invalid` for what two parsers could read differently. */
export function policyDocument({ schema, policies, data }: PolicyContent): Uint8Array<ArrayBuffer> {
  return labelled('policy', { schema, policies, data });
}

/** SHA-256 of the document, base64url: what bindings and decisions name. */
export function policyHash(content: PolicyContent): string {
  return sha256Base64url(policyDocument(content));
}

const version = z.int().check(z.nonnegative());

/**
 * `policy-bundle+jwt`: a policy that came into force at a bridge, whole. It has no end: it says what was decided by, and
 * a binding of long ago may name it. One content that came back has another version, and another bundle.
 */
export const policyBundleSchema = z
  .strictObject({
    iss: entityId,
    iat: seconds,
    /** From 0, as the key log counts it; of two, the higher one is in force. */
    version,
    hash: digest,
    /** Hash of the policy before it; null exactly at version 0. */
    previous: z.nullable(digest),
    content: policyContentSchema,
  })
  .check(z.refine((claims) => (claims.version === 0) === (claims.previous === null), 'previous'));

export type PolicyBundle = z.infer<typeof policyBundleSchema>;

/** Which policy it must be, where that is known. */
export interface ExpectedPolicy {
  /** As a binding, a decision or an entity configuration names it. */
  readonly hash?: string | undefined;
  readonly version?: number | undefined;
  /** The highest version that was seen: a bundle from before counts as the policy of then, not of now. */
  readonly leastVersion?: number | undefined;
}

/**
 * Verifies a bundle under its issuer's online keys: signature, issuer, and the hash over its content, computed anew. Of
 * the bridge's keys those of `statement` sign bundles, because these stay published when they are retired.
 *
 * Throws `policy_bundle_invalid` for a content that does not have the hash that it names, or another policy than
 * expected; `version_rollback`, `jws_issuer`, `jws_not_yet_valid`, `jws_expired` for online keys that have ended, and
 * what `verifyJws` and `find` throw.
 */
export async function verifyPolicyBundle(
  token: string,
  onlineKeys: OnlineKeys,
  now: number,
  expected: ExpectedPolicy = {},
): Promise<PolicyBundle> {
  let key: OnlineKey | undefined;
  const bundle = await verifyJws(token, 'policy-bundle+jwt', policyBundleSchema, ({ kid }) => {
    key = onlineKeys.find('statement', kid);
    return key.jwk;
  });
  if (bundle.iss !== onlineKeys.iss) throw new CountersignError('jws_issuer', `expected ${onlineKeys.iss}`);
  if (key === undefined) throw new CountersignError('internal');
  assertKeyInUse(key, bundle.iat);
  if (!(now >= bundle.iat - CLOCK_SKEW)) throw new CountersignError('jws_not_yet_valid');
  if (now >= onlineKeys.exp + CLOCK_SKEW) {
    throw new CountersignError('jws_expired', 'the online keys of the issuer have expired');
  }
  if (policyHash(bundle.content) !== bundle.hash) {
    throw new CountersignError('policy_bundle_invalid', 'the content does not have the hash that is named');
  }
  assertExpected(bundle, expected);
  return bundle;
}

function assertExpected({ hash, version }: PolicyBundle, expected: ExpectedPolicy): void {
  if (expected.hash !== undefined && hash !== expected.hash) {
    throw new CountersignError('policy_bundle_invalid', `expected the policy ${expected.hash}`);
  }
  if (expected.version !== undefined && version !== expected.version) {
    throw new CountersignError('policy_bundle_invalid', `expected version ${expected.version}`);
  }
  if (!(version >= (expected.leastVersion ?? 0))) {
    throw new CountersignError('version_rollback', `policy ${version} is below ${expected.leastVersion}`);
  }
}
