import type { Resolver } from '../../bridge/lib/resolver.ts';
import { CountersignError } from '../../protocol/errors.ts';

/** A resolver for made-up names, changed while it is used. Names are folded to lower case, as DNS does. */
export interface Names extends Resolver {
  addHost(name: string, ...addresses: [string, ...string[]]): void;
  /** Replaces the TXT records of `name`; an empty list removes them. */
  setTxt(name: string, values: readonly string[]): void;
}

/** A `Resolver` that knows only what it is told: the network's resolver is never asked. */
export function createNames(): Names {
  const hosts = new Map<string, readonly string[]>();
  const records = new Map<string, readonly string[]>();

  return {
    addHost: (name, ...addresses) => void hosts.set(fold(name), addresses),
    setTxt: (name, values) => void records.set(fold(name), [...values]),
    lookup: async (host) => known(hosts, host),
    txt: async (name) => known(records, name),
  };
}

function known(answers: ReadonlyMap<string, readonly string[]>, name: string): readonly string[] {
  const answer = answers.get(fold(name));
  if (answer === undefined || answer.length === 0) {
    throw new CountersignError('name_not_found', `The name ${name} has no such record.`);
  }
  return answer;
}

function fold(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
