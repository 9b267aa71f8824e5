import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect } from 'node:tls';

/** A server on this machine. */
export interface Peer {
  readonly host: string;
  readonly port: number;
  /** PEM; null for a server without TLS. */
  readonly ca: string | null;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
}

const LAST_CHUNK = '0\r\n\r\n';

/**
 * One connection that is kept, for one request at a time. It knows only as much of HTTP/1.1 as the answers need
 * (a status, `Content-Length`, where the last chunk ends): a whole client would cost more than the server that it
 * measures. A body of chunks is answered with what stands around them.
 */
export class KeptConnection {
  readonly #socket: Socket;
  #received: Buffer[] = [];
  #size = 0;
  /** Of the answer under way, header included; unknown until its header has come. */
  #awaited: { status: number; headerEnd: number; total: number | null } | undefined;
  #waiting: { resolve(answer: HttpAnswer): void; reject(error: Error): void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#waiting?.reject(error));
    socket.on('close', () => this.#waiting?.reject(new Error('the server closed the connection')));
  }

  static async open({ host, port, ca }: Peer): Promise<KeptConnection> {
    const place = { host: '127.0.0.1', port };
    const socket = ca === null ? connectPlain(place) : connect({ ...place, servername: host, ca });
    socket.setNoDelay(true);
    await once(socket, ca === null ? 'connect' : 'secureConnect');
    return new KeptConnection(socket);
  }

  /** Rejects for any answer but 200, with its body. */
  send(request: Buffer): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#size += chunk.length;
    this.#awaited ??= this.#readHeader();
    if (this.#awaited === undefined || this.#size < (this.#awaited.total ?? 0)) return;
    const { status, headerEnd, total } = this.#awaited;
    const whole = this.#received.length === 1 ? chunk : Buffer.concat(this.#received);
    if (total === null && whole.toString('latin1', whole.length - LAST_CHUNK.length) !== LAST_CHUNK) return;
    const waiting = this.#waiting;
    this.#received = [];
    this.#size = 0;
    this.#awaited = undefined;
    this.#waiting = undefined;
    const body = whole.subarray(headerEnd);
    if (status === 200) waiting?.resolve({ status, body });
    else waiting?.reject(new Error(`the server answered ${status}: ${body.toString('utf8').slice(0, 300)}`));
  }

  #readHeader() {
    const start = this.#received.length === 1 ? this.#received[0] : Buffer.concat(this.#received);
    const headerEnd = start?.indexOf('\r\n\r\n') ?? -1;
    if (start === undefined || headerEnd === -1) return undefined;
    const header = start.toString('latin1', 0, headerEnd);
    const length = /\r\ncontent-length: (\d+)/i.exec(header)?.[1];
    const isChunked = /\r\ntransfer-encoding: chunked/i.test(header);
    if (length === undefined && !isChunked) throw new Error(`an answer without a length: ${header}`);
    const total = length === undefined ? null : headerEnd + 4 + Number(length);
    return { status: Number(header.slice(9, 12)), headerEnd: headerEnd + 4, total };
  }
}
