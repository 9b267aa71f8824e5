import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBody } from '../../bridge/http/request-body.ts';
import { isCountersignError } from '../../protocol/errors.ts';

const MOST = 1_000;

describe('The body of a request', () => {
  let server: Server;
  let socket: Socket;
  /** What the reader answers, or the code of its refusal. */
  let read: string[];

  beforeEach(async () => {
    read = [];
    server = createServer(async (request, response) => {
      // As behind the verification of a proof: what came with the header has long been taken in.
      await new Promise((resolve) => setImmediate(resolve));
      try {
        read.push(Buffer.from(await readBody(request, MOST)).toString());
      } catch (error) {
        read.push(isCountersignError(error) ? error.code : String(error));
      }
      response.end('answered');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
  });

  afterEach(() => {
    socket.destroy();
    server.close();
    server.closeAllConnections();
  });

  const head = (length: number) => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;

  /** Resolves when so many answers have come. */
  const answers = (count: number) =>
    new Promise<void>((resolve) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += String(chunk);
        if (text.split('answered').length > count) resolve();
      });
    });

  it('is read whole whether it comes with the header or in pieces, and the next one of the connection too', async () => {
    const two = answers(2);
    socket.write(`${head(5)}whole${head(0)}`);
    await two;
    const third = answers(1);
    const begun = once(server, 'request');
    socket.write(`${head(6)}pie`);
    await begun;
    socket.write('ces');
    await third;
    expect(read).toEqual(['whole', '', 'pieces']);
  });

  it('is read in its order where several requests come in one piece', async () => {
    const answered = answers(3);
    socket.write(`${head(5)}first${head(6)}second${head(5)}third`);
    await answered;
    expect(read.toSorted()).toEqual(['first', 'second', 'third']);
  });

  it('is read from chunks, of which the header does not say how long they are', async () => {
    const answered = answers(2);
    const chunks = '3\r\nchu\r\n3\r\nnks\r\n0\r\n\r\n';
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}${head(4)}next`);
    await answered;
    expect(read.toSorted()).toEqual(['chunks', 'next']);
  });

  it('is refused beyond what is taken, announced or not', async () => {
    const answered = answers(1);
    socket.write(`${head(MOST + 1)}${'a'.repeat(MOST + 1)}`);
    await answered;
    expect(read).toEqual(['payload_too_large']);
  });
});
