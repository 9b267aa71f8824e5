import { describe } from 'vitest';
import { type PeerName, unavailable } from './packages.ts';

/**
 * A suite that needs a peer; to be awaited, since in CI it may install packages first. Where the peer is not
 * installed (and this is not CI) the suite is skipped, saying why.
 */
export async function describeWithPeer(peer: PeerName, title: string, define: () => void): Promise<void> {
  const reason = await unavailable(peer);
  if (reason !== null) console.warn(`Skipped: ${title}. ${reason}`);
  describe.skipIf(reason !== null)(title, define);
}
