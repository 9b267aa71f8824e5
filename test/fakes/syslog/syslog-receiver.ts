import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions, type Server as TlsServer } from 'node:tls';
import { freePort } from '../../../demo/stage/free-port.ts';
import { parseSyslogMessage, type SyslogMessage } from './parse-message.ts';

/** What befalls a connection when the next bytes arrive on it. */
export type SyslogFault =
  /** They are read, and the connection is reset. */
  | 'reset'
  /** They are not read, and the connection is reset. */
  | 'reset-unread'
  /** It is closed in good order, unread. */
  | 'close-unread'
  | 'none';

/** A receiver that takes frames only as RFC 5425 (or RFC 6587, octet counting) and RFC 5424 have them. */
export interface SyslogReceiver {
  readonly port: number;
  readonly messages: readonly SyslogMessage[];
  /** What came against the specifications. */
  readonly breaches: readonly string[];
  /** Connections that it accepted. */
  readonly connections: number;
  /** One for each time that bytes arrive from now on. */
  failWith(...faults: readonly SyslogFault[]): void;
  /** Sends something, which no receiver of syslog does, on each connection. */
  say(text: string): void;
  /** Reads nothing, and does not close. */
  hang(): void;
  /** Ends all connections as the death of a process does, and listens no more. */
  die(): Promise<void>;
  /** Reads again, and listens on the same port. */
  revive(): Promise<void>;
  /** Other certificates from now on. Only with TLS. */
  present(options: TlsOptions): void;
  close(): Promise<void>;
}

export interface SyslogReceiverOptions {
  /** Any that is free. */
  readonly port?: number;
  /** Called with what was read, before anything more is, and before the end of a connection is answered. */
  readonly keep?: (messages: readonly SyslogMessage[]) => void;
}

/** On 127.0.0.1; `tls` absent: plain TCP. */
export async function openSyslogReceiver(
  tls?: TlsOptions,
  options: SyslogReceiverOptions = {},
): Promise<SyslogReceiver> {
  const messages: SyslogMessage[] = [];
  const breaches: string[] = [];
  const sockets = new Set<Socket>();
  /** The connections below: a TLS socket cannot send a reset itself. */
  const carriers = new Map<number | undefined, Socket>();
  const faults: SyslogFault[] = [];
  let connections = 0;
  let hanging = false;

  function accept(socket: Socket): void {
    connections += 1;
    sockets.add(socket);
    let rest: Buffer = Buffer.alloc(0);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    let dead = false;
    socket.on('data', (chunk: Buffer) => {
      // a TLS socket still hands out what it has decrypted
      if (dead) return;
      const fault = faults.shift();
      const before = messages.length;
      if (fault !== 'reset-unread' && fault !== 'close-unread')
        rest = readFrames(Buffer.concat([rest, chunk]));
      if (messages.length > before) options.keep?.(messages.slice(before));
      dead = fault !== undefined && fault !== 'none';
      if (fault === 'close-unread') socket.destroy();
      else if (fault !== undefined && fault !== 'none') reset(socket);
    });
    if (hanging) socket.pause();
  }

  function reset(socket: Socket): void {
    carriers.get(socket.remotePort)?.resetAndDestroy();
  }

  /** Takes the whole frames off the front; answers what is left. */
  function readFrames(bytes: Buffer): Buffer {
    const length = /^([1-9][0-9]{0,6}) /.exec(bytes.subarray(0, 8).toString('latin1'));
    if (length === null) {
      if (bytes.length >= 8) breaches.push(`no frame: ${bytes.subarray(0, 50)}`);
      return bytes;
    }
    const [prefix, count] = length;
    const end = prefix.length + Number(count);
    if (bytes.length < end) return bytes;
    try {
      messages.push(parseSyslogMessage(bytes.subarray(prefix.length, end)));
    } catch (error) {
      breaches.push(String(error));
    }
    return readFrames(bytes.subarray(end));
  }

  const server: Server | TlsServer =
    tls === undefined ? createServer(accept) : createTlsServer(tls, accept).on('tlsClientError', () => {});
  server.on('connection', (carrier: Socket) => {
    carriers.set(carrier.remotePort, carrier);
    carrier.on('error', () => {});
  });
  const port = options.port ?? (await freePort());

  async function listen(): Promise<void> {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  }

  async function die(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const carrier of carriers.values()) carrier.resetAndDestroy();
    carriers.clear();
    await closed;
  }

  await listen();
  return {
    port,
    messages,
    breaches,
    get connections() {
      return connections;
    },
    failWith: (...next) => void faults.push(...next),
    say(text) {
      for (const socket of sockets) socket.write(text);
    },
    hang() {
      hanging = true;
      for (const socket of sockets) socket.pause();
    },
    die,
    async revive() {
      hanging = false;
      for (const socket of sockets) socket.resume();
      if (!server.listening) await listen();
    },
    present(options) {
      if ('setSecureContext' in server) server.setSecureContext(options);
    },
    close: die,
  };
}
