import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

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
 * Throws `outbound_refused`, `outbound_timeout`, `outbound_failed`, `name_not_found`, `name_unresolvable`.
 */
export interface OutboundSockets {
  connect(target: SocketTarget): Promise<Socket | TLSSocket>;
}
