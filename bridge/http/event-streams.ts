import { setMaxListeners } from 'node:events';
import type { ServerResponse } from 'node:http';
import { CountersignError } from '../../protocol/errors.ts';
import {
  STREAM_HEARTBEAT_MS,
  STREAM_LIFE_MS,
  STREAM_STALL_MS,
  STREAMS,
  STREAMS_PER_READER,
} from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import { createTally } from '../lib/tally.ts';
import { isOurFault, problemOf } from './problem.ts';
import type { ServerSentEvent, StreamResponse } from './route.ts';

/** The open streams of this process. */
export interface EventStreams {
  /** Answers with a stream. Throws `rate_limited` for one too many, `unavailable` once the bridge stops. */
  begin(response: ServerResponse, stream: StreamResponse, route: string): void;
  /** Ends them all, each after the event that it is writing: the reader goes on elsewhere from there. */
  stop(): Promise<void>;
}

export interface EventStreamsDeps {
  readonly logger: Logger;
  /** Told how many streams of a route are open. */
  readonly observe?: ((route: string, open: number) => void) | undefined;
  /** For tests: all in milliseconds. */
  readonly times?: Partial<StreamTimes>;
}

interface StreamTimes {
  readonly heartbeat: number;
  readonly life: number;
  readonly stall: number;
}

/** Whether a caller prefers a stream: says so by name, not by a wildcard. */
export function wantsStream(accept: string | undefined): boolean {
  return accept !== undefined && /(^|,)\s*text\/event-stream\s*(;|,|$)/i.test(accept);
}

export function createEventStreams({ logger, observe, times }: EventStreamsDeps): EventStreams {
  const stopping = new AbortController();
  // Each stream listens; Node would take more than ten for a leak.
  setMaxListeners(STREAMS, stopping.signal);
  const open = new Set<Promise<void>>();
  const readers = createTally();
  const routes = createTally();
  const limits: StreamTimes = {
    ...{ heartbeat: STREAM_HEARTBEAT_MS, life: STREAM_LIFE_MS, stall: STREAM_STALL_MS },
    ...times,
  };

  function admit({ reader }: StreamResponse): void {
    if (stopping.signal.aborted) throw new CountersignError('unavailable', 'The bridge is stopping.');
    if (open.size >= STREAMS || readers.of(reader) >= STREAMS_PER_READER) {
      throw new CountersignError('rate_limited', `At most ${STREAMS_PER_READER} streams at a time.`);
    }
  }

  return {
    begin(response, stream, route) {
      admit(stream);
      const ended = run(response, stream, { limits, stopping: stopping.signal, logger });
      open.add(ended);
      readers.add(stream.reader);
      routes.add(route);
      observe?.(route, routes.of(route));
      void ended.then(() => {
        open.delete(ended);
        readers.remove(stream.reader);
        routes.remove(route);
        observe?.(route, routes.of(route));
      });
    },
    async stop() {
      stopping.abort();
      await Promise.all(open);
    },
  };
}

const HEADERS = {
  'Content-Type': 'text/event-stream',
  // nginx and those who follow it collect answers otherwise.
  'X-Accel-Buffering': 'no',
};

/** Writes a stream until it ends, its reader goes, its time is over or the bridge stops. It never rejects. */
async function run(
  response: ServerResponse,
  stream: StreamResponse,
  { limits, stopping, logger }: { limits: StreamTimes; stopping: AbortSignal; logger: Logger },
): Promise<void> {
  const end = new AbortController();
  const abort = () => end.abort();
  const over = setTimeout(abort, limits.life);
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(':\n\n');
  }, limits.heartbeat);
  stopping.addEventListener('abort', abort, { once: true });
  response.once('close', abort);
  try {
    response.writeHead(200, HEADERS);
    response.write('retry: 1000\n\n');
    for await (const event of stream.open(end.signal)) {
      if (end.signal.aborted) break;
      if (!response.write(encode(event))) await drained(response, end.signal, limits.stall);
    }
  } catch (err) {
    if (!end.signal.aborted) tellFailure(response, err, logger);
  } finally {
    clearTimeout(over);
    clearInterval(heartbeat);
    stopping.removeEventListener('abort', abort);
    response.off('close', abort);
    if (response.writableNeedDrain) response.destroy();
    else response.end();
  }
}

/** As an event of its own, since the headers are out: a reader must not take a failure for the usual end. */
function tellFailure(response: ServerResponse, error: unknown, logger: Logger): void {
  const problem = problemOf(error, { requestId: String(response.getHeader('X-Request-Id') ?? '') });
  if (isOurFault(error))
    logger.error({ err: error, request_id: problem.request_id }, 'a stream of events failed');
  response.write(encode({ event: 'error', data: JSON.stringify(problem) }));
}

function encode({ id, event, data }: ServerSentEvent): string {
  const fields = Object.entries({ id, event, data }).filter(([, value]) => value !== undefined);
  return `${fields.map(([name, value]) => `${name}: ${value}\n`).join('')}\n`;
}

/** Until the reader has taken what was written. A reader that takes nothing is let go. */
function drained(response: ServerResponse, signal: AbortSignal, stallMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => () => {
      clearTimeout(stalled);
      response.off('drain', taken);
      signal.removeEventListener('abort', gone);
      act();
    };
    const taken = settle(resolve);
    const gone = settle(() => reject(signal.reason));
    const stalled = setTimeout(() => {
      response.destroy();
      gone();
    }, stallMs);
    response.once('drain', taken);
    signal.addEventListener('abort', gone, { once: true });
    if (signal.aborted) gone();
  });
}
