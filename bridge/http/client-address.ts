import type { IncomingMessage } from 'node:http';
import { isInNetworks, type Network } from '../lib/networks.ts';

/**
 * The client's IP address. `X-Forwarded-For` counts only when the connection comes from a trusted proxy, and then only
 * its last entry that is not itself a trusted proxy: everything left of it the client may have written.
 */
export function clientAddress(request: IncomingMessage, trustedProxies: readonly Network[]): string {
  const peer = (request.socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/, '');
  if (!isInNetworks(peer, trustedProxies)) return peer;
  const forwarded = [request.headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
  const hops = forwarded.map((hop) => hop.trim()).filter((hop) => hop !== '');
  return hops.findLast((hop) => !isInNetworks(hop, trustedProxies)) ?? peer;
}
