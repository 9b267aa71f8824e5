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

/**
 * Holds no more than `limit`, in two generations: what is asked for moves to the younger one, and when that has half of
 * them, the older one goes. (A single map in the order of use would be rehashed all the time.)
 */
export function createDecisionMemo<Answer>(limit: number): DecisionMemo<Answer> {
  let younger = new Map<string, Answer>();
  let older: ReadonlyMap<string, Answer> = new Map();
  let hits = 0;
  let misses = 0;

  function keep(key: string, answer: Answer): void {
    if (limit === 0) return;
    younger.set(key, answer);
    if (younger.size * 2 < limit) return;
    older = younger;
    younger = new Map();
  }

  return {
    find(key) {
      const young = younger.get(key);
      const answer = young ?? older.get(key);
      if (answer === undefined) {
        misses += 1;
        return undefined;
      }
      hits += 1;
      if (young === undefined) keep(key, answer);
      return answer;
    },
    keep,
    get hits() {
      return hits;
    },
    get misses() {
      return misses;
    },
    get size() {
      return younger.size + older.size;
    },
  };
}

/** Of requests with the same key, policies that read no more than `reads` decide the same. */
export function memoKey(request: CedarRequest, reads: readonly AttributeRead[]): string {
  let key = `${request.action.id} ${request.principal.type} ${request.resource.type}`;
  for (const { path, presence } of reads) {
    const value = valueAt(request, path);
    key += presence ? ` ${value !== undefined}` : ` ${written(value)}`;
  }
  return key;
}

/** JSON, so that no text can pass for several values; of plain words written faster. */
function written(value: unknown): string {
  if (typeof value === 'string' && /^[\w-]*$/.test(value)) return `"${value}"`;
  return typeof value === 'object' || typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function valueAt(request: CedarRequest, path: readonly string[]): unknown {
  const { principal, resource } = request;
  const [root] = path;
  if (root === undefined) return [principal.id, resource.id, request.attributes, request.context];
  if (root !== 'context' && path.length === 1) return root === 'principal' ? principal.id : resource.id;
  let value: unknown = rootOf(request, root);
  for (let depth = 1; depth < path.length; depth += 1) value = memberOf(value, path[depth] ?? '');
  return value;
}

/** What nothing reads is not made. */
function rootOf(request: CedarRequest, root: string): unknown {
  if (root === 'context') return request.context;
  return root === 'principal' ? request.attributes.principal : request.attributes.resource;
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return Reflect.get(value, name);
}
