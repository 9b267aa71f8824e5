import { describe } from 'vitest';
import { type PeerName, unavailable } from './packages.ts';

/** A suite that needs a peer. Where the peer is not installed (and this is not CI) it is skipped, saying why. */
export function describeWithPeer(peer: PeerName, title: string, define: () => void): void {
  const reason = unavailable(peer);
  if (reason !== null) console.warn(`Skipped: ${title}. ${reason}`);
  describe.skipIf(reason !== null)(title, define);
}
