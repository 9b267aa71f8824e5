import type { Writable } from 'node:stream';
import type { Outcome, Sink, SinkEvent } from './sink.ts';

/**
 * Events as NDJSON on standard output, one line each, for whatever collects the container's output. A batch counts as
 * taken once the operating system has all of it.
 */
export function stdoutSink(stream: Writable = process.stdout): Sink & { readonly name: string } {
  // a closed pipe is told to the write that failed; without a listener it would end the process too
  const ignore = () => {};
  stream.on('error', ignore);
  return {
    name: 'stdout',
    batch: 500,
    async deliver(events) {
      await write(stream, events.map(line).join(''));
      const sent = events.at(-1)?.seq ?? 0;
      return { sent, settled: sent, refused: [] } satisfies Outcome;
    },
    close: async () => {
      stream.off('error', ignore);
    },
  };
}

function line(event: SinkEvent): string {
  return `${JSON.stringify(event)}\n`;
}

function write(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
