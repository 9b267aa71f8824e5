import type { IncomingMessage } from 'node:http';
import { isInNetworks, type Network } from '../lib/networks.ts';

/** Ends of connections that are remembered: proxies are few. */
const PEERS = 1_000;

/**
 * Reads the client's IP address. `X-Forwarded-For` counts only when the connection comes from a trusted proxy, and then
 * only its last entry that is not itself a trusted proxy: everything left of it the client may have written.
 */
export function createClientAddress(
  trustedProxies: readonly Network[],
): (request: IncomingMessage) => string {
  const proxies = new Map<string, boolean>();

  function isProxy(peer: string): boolean {
    const known = proxies.get(peer);
    if (known !== undefined) return known;
    if (proxies.size >= PEERS) proxies.clear();
    const trusted = isInNetworks(peer, trustedProxies);
    proxies.set(peer, trusted);
    return trusted;
  }

  return (request) => {
    const peer = (request.socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/, '');
    if (!isProxy(peer)) return peer;
    const forwarded = [request.headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
    const hops = forwarded.map((hop) => hop.trim()).filter((hop) => hop !== '');
    return hops.findLast((hop) => !isInNetworks(hop, trustedProxies)) ?? peer;
  };
}
