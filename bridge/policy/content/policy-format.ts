import type { PolicyContent } from '../../../protocol/policy-bundle.ts';
import { formatPolicies } from '../engine/cedar.ts';
import type { PolicyFault } from './policy-faults.ts';

/** A file of policies as Cedar's own formatter writes it, with its usual width; the text itself when it does not parse. */
export function formatted(text: string): string {
  const answer = formatPolicies({ policyText: text });
  if (answer.type === 'failure') return text;
  // Between policies it leaves an empty line; before comments after the last one it takes that away.
  const spaced = answer.formatted_policy.replaceAll(/^((?!\/\/).*;)\n(?=\/\/)/gm, '$1\n\n');
  return `${spaced.trimEnd()}\n`;
}

/** The files that are not written so. */
export function formatFaults({ policies }: PolicyContent): PolicyFault[] {
  return Object.entries(policies).flatMap(([file, text]) => {
    const wanted = formatted(text);
    if (wanted === text) return [];
    const lines = text.split('\n');
    const line = wanted.split('\n').findIndex((each, index) => each !== lines[index]) + 1;
    return [{ file, line, what: 'is not written as Cedar’s formatter writes it' }];
  });
}
