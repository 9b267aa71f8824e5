import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { CountersignError } from '../../protocol/errors.ts';
import {
  CONNECTIONS,
  KEEP_ALIVE_MS,
  REQUEST_HEADERS_BYTES,
  REQUEST_HEADERS_TIMEOUT_MS,
  REQUEST_TIMEOUT_MS,
} from '../lib/limits.ts';

export interface ServerOptions {
  /** Of the machine. */
  readonly address: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** PEM. Absent where a proxy ends TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly answer: RequestListener;
  /** How long headers, and a TLS handshake before them, may take; the product's limit where absent. */
  readonly headersTimeoutMs?: number;
  /** The setting that a fault is reported under; `listen` where absent. */
  readonly setting?: string;
}

/** A server that takes requests. */
export interface ListeningServer {
  readonly port: number;
  /** Takes no new connection from now on; the open ones go on. */
  refuse(): void;
  /** Takes no new connection, lets open requests finish for up to `graceMs`, then cuts what is left. */
  stop(graceMs: number): Promise<void>;
}

/** Listens. Throws `config_invalid` for an address, port or certificate that cannot be used. */
export async function startServer(options: ServerOptions): Promise<ListeningServer> {
  const server = createServer(options);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = CONNECTIONS;
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= new Promise<void>((resolve) => server.close(() => resolve()));
    return closed;
  };
  return { port, refuse: () => void close(), stop: (graceMs) => stopServer(server, close(), graceMs) };
}

function createServer({ tls, answer, headersTimeoutMs = REQUEST_HEADERS_TIMEOUT_MS }: ServerOptions): Server {
  const limits = {
    maxHeaderSize: REQUEST_HEADERS_BYTES,
    headersTimeout: headersTimeoutMs,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Node looks for late requests every 30 s by itself: a limit of 10 s would be one of 40 s.
    connectionsCheckingInterval: headersTimeoutMs / 2,
  };
  if (tls === undefined) return createHttpServer(limits, answer);
  try {
    const handshake = { minVersion: 'TLSv1.2', handshakeTimeout: headersTimeoutMs } as const;
    return createHttpsServer({ ...limits, ...tls, ...handshake }, answer);
  } catch (cause) {
    throw new CountersignError(
      'config_invalid',
      'listen.tls: the certificate and its private key cannot be used together.',
      { cause },
    );
  }
}

function listen(server: Server, { address, port, setting = 'listen' }: ServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const place = `${address} port ${port} (${cause.code ?? 'unknown error'})`;
      const right = cause.code === 'EACCES' ? ' Ports below 1024 need a right (CAP_NET_BIND_SERVICE).' : '';
      reject(
        new CountersignError('config_invalid', `${setting}: cannot listen on ${place}.${right}`, { cause }),
      );
    });
    server.listen(port, address, resolve);
  });
}

/** How often connections that have become idle are looked for. */
const IDLE_LOOK_MS = 25;

async function stopServer(server: Server, closed: Promise<void>, graceMs: number): Promise<void> {
  // A client that keeps its connection for a next request would hold the stop up.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_LOOK_MS);
  const late = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(idle);
  clearTimeout(late);
}
