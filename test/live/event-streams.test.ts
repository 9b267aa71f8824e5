import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createEventStreams, type EventStreams, wantsStream } from '../../bridge/http/event-streams.ts';
import type { ServerSentEvent, StreamResponse } from '../../bridge/http/route.ts';
import { createBell } from '../../bridge/lib/bell.ts';
import { STREAMS_PER_READER } from '../../bridge/lib/limits.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { SOON } from '../fakes/soon.ts';
import { readStream } from './streamed-events.ts';

const logger = createLogger({ level: 'silent' });
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A server whose every answer is this stream; `refusals` are what `begin` threw. */
async function serve(
  stream: StreamResponse,
  options: Partial<Parameters<typeof createEventStreams>[0]> = {},
) {
  const streams = createEventStreams({ logger, ...options });
  const refusals: unknown[] = [];
  const server = await listen(streams, stream, refusals);
  const { port } = server.address() as AddressInfo;
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  closing.push(() => server.closeAllConnections());
  closing.push(() => streams.stop());
  return { streams, port, refusals, open: () => fetch(`http://127.0.0.1:${port}/`) };
}

async function listen(streams: EventStreams, stream: StreamResponse, refusals: unknown[]): Promise<Server> {
  const server = createServer((_request, response: ServerResponse) => {
    try {
      streams.begin(response, stream, '/stream');
    } catch (error) {
      refusals.push(error);
      response.writeHead(429).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** A stream that says nothing until the signal is aborted; `ended` resolves then. */
function silent() {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const stream: StreamResponse = {
    reader: 'r',
    open: async function* (signal): AsyncGenerator<ServerSentEvent, void> {
      await createBell().wait(0, 60_000, signal);
      end();
      yield { data: 'too late' };
    },
  };
  return { stream, ended };
}

describe('a stream of events', () => {
  it('carries ids, names and data, and ends when its source does', async () => {
    const { open } = await serve({
      reader: 'r',
      open: async function* () {
        yield { id: '7', data: '{"a":1}' };
        yield { event: 'changed', data: '{}' };
      },
    });
    const response = await open();
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const stream = readStream(response);
    expect(await stream.next()).toEqual({ id: '7', event: undefined, data: '{"a":1}' });
    expect(await stream.next()).toEqual({ id: undefined, event: 'changed', data: '{}' });
    expect(await stream.next()).toBeNull();
  });

  it('tells by an id alone where its reader goes on from, which is no event', async () => {
    const { open } = await serve({
      reader: 'r',
      open: async function* () {
        yield { id: '7' };
        yield { id: '8', data: '{}' };
      },
    });
    expect(await (await open()).text()).toBe('retry: 1000\n\nid: 7\n\nid: 8\ndata: {}\n\n');
  });

  it('that breaks off says why, so that its reader does not take it for the usual end', async () => {
    const { open } = await serve({
      reader: 'r',
      open: async function* () {
        yield { id: '7', data: '{}' };
        throw new CountersignError('events_pruned', 'The oldest is 9.');
      },
    });
    const stream = readStream(await open());
    await stream.next();
    const { event, data } = (await stream.next()) ?? {};
    expect(event).toBe('error');
    expect(JSON.parse(data ?? '')).toMatchObject({ code: 'events_pruned', detail: 'The oldest is 9.' });
    expect(await stream.next()).toBeNull();
  });

  it('says by comments that it lives', async () => {
    const { stream } = silent();
    const { open } = await serve(stream, { times: { heartbeat: 5 } });
    await readStream(await open()).untilComments(2);
  });

  it('ends after its time', async () => {
    const { stream, ended } = silent();
    const { open } = await serve(stream, { times: { life: 60 } });
    expect(await readStream(await open()).next()).toBeNull();
    await ended;
  });

  it('is let go when its reader goes', async () => {
    const { stream, ended } = silent();
    const { open } = await serve(stream);
    const response = await open();
    await response.body?.cancel();
    await ended;
  });

  it('ends gracefully when the bridge stops, and none begins after that', async () => {
    const { stream, ended } = silent();
    const { open, streams, refusals } = await serve(stream);
    const reading = readStream(await open());
    await streams.stop();
    await ended;
    expect(await reading.next()).toBeNull();
    await open();
    expect(refusals).toEqual([expect.objectContaining({ code: 'unavailable' })]);
  });

  it('is refused to a reader who has enough of them, and counted', async () => {
    const counts: number[] = [];
    const { stream } = silent();
    const { open, refusals, streams } = await serve(stream, {
      observe: (_route, count) => counts.push(count),
    });
    for (let count = 0; count < STREAMS_PER_READER; count += 1) expect((await open()).status).toBe(200);
    expect((await open()).status).toBe(429);
    expect(refusals).toEqual([expect.objectContaining({ code: 'rate_limited' })]);
    expect(Math.max(...counts)).toBe(STREAMS_PER_READER);
    await streams.stop();
    await expect.poll(() => counts.at(-1), SOON).toBe(0);
  });

  it('is cut off when its reader takes nothing, and its source is not read on meanwhile', async () => {
    let produced = 0;
    let finished = () => {};
    const ended = new Promise<void>((resolve) => {
      finished = resolve;
    });
    const { port } = await serve(
      {
        reader: 'r',
        open: async function* () {
          try {
            for (;;) {
              produced += 1;
              yield { data: 'x'.repeat(100_000) };
            }
          } finally {
            finished();
          }
        },
      },
      { times: { stall: 50 } },
    );
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    socket.pause();
    closing.push(() => socket.destroy());
    await ended;
    expect(produced).toBeLessThan(1_000);
  });
});

describe('asking for a stream', () => {
  it.each([
    ['text/event-stream', true],
    ['application/json, text/event-stream;q=0.9', true],
    ['*/*', false],
    ['text/*', false],
    ['application/x-ndjson', false],
    ['text/event-streams', false],
    [undefined, false],
  ])('is done by name: %s', (accept, wanted) => expect(wantsStream(accept)).toBe(wanted));
});
