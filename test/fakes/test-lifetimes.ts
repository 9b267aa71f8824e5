import type { PolicyContent } from '../../protocol/policy-bundle.ts';

/** A change of a policy: these lifetimes (seconds) in the place of the shipped ones, for `testPolicy`. */
export function withLifetimes(changes: PolicyContent['data']): (content: PolicyContent) => PolicyContent {
  return (content) => {
    const { lifetimes } = content.data;
    if (typeof lifetimes !== 'object' || lifetimes === null) throw new Error('the policy has no lifetimes');
    return { ...content, data: { ...content.data, lifetimes: { ...lifetimes, ...changes } } };
  };
}
