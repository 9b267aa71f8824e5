import { DECISIONS_REMEMBERED } from '../lib/limits.ts';
import type { AttributeRead } from './attributes-read.ts';
import type { CedarRequest } from './cedar-request.ts';

/** Answers that were given before, to whatever asks the same of what policies look at. */
export interface DecisionMemo<Answer> {
  /** What was answered to a request that the policies for its action cannot tell from this one. */
  find(key: string): Answer | undefined;
  keep(key: string, answer: Answer): void;
  readonly hits: number;
  readonly misses: number;
  readonly size: number;
}

/** The least recently used go first, beyond `limit`. */
export function createDecisionMemo<Answer>(limit = DECISIONS_REMEMBERED): DecisionMemo<Answer> {
  const answers = new Map<string, Answer>();
  let hits = 0;
  let misses = 0;
  return {
    find(key) {
      const answer = answers.get(key);
      if (answer === undefined) {
        misses += 1;
        return undefined;
      }
      hits += 1;
      answers.delete(key);
      answers.set(key, answer);
      return answer;
    },
    keep(key, answer) {
      answers.set(key, answer);
      const [oldest] = answers.keys();
      if (answers.size > limit && oldest !== undefined) answers.delete(oldest);
    },
    get hits() {
      return hits;
    },
    get misses() {
      return misses;
    },
    get size() {
      return answers.size;
    },
  };
}

/** Of requests with the same key, policies that read no more than `reads` decide the same. */
export function memoKey(request: CedarRequest, reads: readonly AttributeRead[]): string {
  const { action, principal, resource } = request;
  const values = reads.map(({ path, presence }) => {
    const value = valueAt(request, path);
    return presence ? value !== undefined : (value ?? null);
  });
  return JSON.stringify([action.id, principal.type, resource.type, values]);
}

function valueAt(request: CedarRequest, [root, ...path]: readonly string[]): unknown {
  const { principal, resource, context, attributes } = request;
  if (root === undefined) return [principal.id, resource.id, attributes, context];
  if (root !== 'context' && path.length === 0) return root === 'principal' ? principal.id : resource.id;
  const roots: Readonly<Record<string, unknown>> = { ...attributes, context };
  let value = roots[root];
  for (const name of path) value = memberOf(value, name);
  return value;
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}
