import { type PolicyContent, policyDocument } from '../../../protocol/policy-bundle.ts';
import { sha256Base64url } from '../../lib/hash.ts';
import { DECISIONS_REMEMBERED } from '../../lib/limits.ts';
import { optimizeAgain } from '../engine/baseline-wasm.ts';
import type { NamedPolicy } from '../engine/cedar-parse.ts';
import { createDecider, type DecisionFailure, type DecisionStatistics } from '../engine/decider.ts';
import type { Policy } from '../policy.ts';
import { lifetimesOf } from './policy-data.ts';
import { requireValid } from './validate-content.ts';

/** A policy that was validated and can be asked. It never changes. */
export interface CompiledPolicy extends Policy {
  readonly content: PolicyContent;
  /** By file, and in the order of each. */
  readonly policies: readonly NamedPolicy[];
  statistics(): DecisionStatistics;
}

export interface CompileOptions {
  /** Told of every decision that failed, and was refused for that. */
  readonly onFailure?: (failure: DecisionFailure) => void;
  /** A clock in milliseconds, for the time that decisions take. */
  readonly now?: () => number;
  /** Decisions that are kept for whoever asks the same; 0 for none. */
  readonly remembered?: number;
}

/**
 * Validates a policy strictly and makes it ready to decide. Throws `policy_invalid` with every fault (file, line, policy) in
 * its detail, a line each; its cause is `PolicyFaults`.
 */
export function compilePolicy(content: PolicyContent, options: CompileOptions = {}): CompiledPolicy {
  try {
    return compile(content, options);
  } finally {
    // Whatever came of it, Cedar has been called.
    optimizeAgain();
  }
}

function compile(content: PolicyContent, options: CompileOptions): CompiledPolicy {
  const { policies, data, recipients } = requireValid(content);
  const document = policyDocument(content);
  const hash = sha256Base64url(document);
  const { now = () => performance.now(), remembered = DECISIONS_REMEMBERED, onFailure = () => {} } = options;
  const decider = createDecider({ policies, hash, now, remembered, onFailure });
  decider.warmUp();
  return {
    ...{ content, policies, document, hash, lifetimes: lifetimesOf(data), recipients },
    decide: decider.decide,
    readsIds: decider.readsIds,
    statistics: decider.statistics,
  };
}
