import { isIP, type LookupFunction } from 'node:net';
import { rootCertificates } from 'node:tls';
import { CountersignError } from '../../protocol/errors.ts';
import { isInNetworks, isPublicAddress, type Network, parseNetwork } from './networks.ts';
import type { Resolver } from './resolver.ts';

/** What every way out of the process is bound by. */
export interface OutboundRules {
  readonly resolver: Resolver;
  /** Ranges (CIDR) that may be reached although they are not public. */
  readonly allowedNetworks: readonly string[];
  /** PEM certificates trusted beside the public roots. */
  readonly caCertificates?: readonly string[];
}

/** `config_invalid` if one is not in CIDR notation. */
export function parseAllowedNetworks(texts: readonly string[]): readonly Network[] {
  return texts.map((text) => {
    const network = parseNetwork(text);
    if (network === undefined) throw new CountersignError('config_invalid', `${text} is not a network.`);
    return network;
  });
}

/** The roots for a secure context; empty stands for Node's own. */
export function trustedRoots(caCertificates: readonly string[] = []): { ca?: string[] } {
  return caCertificates.length === 0 ? {} : { ca: [...rootCertificates, ...caCertificates] };
}

/**
 * The socket's own look-up: what it returns is what the socket connects to, so nothing can answer differently
 * between the check and the connection (DNS rebinding).
 */
export function checkedLookup(resolver: Resolver, allowed: readonly Network[]): LookupFunction {
  return (hostname, options, callback) => {
    resolver.lookup(hostname).then(
      (addresses) => {
        let answer: { address: string; family: number }[];
        try {
          assertReachable(hostname, addresses, allowed);
          answer = addresses.map((address) => ({ address, family: isIP(address) }));
        } catch (error) {
          callback(error as Error, []);
          return;
        }
        const [first] = answer;
        if (options.all === true || first === undefined) callback(null, answer);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, []),
    );
  };
}

/**
 * Throws `outbound_refused`. One bad address among good ones refuses the name: only a mistake or an attack mixes
 * them.
 */
export function assertReachable(
  host: string,
  addresses: readonly string[],
  allowed: readonly Network[],
): void {
  const bad = addresses.filter((address) => !isPublicAddress(address) && !isInNetworks(address, allowed));
  if (bad.length === 0 && addresses.length > 0) return;
  // The addresses stay private: whoever names a host must not learn what our DNS says about it.
  throw new CountersignError(
    'outbound_refused',
    `${host} is not at a public address; if it is your own, name its network in outbound.allowed_networks.`,
    {
      cause: new Error(`${host} is at ${bad.join(', ') || 'none'}`),
    },
  );
}
