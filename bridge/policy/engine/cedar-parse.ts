import type { PolicyFault } from '../content/policy-faults.ts';
import { type DetailedError, type PolicyJson, policySetTextToParts, policyToJson } from './cedar.ts';

/** One policy of a file. */
export interface NamedPolicy {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  /** One line, for whoever is refused or allowed by it. */
  readonly reason: string;
  /** All of them, `id` and `reason` among them. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly file: string;
  /** Where it begins; the first is 1. */
  readonly line: number;
  readonly text: string;
  readonly json: PolicyJson;
}

const ID = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const ID_LENGTH = 64;
const REASON_LENGTH = 300;
/** What the engine itself answers under. */
const RESERVED = new Set(['no-permit', 'engine-failed']);

/** The policies of one file, in its order, and what is wrong with it. */
export function parsePolicyFile(
  file: string,
  text: string,
): { policies: NamedPolicy[]; faults: PolicyFault[] } {
  const parts = policySetTextToParts(text);
  if (parts.type === 'failure') {
    return { policies: [], faults: parts.errors.map((error) => ({ file, ...faultIn(text, error) })) };
  }
  const faults: PolicyFault[] = parts.policy_templates.map((template) => ({
    ...{ file, line: lineOf(text, text.indexOf(template)) },
    what: 'a template (`?principal`, `?resource`) is not taken',
    remedy: 'Name in the policy itself whom it is for',
  }));
  const policies: NamedPolicy[] = [];
  for (const part of parts.policies) {
    const parsed = parsePolicy(file, lineOf(text, text.indexOf(part)), part);
    if ('what' in parsed) faults.push(parsed);
    else policies.push(parsed);
  }
  return { policies: policies.sort((a, b) => a.line - b.line), faults };
}

function parsePolicy(file: string, line: number, text: string): NamedPolicy | PolicyFault {
  const parsed = policyToJson(text);
  if (parsed.type === 'failure') {
    return { file, line, what: parsed.errors.map(({ message }) => message).join('; ') };
  }
  const { json } = parsed;
  const annotations = json.annotations ?? {};
  const { id = '', reason = '' } = annotations;
  if (!ID.test(id) || id.length > ID_LENGTH || RESERVED.has(id)) {
    const what = id === '' ? 'the policy has no `@id`' : `“${id}” is no id for a policy`;
    return {
      file,
      line,
      what,
      remedy: 'Give it one of lower-case words with hyphens: `@id("guests-find-nobody")`',
    };
  }
  if (reason.trim() === '' || reason.length > REASON_LENGTH || /[\r\n]/.test(reason)) {
    const what = 'it has no `@reason` of one line';
    return {
      file,
      line,
      policy: id,
      what,
      remedy: 'Say in a sentence what it allows or forbids: who is refused reads it',
    };
  }
  return { id, effect: json.effect, reason, annotations, file, line, text, json };
}

/** What Cedar says, at the line of `text` that it means. */
export function faultIn(
  text: string,
  { message, help, sourceLocations: [place] = [] }: DetailedError,
): Pick<PolicyFault, 'line' | 'what' | 'remedy'> {
  const label = place?.label ?? undefined;
  return {
    // Cedar counts bytes.
    ...(place === undefined
      ? {}
      : { line: lineOf(text, decode(encode(text).subarray(0, place.start)).length) }),
    what: label === undefined ? message : `${message} (${label})`,
    ...(help === null ? {} : { remedy: help.charAt(0).toUpperCase() + help.slice(1) }),
  };
}

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** The line that a place in the text is on; the first is 1. */
export function lineOf(text: string, index: number): number {
  return text.slice(0, Math.max(0, index)).split('\n').length;
}
