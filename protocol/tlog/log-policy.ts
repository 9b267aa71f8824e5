import { equalBytes } from '../bytes.ts';
import { CountersignError } from '../errors.ts';
import { parseDecimal } from './note-lines.ts';
import {
  ED25519_COSIGNATURE,
  ED25519_NOTE,
  type NoteKeyType,
  parseVerifierKey,
  type VerifierKey,
} from './verifier-key.ts';

/** A log or a witness of a policy. */
export interface PolicyMember {
  readonly key: VerifierKey;
  /** Where it can be asked; verification offline needs none. */
  readonly url?: string;
}

/** That `threshold` of these witnesses and groups have seen a checkpoint. */
export interface PolicyGroup {
  readonly threshold: number;
  readonly members: readonly string[];
}

/** Which logs and witnesses are trusted, and how many of them are needed (C2SP tlog-policy). */
export interface LogPolicy {
  readonly logs: readonly PolicyMember[];
  /** By the name that the policy gives each, which need not be that of its key. */
  readonly witnesses: ReadonlyMap<string, PolicyMember>;
  /** By name, each behind those that it is made of. */
  readonly groups: ReadonlyMap<string, PolicyGroup>;
  /** A witness, a group, or `none`. */
  readonly quorum: string;
}

/** Thirty-two of each are to be supported at least; this is for a policy of hundreds. */
const MAX_LINES = 1_000;
const NONE = 'none';

/** The policy that a text states. Throws `log_policy_invalid`, saying the line. */
export function parseLogPolicy(text: string): LogPolicy {
  const lines = text.split('\n', MAX_LINES + 1);
  if (lines.length > MAX_LINES) refuse(`it has more than ${MAX_LINES} lines`);
  const draft = new PolicyDraft();
  for (const [index, line] of lines.entries()) {
    try {
      draft.read(line);
    } catch (cause) {
      const reason = cause instanceof CountersignError ? (cause.detail ?? cause.code) : 'malformed';
      throw new CountersignError('log_policy_invalid', `line ${index + 1}: ${reason}`, { cause });
    }
  }
  return draft.policy();
}

/** Whether a checkpoint that these witnesses, by their names in the policy, have cosigned meets the quorum. */
export function meetsQuorum(policy: LogPolicy, names: Iterable<string>): boolean {
  const seen = new Set([...names].filter((name) => policy.witnesses.has(name)));
  for (const [name, { threshold, members }] of policy.groups) {
    if (members.filter((member) => seen.has(member)).length >= threshold) seen.add(name);
  }
  return policy.quorum === NONE || seen.has(policy.quorum);
}

class PolicyDraft {
  readonly #logs: PolicyMember[] = [];
  readonly #witnesses = new Map<string, PolicyMember>();
  readonly #groups = new Map<string, PolicyGroup>();
  /** A name counts in one group only, or a witness could count twice. */
  readonly #grouped = new Set<string>();
  #quorum: string | undefined;

  read(line: string): void {
    if (/[^\t\P{Cc}]/u.test(line)) refuse('a control character');
    const [keyword, ...items] = line.split(/[ \t]+/).filter((item) => item !== '');
    if (keyword === undefined || keyword.startsWith('#')) return;
    if (keyword === 'log') this.#addLog(items);
    else if (keyword === 'witness') this.#addWitness(items);
    else if (keyword === 'group') this.#addGroup(items);
    else if (keyword === 'quorum') this.#setQuorum(items);
    else refuse('an unknown keyword');
  }

  policy(): LogPolicy {
    if (this.#quorum === undefined) refuse('it has no quorum');
    return { logs: this.#logs, witnesses: this.#witnesses, groups: this.#groups, quorum: this.#quorum };
  }

  #addLog(items: readonly string[]): void {
    this.#logs.push(memberOf(items, ED25519_NOTE, this.#logs));
  }

  #addWitness([name, ...items]: readonly string[]): void {
    this.#witnesses.set(this.#newName(name), memberOf(items, ED25519_COSIGNATURE, this.#witnesses.values()));
  }

  #addGroup([name, count, ...members]: readonly string[]): void {
    const group = this.#newName(name);
    const threshold = thresholdOf(count, members.length);
    for (const member of members) {
      if (!this.#isDefined(member)) refuse(`${member} is not defined before`);
      if (this.#grouped.has(member)) refuse(`${member} is a member already`);
      this.#grouped.add(member);
    }
    this.#groups.set(group, { threshold, members });
  }

  #setQuorum([name, ...more]: readonly string[]): void {
    if (this.#quorum !== undefined) refuse('a second quorum');
    if (name === undefined || more.length > 0) refuse('the quorum is one name');
    if (name !== NONE && !this.#isDefined(name)) refuse(`${name} is not defined before`);
    this.#quorum = name;
  }

  #newName(name: string | undefined): string {
    if (name === undefined) refuse('a name is missing');
    if (name === NONE || this.#isDefined(name)) refuse(`${name} is defined already`);
    return name;
  }

  #isDefined(name: string): boolean {
    return this.#witnesses.has(name) || this.#groups.has(name);
  }
}

function memberOf(
  [vkey, url, ...more]: readonly string[],
  type: NoteKeyType,
  known: Iterable<PolicyMember>,
): PolicyMember {
  if (vkey === undefined || more.length > 0) refuse('a key and at most a URL are expected');
  const key = parseVerifierKey(vkey);
  if (key.type !== type) refuse('the key is of another type than this line needs');
  for (const other of known) {
    if (equalBytes(other.key.publicKey, key.publicKey)) refuse('the key is listed already');
  }
  return url === undefined ? { key } : { key, url };
}

function thresholdOf(count: string | undefined, members: number): number {
  if (members === 0) refuse('a group has at least one member');
  if (count === 'any') return 1;
  if (count === 'all') return members;
  const threshold = parseDecimal(count ?? '');
  if (threshold === undefined || threshold < 1 || threshold > members)
    refuse('the threshold is out of range');
  return threshold;
}

function refuse(reason: string): never {
  throw new CountersignError('log_policy_invalid', reason);
}
