import { createNamedFetch, type NamedFetch } from '../fakes/named-fetch.ts';
import { createNames } from '../fakes/names.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';
import type { TlsIdentity } from './peer.ts';

/** A TLS identity for one name, under a certificate authority of its own. */
export async function makeTlsIdentity(host: string): Promise<TlsIdentity> {
  const ca = await createThrowawayCa();
  return { ...(await ca.issue([host])), ca: ca.certificatePem };
}

/** A fetch that reaches one peer under its name and nothing else. */
export function peerFetch(host: string, ca: string): NamedFetch {
  const names = createNames();
  names.addHost(host, '127.0.0.1');
  return createNamedFetch(names, ca);
}

/** The body of a 200; any other answer throws. */
export async function getText(fetchPeer: typeof fetch, url: string): Promise<string> {
  const answer = await fetchPeer(url);
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
  return answer.text();
}
