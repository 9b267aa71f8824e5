import { isIP, connect as openTcp, type Socket } from 'node:net';
import { checkServerIdentity, connect as openTls, type TLSSocket } from 'node:tls';
import { CountersignError } from '../../protocol/errors.ts';
import { OUTBOUND_CONNECT_TIMEOUT_MS } from './limits.ts';
import {
  assertReachable,
  checkedLookup,
  type OutboundRules,
  parseAllowedNetworks,
  trustedRoots,
} from './reachable-addresses.ts';

/** Where a socket shall lead, and whom it must meet there. */
export interface SocketTarget {
  readonly host: string;
  readonly port: number;
  /** Absent: plain TCP. */
  readonly tls?: {
    /** PEM. The only roots trusted; without it the public ones and those of the configuration. */
    readonly ca?: string;
    /** PEM, for mutual TLS. */
    readonly certificate?: string;
    readonly key?: string;
    /** The name that the certificate must have. Default: `host`. */
    readonly serverName?: string;
  };
  readonly signal?: AbortSignal;
}

/**
 * The one way out of the process beside HTTP: the same rules as in outbound.ts on where it may lead (public addresses
 * or those that the operator allowed, the address checked being the one connected to), certificates always verified.
 *
 * Throws `outbound_refused`, `outbound_timeout`, `outbound_failed`, `name_not_found`, `name_unresolvable`. What it
 * answers has been connected (and, with TLS, the other side verified) and is its caller's to listen to and to close.
 */
export interface OutboundSockets {
  connect(target: SocketTarget): Promise<Socket | TLSSocket>;
}

export interface OutboundSocketsOptions extends OutboundRules {
  /** Milliseconds from the look-up of the name to the end of the handshake. */
  readonly connectTimeoutMs?: number;
}

/** A connection that nothing passes on is asked about after this long: firewalls forget silent ones. */
const KEEP_ALIVE_MS = 60_000;

/** `config_invalid` if an allowed network is not in CIDR notation. */
export function createOutboundSockets(options: OutboundSocketsOptions): OutboundSockets {
  const allowed = parseAllowedNetworks(options.allowedNetworks);
  const lookup = checkedLookup(options.resolver, allowed);
  const { ca: roots } = trustedRoots(options.caCertificates);

  function open(target: SocketTarget): Socket | TLSSocket {
    const { host, port, tls } = target;
    // For a literal address there is no look-up, so no other place to check it.
    if (isIP(host) !== 0) assertReachable(host, [host], allowed);
    if (tls === undefined) return openTcp({ host, port, lookup });
    const name = tls.serverName ?? host;
    return openTls({
      ...{ host, port, lookup, ca: tls.ca ?? roots, cert: tls.certificate, key: tls.key },
      minVersion: 'TLSv1.2',
      // RFC 6066 section 3: no addresses there
      servername: isIP(name) === 0 ? name : '',
      checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
      // Said although it is the default: the environment can change the default.
      rejectUnauthorized: true,
    });
  }

  return {
    async connect(target) {
      const timeout = AbortSignal.timeout(options.connectTimeoutMs ?? OUTBOUND_CONNECT_TIMEOUT_MS);
      try {
        const socket = open(target);
        await connected(socket, target, AbortSignal.any([timeout, ...[target.signal ?? []].flat()]));
        socket.setNoDelay(true);
        socket.setKeepAlive(true, KEEP_ALIVE_MS);
        return socket;
      } catch (error) {
        throw asOutboundError(error, target.host, timeout);
      }
    },
  };
}

function connected(socket: Socket | TLSSocket, target: SocketTarget, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const ready = target.tls === undefined ? 'connect' : 'secureConnect';
    const abort = () => socket.destroy(signal.reason);
    const end = (failure?: Error) => {
      signal.removeEventListener('abort', abort);
      socket.off(ready, end).off('close', closed);
      if (failure === undefined) {
        socket.off('error', end);
        resolve();
      } else reject(failure);
    };
    const closed = () => end(new Error('closed during the handshake'));
    socket
      .once(ready, () => end())
      .once('error', end)
      .once('close', closed);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

function asOutboundError(error: unknown, host: string, timeout: AbortSignal): CountersignError {
  if (error instanceof CountersignError) return error;
  if (timeout.aborted) {
    return new CountersignError('outbound_timeout', `${host} did not answer in time.`, { cause: error });
  }
  return new CountersignError('outbound_failed', `${host} could not be reached.`, { cause: error });
}
