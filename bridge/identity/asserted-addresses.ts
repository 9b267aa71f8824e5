import { type Address, parseAddress } from '../../protocol/address.ts';
import { ADDRESSES_PER_PERSON } from '../lib/limits.ts';

/** What an IdP asserted, held against the domains that its connection may speak for. */
export interface AssertedAddresses {
  readonly counted: readonly Address[];
  /** As they were asserted. */
  readonly dropped: readonly string[];
}

/**
 * An address counts if it is in its one form on exactly one of these domains: a subdomain, a parent, a trailing dot or
 * a look-alike is another domain. The order is kept: the first is the one that the IdP thinks of.
 */
export function countAddresses(asserted: readonly string[], domains: readonly string[]): AssertedAddresses {
  const counted = new Map<string, Address>();
  const dropped: string[] = [];
  for (const text of asserted) {
    const address = parse(text);
    const counts = address !== undefined && domains.includes(address.domain);
    if (counts && (counted.has(address.address) || counted.size < ADDRESSES_PER_PERSON)) {
      counted.set(address.address, address);
    } else {
      dropped.push(text);
    }
  }
  return { counted: [...counted.values()], dropped };
}

function parse(text: string): Address | undefined {
  try {
    return parseAddress(text);
  } catch {
    return undefined;
  }
}

/** For administrators: why none of them counts. Of what the IdP sent, only what looks like a domain is repeated. */
export function describeUncounted(dropped: readonly string[], domains: readonly string[]): string {
  if (dropped.length === 0) return 'The identity provider sent no address.';
  const named = new Set(dropped.map((text) => /@([a-z0-9.-]{1,253})$/i.exec(text)?.[1] ?? 'no valid domain'));
  const may = domains.length === 0 ? 'none: no proven domain is given to it' : domains.join(', ');
  return `The address that was sent is on ${[...named].join(', ')}. This connection may assert addresses on ${may}.`;
}
