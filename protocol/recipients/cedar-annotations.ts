import { CountersignError } from '../errors.ts';

/** The beginning of a policy in a Cedar text: all that can be known of it without the engine. */
export interface AnnotatedPolicy {
  readonly effect: 'permit' | 'forbid';
  /** As they stand: escapes are not resolved, and what is meant for this reader has none. */
  readonly annotations: ReadonlyMap<string, string>;
  /** From the first annotation to the semicolon. */
  readonly text: string;
}

interface Token {
  readonly text: string;
  readonly start: number;
}

/** Comment, string, identifier, or any other character; Cedar’s comments end at either of the line ends. */
const TOKENS = /\/\/[^\n\r]*|"(?:[^"\\]|\\[\s\S])*"|[A-Za-z_]\w*|\S/g;

/**
 * The policies of a Cedar text with their annotations (docs.cedarpolicy.com, "Grammar specification"), so that a client
 * can see what a signed policy names without a policy engine of some megabytes. Conditions are skipped, not understood.
 * Throws `policy_bundle_invalid` for a text that Cedar would not take either.
 */
export function readAnnotatedPolicies(source: string): readonly AnnotatedPolicy[] {
  const tokens = [...source.matchAll(TOKENS)]
    .map(({ 0: text, index: start }): Token => ({ text, start }))
    .filter(({ text }) => !text.startsWith('//'));
  const policies: AnnotatedPolicy[] = [];
  for (let first = 0; first < tokens.length; ) {
    const { annotations, next } = readAnnotations(tokens, first);
    const effect = tokens[next]?.text;
    const last = tokens.findIndex(({ text }, index) => index > next && text === ';');
    const [from, to] = [tokens[first], tokens[last]];
    if ((effect !== 'permit' && effect !== 'forbid') || from === undefined || to === undefined)
      throw invalid();
    // A quotation mark that begins no string would hide whatever follows.
    if (tokens.slice(next, last).some(({ text }) => text === '"')) throw invalid();
    policies.push({ effect, annotations, text: source.slice(from.start, to.start + 1) });
    first = last + 1;
  }
  return policies;
}

function readAnnotations(
  tokens: readonly Token[],
  first: number,
): { annotations: ReadonlyMap<string, string>; next: number } {
  const annotations = new Map<string, string>();
  let next = first;
  while (tokens[next]?.text === '@') {
    const [name = '', open, value = '', close] = tokens.slice(next + 1, next + 5).map(({ text }) => text);
    // An annotation without parentheses has an empty value.
    const isBare = open !== '(';
    const isValue = isBare || (value.length > 1 && value.startsWith('"') && close === ')');
    if (!/^\w+$/.test(name) || !isValue || annotations.has(name)) throw invalid();
    annotations.set(name, isBare ? '' : value.slice(1, -1));
    next += isBare ? 2 : 5;
  }
  return { annotations, next };
}

function invalid(): CountersignError {
  return new CountersignError('policy_bundle_invalid', 'a policy text is not Cedar');
}
