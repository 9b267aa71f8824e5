import { createServer as createHttps, type Server as HttpsServer } from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { createServer as createTls, type TLSSocket } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { answerParent } from '../processes/child.ts';

/** What came, counted once each, however often it was sent. */
export interface Arrivals {
  readonly events: number;
  /** Those that came again. */
  readonly repeats: number;
  /** Those that came with a `seq` that does not follow the one before: none may. */
  readonly outOfOrder: number;
  /** From the first to the last of them, ms. */
  readonly ms: number;
  /** Of each event, from when it happened until it was here, ms. */
  readonly lags: Float64Array;
}

const LAGS_KEPT = 100_000;
const servers: (HttpsServer | NetServer)[] = [];
let last = 0;
let count = 0;
let repeats = 0;
let outOfOrder = 0;
let firstAt = 0;
let lastAt = 0;
let lags: number[] = [];
/** Whether nothing is taken now. */
let held = false;

/** Reads what it needs of an event and nothing else: it must not be what limits. */
function take(event: string): void {
  const seq = Number(/"seq":(\d+)/.exec(event)?.[1]);
  const now = performance.timeOrigin + performance.now();
  if (count === 0) firstAt = now;
  if (seq <= last) {
    repeats += 1;
    return;
  }
  if (last !== 0 && seq !== last + 1) outOfOrder += 1;
  last = seq;
  count += 1;
  lastAt = now;
  if (lags.length < LAGS_KEPT) lags.push(now - Date.parse(/"time":"([^"]+)"/.exec(event)?.[1] ?? ''));
}

/** RFC 5425: octets, a space, and as many octets of message. */
function readFrames(socket: TLSSocket): void {
  let rest = Buffer.alloc(0);
  socket.on('error', () => {});
  if (held) return void socket.destroy();
  socket.on('data', (data) => {
    rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
    for (;;) {
      const space = rest.indexOf(0x20);
      if (space === -1) return;
      const end = space + 1 + Number(rest.toString('latin1', 0, space));
      if (rest.length < end) return;
      take(rest.toString('utf8', space + 1, end));
      rest = rest.subarray(end);
    }
  });
  socket.on('end', () => socket.end());
}

async function listening(server: HttpsServer | NetServer): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const handlers = {
  listen: async (tls: { readonly cert: string; readonly key: string }) => ({
    syslog: await listening(createTls(tls, readFrames)),
    hec: await listening(
      createHttps(tls, async (request, response) => {
        const body = await bodyOf(request);
        if (held) return void response.writeHead(503).end();
        for (const event of body.split('\n')) take(event);
        response.setHeader('content-type', 'application/json').end('{"text":"Success","code":0}');
      }),
    ),
  }),
  hold: (wanted: boolean) => {
    held = wanted;
  },
  forget: () => {
    [last, count, repeats, outOfOrder, lags] = [0, 0, 0, 0, []];
  },
  arrivals: (): Arrivals => ({
    ...{ events: count, repeats, outOfOrder, ms: lastAt - firstAt },
    lags: Float64Array.from(lags),
  }),
};
export type ReceiverProcess = typeof handlers;

async function bodyOf(
  request: NodeJS.ReadableStream & { headers: Record<string, unknown> },
): Promise<string> {
  if (request.headers['content-encoding'] !== 'gzip') return text(request);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return gunzipSync(Buffer.concat(chunks)).toString('utf8');
}

answerParent(handlers, () => {
  for (const server of servers) server.close();
});
