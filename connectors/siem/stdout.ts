import type { Writable } from 'node:stream';
import * as z from 'zod';
import { CountersignError } from '../../protocol/errors.ts';
import type { Formatter } from './formats/formatter.ts';
import { plain } from './formats/plain.ts';
import { defineSinkKind, type Outcome, type Sink } from './sink.ts';

const BATCH = 500;

/** Events on standard output, one line each, for whatever collects the container's output. */
export const STDOUT = defineSinkKind<Record<string, never>>({
  kind: 'stdout',
  doc: 'Writes events to the standard output of the bridge, one line each.',
  settings: z.strictObject({}),
  secrets: [],
  destinations: [],
  formats: ['plain', 'ocsf', 'ecs', 'cef', 'cloudevents'],
  copy: 'Fetch the container’s output from whatever collects it, and keep the lines that are events.',
  open: (_, { formatter }) => stdoutSink(process.stdout, formatter),
});

/** A batch counts as taken once the operating system has all of it. */
export function stdoutSink(
  stream: Writable = process.stdout,
  formatter: Formatter = plain,
): Sink & { readonly name: string } {
  // a closed pipe is told to the write that failed; without a listener it would end the process too
  const ignore = () => {};
  stream.on('error', ignore);
  return {
    name: 'stdout',
    batch: BATCH,
    async deliver(events, signal) {
      signal.throwIfAborted();
      await write(stream, events.map((event) => `${formatter.format(event)}\n`).join(''), signal);
      const sent = events.at(-1)?.seq ?? 0;
      return { sent, settled: sent, refused: [] } satisfies Outcome;
    },
    close: async () => {
      stream.off('error', ignore);
    },
  };
}

/** The latest write to each stream that is not done: an opening that was given up leaves its text in the queue. */
const pending = new WeakMap<Writable, Promise<void>>();

/**
 * What was begun is still written when the signal stops the wait: it comes twice then. Until it is, nothing more is put
 * into the stream's queue, which would else grow with each try.
 */
async function write(stream: Writable, text: string, signal: AbortSignal): Promise<void> {
  for (let before = pending.get(stream); before !== undefined; before = pending.get(stream)) {
    await unlessAborted(before, signal);
  }
  const written = new Promise<void>((resolve, reject) => {
    stream.write(text, (cause) => {
      pending.delete(stream);
      if (cause) reject(new CountersignError('sink_unavailable', 'Nobody reads the output.', { cause }));
      else resolve();
    });
  });
  pending.set(stream, written);
  await unlessAborted(written, signal);
}

function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
