import { createOutbound, type Outbound } from '../../../bridge/lib/outbound.ts';
import { createNames, type Names } from '../names.ts';
import { createThrowawayCa, type ThrowawayCa } from '../throwaway-ca.ts';

/** Names, a certificate authority, and the way out to receivers on loopback. */
export interface ReceiverNetwork {
  readonly ca: ThrowawayCa;
  readonly names: Names;
  readonly outbound: Outbound;
  close(): Promise<void>;
}

export async function openReceiverNetwork(): Promise<ReceiverNetwork> {
  const ca = await createThrowawayCa();
  const names = createNames();
  const outbound = createOutbound({
    resolver: names,
    allowedNetworks: ['127.0.0.0/8'],
    caCertificates: [ca.certificatePem],
  });
  return { ca, names, outbound, close: () => outbound.close() };
}
