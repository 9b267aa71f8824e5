import type { Credential } from '../protocol/credential.ts';
import { CountersignError, isCountersignError } from '../protocol/errors.ts';
import { decodeClaims } from '../protocol/jws.ts';
import { keyBindingSchema, verifyKeyBinding } from '../protocol/key-binding.ts';
import type { OnlineKeys } from '../protocol/online-keys.ts';
import { POLICY_LENGTH, type PolicyBundle, verifyPolicyBundle } from '../protocol/policy-bundle.ts';
import { boundedBody } from './bounded-body.ts';
import { problemError } from './bridge-api.ts';
import { issuerKeys } from './check-log.ts';
import type { ClientContext } from './context.ts';
import { fetchFromBridge } from './dpop-fetch.ts';
import type { ClientParts } from './own-account.ts';

/** A bundle in base64url, of content in which each character may be escaped, or take three bytes. */
const BUNDLE_BYTES = POLICY_LENGTH * 8;

/** Which policy: of the own bridge, and the one in force, unless it is said otherwise. */
export interface WhichPolicy {
  /** Entity id of a bridge: the own one, or a partner whose record is pinned. */
  readonly iss?: string | undefined;
  /** As bindings and decisions name it. */
  readonly hash?: string | undefined;
}

/**
 * A bridge's policy, verified under its pinned root: signature, and the hash over its content. That it is the one in force,
 * where no hash is given, is the bridge's word of now. Throws `issuer_unknown`, `policy_unknown`, `policy_unavailable`,
 * `policy_bundle_invalid`, and what does not verify or cannot be read.
 */
export async function readPolicyBundle(
  { context, ownKeys }: ClientParts,
  { iss = context.issuer, hash }: WhichPolicy = {},
): Promise<PolicyBundle> {
  if (iss === context.issuer) await ownKeys.current();
  const { onlineKeys } = await issuerKeys(context, await context.pins.read(), iss);
  const path = hash === undefined ? '/.well-known/countersign/policy' : `/v1/policy/bundles/${hash}`;
  const read = async (cache: RequestCache): Promise<PolicyBundle> => {
    const token = await fetchBundle(context, `${iss}${path}`, cache);
    return verifyPolicyBundle(token, onlineKeys, context.now(), { hash });
  };
  try {
    return await read('default');
  } catch (error) {
    // A cache may hold for a year what was signed anew since, because its key was compromised.
    if (!isCountersignError(error, 'key_compromised')) throw error;
    return read('reload');
  }
}

/** A bundle as it was sent: nothing of it is verified. */
export async function fetchBundle(context: ClientContext, url: string, cache: RequestCache): Promise<string> {
  const response = await fetchFromBridge(context, url, { cache });
  if (!response.ok) throw problemError(response.status, await response.text().catch(() => ''));
  return new TextDecoder().decode(await boundedBody(response, BUNDLE_BYTES)).trim();
}

/** The policy of the own bridge that has this hash. */
export function fetchPolicyBundle(parts: ClientParts, hash: string): Promise<PolicyBundle> {
  return readPolicyBundle(parts, { hash });
}

/**
 * The policy under which a credential's binding was made; of the binding, signature and issuer are verified first. Throws
 * also what `verifyKeyBinding` throws.
 */
export async function readPolicyOf(parts: ClientParts, { binding }: Credential): Promise<PolicyBundle> {
  const { context, ownKeys } = parts;
  const { iss } = decodeClaims(binding, 'key-binding+jwt', keyBindingSchema);
  if (iss === context.issuer) await ownKeys.current();
  const { onlineKeys } = await issuerKeys(context, await context.pins.read(), iss);
  return readPolicyBundle(parts, { iss, hash: await hashIn(binding, onlineKeys, context.now()) });
}

/** A binding that has expired names its policy all the same; of one that does not verify nothing counts. */
async function hashIn(binding: string, onlineKeys: OnlineKeys, now: number): Promise<string> {
  const { iat } = decodeClaims(binding, 'key-binding+jwt', keyBindingSchema);
  if (iat > now) throw new CountersignError('jws_not_yet_valid');
  return (await verifyKeyBinding(binding, onlineKeys, iat)).policy_hash;
}
