import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../bridge/http/app.ts';
import { createEventStreams } from '../../bridge/http/event-streams.ts';
import { createRateLimit } from '../../bridge/http/rate-limit.ts';
import { defineRoute } from '../../bridge/http/route.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { SENT_PIECE_BYTES } from '../../bridge/lib/limits.ts';
import { createByteLender } from '../../bridge/signer/lent-bytes.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { quiet } from '../events/events-fixture.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';

/** More than the system takes of an answer that nobody reads. */
const LONG = 20 * 1024 * 1024;

/** Of the answers so far: what each stands in, and whether that was given back. */
let answers: { readonly memory: ArrayBufferLike; readonly sent: Promise<void>; isBack: boolean }[] = [];
let lend = createByteLender(2 * LONG);
let asked: (signal: AbortSignal) => Promise<void> = async () => {};

/** Answers with as many letters as fit: `a` first, then `b`… */
const route = defineRoute({
  method: 'get',
  path: '/v1/long',
  summary: 'Answers from memory that others wait for',
  tag: 'client',
  authentication: 'none',
  response: { status: 200, description: 'An answer' },
  errors: [],
  handle: async ({ signal }) => {
    await asked(signal);
    const { bytes, giveBack } = lend(LONG);
    let told = () => {};
    const sent = new Promise<void>((resolve) => {
      told = resolve;
    });
    const answer = { memory: bytes.buffer, sent, isBack: false };
    bytes.fill('a'.charCodeAt(0) + answers.push(answer) - 1);
    const onSent = () => {
      answer.isBack = true;
      giveBack();
      told();
    };
    return { text: bytes, mediaType: 'text/plain', onSent };
  },
});

const nobody = async () => {
  throw new CountersignError('unauthenticated');
};
const app = createApp({
  issuer: 'https://localhost',
  trustedProxies: [],
  logger: quiet,
  events: { record: async () => undefined },
  rateLimit: createRateLimit(new MemoryCache({ clock: systemClock })),
  authenticateDevice: nobody,
  authenticateAdministrator: nobody,
  isAllowedOrigin: async () => false,
  routes: [route],
  pages: [],
  streams: createEventStreams({ logger: quiet }),
}).callback();

describe.each(['HTTP', 'HTTPS'])('Answers from lent memory over %s', (protocol) => {
  let server: Server;
  let ca: string;
  let opened: Socket[] = [];

  beforeAll(async () => {
    const authority = await createThrowawayCa();
    ca = authority.certificatePem;
    server =
      protocol === 'HTTP' ? createServer(app) : createTlsServer(await authority.issue(['localhost']), app);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(() => {
    for (const socket of opened) socket.destroy();
    opened = [];
    answers = [];
    lend = createByteLender(2 * LONG);
    asked = async () => {};
  });

  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  /** Asks, and reads nothing yet. */
  async function ask(): Promise<Socket> {
    const place = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
    const socket =
      protocol === 'HTTP' ? connect(place) : connectTls({ ...place, servername: 'localhost', ca });
    opened.push(socket);
    await once(socket, protocol === 'HTTP' ? 'connect' : 'secureConnect');
    socket.write('GET /v1/long HTTP/1.1\r\nHost: localhost\r\n\r\n');
    return socket;
  }

  function read(socket: Socket): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    let start = 0;
    return new Promise((resolve, reject) => {
      socket.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (start === 0) start = Buffer.concat(chunks).indexOf('\r\n\r\n') + 4;
        if (size - start >= LONG) resolve(Buffer.concat(chunks).subarray(start));
      });
      socket.once('close', () => reject(new Error(`the answer ended after ${size} bytes`)));
    });
  }

  /** Asks, reads, and waits until the server knows. */
  async function readNext(): Promise<Buffer> {
    const body = await read(await ask());
    await answers.at(-1)?.sent;
    return body;
  }

  const nextResponse = async () => {
    const [, response] = await once(server, 'request');
    return response as ServerResponse;
  };

  test('reach a slow reader as they were signed, though others get theirs meanwhile', async () => {
    const slow = await ask();
    await once(slow, 'readable');
    for (const letter of ['b', 'c', 'd']) expect(isAll(await readNext(), letter)).toBe(true);
    expect(answers.map(({ isBack }) => isBack)).toEqual([false, true, true, true]);
    expect(isAll(await read(slow), 'a')).toBe(true);
  });

  test('are put into the same memory again once they were read', async () => {
    await readNext();
    await readNext();
    expect(answers[1]?.memory).toBe(answers[0]?.memory);
  });

  test('leave their memory to nobody else when their reader goes away in the middle', async () => {
    const begun = nextResponse();
    const gone = await ask();
    const response = await begun;
    await once(gone, 'readable');
    const closed = once(response, 'close');
    gone.destroy();
    await closed;
    await nextTurn();
    expect(answers.map(({ isBack }) => isBack)).toEqual([false]);
    await readNext();
    expect(answers[1]?.memory).not.toBe(answers[0]?.memory);
  });

  test('harm nobody when their reader went away before they were made', async () => {
    const left = new Promise<void>((resolve) => {
      asked = async (signal) => {
        gone.destroy();
        await once(signal, 'abort');
        resolve();
      };
    });
    const gone = await ask();
    await left;
    asked = async () => {};
    expect(isAll(await readNext(), 'b')).toBe(true);
    expect(answers[0]?.isBack).toBe(false);
  });

  test('stand in memory but once for a reader who takes nothing', async () => {
    const begun = nextResponse();
    const slow = await ask();
    const response = await begun;
    await once(slow, 'readable');
    expect(response.writableLength).toBeLessThanOrEqual(2 * SENT_PIECE_BYTES);
    expect(isAll(await read(slow), 'a')).toBe(true);
  });
});

function isAll(body: Buffer, letter: string): boolean {
  return body.equals(Buffer.alloc(LONG, letter));
}
