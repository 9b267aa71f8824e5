import type { Policy } from '../../bridge/policy/policy.ts';

/** A policy in whose place another one comes into force. */
export interface ChangeablePolicy {
  readonly policy: Policy;
  enforce(next: Policy): void;
}

export function changeablePolicy(first: Policy): ChangeablePolicy {
  let current = first;
  return {
    policy: {
      decide: (request) => current.decide(request),
      readsIds: (action) => current.readsIds(action),
      get document() {
        return current.document;
      },
      get hash() {
        return current.hash;
      },
      get lifetimes() {
        return current.lifetimes;
      },
      get recipients() {
        return current.recipients;
      },
    },
    enforce(next) {
      current = next;
    },
  };
}
