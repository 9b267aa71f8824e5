import { type PolicyContent, policyHash } from '../../../protocol/policy-bundle.ts';
import { CONTENTS_COMPILED } from '../../lib/limits.ts';
import { type CompiledPolicy, compilePolicy } from './compile-policy.ts';

/** Compiles a content, or answers what it was compiled to lately. Throws `policy_invalid`. */
export type CompileContent = (content: PolicyContent) => CompiledPolicy;

/**
 * Keeps the last few compiled contents by hash: compiling takes tenths of a second, in which nobody else is answered, and
 * a draft is tried, approved and brought into force one after the other.
 */
export function createCompiledContents(
  compile: CompileContent = (content) => compilePolicy(content),
): CompileContent {
  const byHash = new Map<string, CompiledPolicy>();
  return (content) => {
    const hash = policyHash(content);
    const compiled = byHash.get(hash) ?? compile(content);
    byHash.delete(hash);
    byHash.set(hash, compiled);
    for (const oldest of [...byHash.keys()].slice(0, -CONTENTS_COMPILED)) byHash.delete(oldest);
    return compiled;
  };
}
