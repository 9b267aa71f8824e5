import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** A range of addresses, parsed from CIDR notation. */
export type Network = ReturnType<typeof ipaddr.parseCIDR>;

/** The range written as `10.0.0.0/8` or `fd00::/8`, or `undefined` if the text is none. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', bits, ...rest] = text.split('/');
  if (isIP(address) === 0 || bits === undefined || rest.length > 0) return undefined;
  return ipaddr.isValidCIDR(text) ? ipaddr.parseCIDR(text) : undefined;
}

/** Whether the address (`10.1.2.3`, `fd00::1`) lies in one of the ranges; another notation never does. */
export function isInNetworks(address: string, networks: readonly Network[]): boolean {
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.parse(address);
  return networks.some(([network, bits]) => network.kind() === parsed.kind() && parsed.match(network, bits));
}

/** What IANA has given out for the public Internet; all other IPv6 space has some special meaning. */
const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3');

/**
 * Whether the address is an ordinary one of the public Internet. No loopback, private, link-local, shared,
 * multicast, documentation or reserved range is, nor an IPv6 form that leads to an IPv4 address (mapped,
 * compatible, 6to4, NAT64, Teredo): those would walk past the IPv4 rules.
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  return parsed.kind() === 'ipv4' || parsed.match(GLOBAL_IPV6);
}

/** Whom an address stands for: itself in IPv4, its /64 in IPv6, which a subscriber gets whole. */
export function subscriberOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const prefix = ipaddr.IPv6.parse(address).parts.slice(0, 4);
  return `${prefix.map((part) => part.toString(16)).join(':')}::/64`;
}
