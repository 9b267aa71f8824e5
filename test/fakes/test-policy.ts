import { compilePolicy } from '../../bridge/policy/content/compile-policy.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import type { Policy } from '../../bridge/policy/policy.ts';
import type { PolicyContent } from '../../protocol/policy-bundle.ts';

export interface TestPolicyOptions {
  /** In the place of the 20 of the shipped policies. */
  readonly maxDevices?: number;
  /** Takes the slashes away before `multi-factor-for-keys`. */
  readonly requireMultiFactor?: boolean;
  /** Whatever else is to be changed. */
  readonly change?: (content: PolicyContent) => PolicyContent;
}

/** Compiled ones by their content: that takes some tenths of a second. */
const compiled = new Map<string, Policy>();

/** The shipped policies, changed as an administrator would change their text. */
export function testPolicy({
  maxDevices,
  requireMultiFactor = false,
  change,
}: TestPolicyOptions = {}): Policy {
  let content = readDefaultContent();
  if (maxDevices !== undefined)
    content = replaceText(content, 'context.devices < 20', `context.devices < ${maxDevices}`);
  if (requireMultiFactor) content = uncomment(content, 'enrolment.cedar', 'multi-factor-for-keys');
  if (change !== undefined) content = change(content);
  const key = JSON.stringify(content);
  const policy = compiled.get(key) ?? compilePolicy(content);
  compiled.set(key, policy);
  return policy;
}

/** The content with a text replaced wherever it stands in its policies. Throws where it does not stand. */
export function replaceText(content: PolicyContent, text: string, by: string): PolicyContent {
  const changed = Object.entries(content.policies).map(([file, each]) => [file, each.replaceAll(text, by)]);
  const policies: Record<string, string> = Object.fromEntries(changed);
  if (Object.values(policies).join() === Object.values(content.policies).join()) {
    throw new Error(`no policy says ${text}`);
  }
  return { ...content, policies };
}

/** The content with a policy in force that its file shows in a comment. */
export function uncomment(content: PolicyContent, file: string, id: string): PolicyContent {
  const [before, after] = (content.policies[file] ?? '').split(`// @id("${id}")\n`);
  if (before === undefined || after === undefined) throw new Error(`${file} does not show ${id}`);
  const end = after.search(/^(?!\/\/)/m);
  const shown = after.slice(0, end === -1 ? undefined : end).replaceAll(/^\/\/ ?/gm, '');
  const rest = end === -1 ? '' : after.slice(end);
  return { ...content, policies: { ...content.policies, [file]: `${before}@id("${id}")\n${shown}${rest}` } };
}
