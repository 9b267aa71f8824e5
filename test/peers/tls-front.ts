import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import type { TlsIdentity } from './peer.ts';

export interface TlsFront {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * TLS in front of a peer that speaks only plain HTTP on 127.0.0.1: everything goes through unchanged, the Host header
 * included. It can start first, because a peer must be told its public address, and so this port, when it starts.
 */
export async function startTlsFront(tls: TlsIdentity, upstreamPort: number): Promise<TlsFront> {
  const server = createServer({ key: tls.key, cert: tls.cert }, (incoming, outgoing) => {
    const onward = request(
      {
        host: '127.0.0.1',
        port: upstreamPort,
        method: incoming.method,
        path: incoming.url,
        headers: { ...incoming.headers, 'x-forwarded-proto': 'https', connection: 'close' },
        setHost: false,
      },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        pipeline(answer, outgoing, () => {});
      },
    );
    onward.on('error', () => {
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(502).end();
    });
    pipeline(incoming, onward, () => {});
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}
