import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import type { PolicyContent } from '../../protocol/policy-bundle.ts';

/** The shipped content with a file of one's own. */
export function withFile(text: string, file = 'own.cedar'): PolicyContent {
  const content = readDefaultContent();
  return { ...content, policies: { ...content.policies, [file]: text } };
}

/** The shipped schema and data with these policies alone. */
export function onlyFile(text: string, file = 'own.cedar'): PolicyContent {
  return { ...readDefaultContent(), policies: { [file]: text } };
}

/** A policy of one's own: `what` is its head and conditions. */
export function policyText(id: string, what: string): string {
  return `@id("${id}")\n@reason("For a test.")\n${what};\n`;
}
