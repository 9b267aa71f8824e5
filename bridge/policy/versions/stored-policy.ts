import { CountersignError } from '../../../protocol/errors.ts';
import {
  type PolicyContent,
  policyContentSchema,
  policyHash,
  verifyPolicyBundle,
} from '../../../protocol/policy-bundle.ts';
import { type Clock, seconds } from '../../lib/clock.ts';
import type { Signer } from '../../signer/signer.ts';
import type { PolicyVersionsTable } from '../../storage/tables/policy.ts';
import { type CompiledPolicy, type CompileOptions, compilePolicy } from '../content/compile-policy.ts';

/** A version as it was verified. */
export interface VersionInForce {
  readonly version: number;
  readonly hash: string;
  /** `policy-bundle+jwt`. */
  readonly bundle: string;
  readonly compiled: CompiledPolicy;
}

export interface StoredPolicyDeps {
  readonly signer: Pick<Signer, 'onlineKeys'>;
  readonly clock: Clock;
  /** Told of each decision that the engine could not make. */
  readonly onFailure: NonNullable<CompileOptions['onFailure']>;
}

/**
 * Compiles a stored version, once its content has the hash that the row and its signed bundle name: whoever can write to
 * the store, and does not have the bridge's keys, cannot change what is decided by.
 *
 * Throws `policy_bundle_invalid`, `policy_invalid`, and what `verifyPolicyBundle` throws.
 */
export async function openStoredPolicy(
  row: Pick<PolicyVersionsTable, 'version' | 'hash' | 'content' | 'bundle'>,
  { signer, clock, onFailure }: StoredPolicyDeps,
): Promise<VersionInForce> {
  const content = openStoredContent(row);
  const { version, hash, bundle } = row;
  await verifyPolicyBundle(bundle, signer.onlineKeys(), seconds(clock), { hash, version });
  return { version, hash, bundle, compiled: compilePolicy(content, { onFailure }) };
}

/** A stored content, once it has the hash that stands beside it. Throws `policy_bundle_invalid`. */
export function openStoredContent(row: { readonly content: string; readonly hash: string }): PolicyContent {
  const content = parseContent(row.content);
  if (policyHash(content) !== row.hash) {
    throw new CountersignError('policy_bundle_invalid', 'the stored content does not have its hash');
  }
  return content;
}

function parseContent(text: string): PolicyContent {
  try {
    return policyContentSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new CountersignError('policy_bundle_invalid', 'the stored content does not parse', { cause });
  }
}
