import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createFormatter } from '../../connectors/siem/formats/create-formatter.ts';
import { STDOUT, stdoutSink } from '../../connectors/siem/stdout.ts';
import { describeSink } from '../contract/sink-contract.ts';
import { makeEvents } from '../contract/sink-events.ts';

const { signal } = new AbortController();

/** What was written to a stream that somebody reads, as lines. */
function collected(stream: PassThrough): () => string[] {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text.split('\n').slice(0, -1);
}

describeSink('standard output', async () => {
  let stream = new PassThrough();
  const readers = [collected(stream)];
  const lines = () => readers.flatMap((read) => read());
  const replace = () => {
    stream = new PassThrough();
    readers.push(collected(stream));
  };
  return {
    open: () => {
      const sink = () => stdoutSink(stream);
      return {
        batch: sink().batch,
        deliver: (events, until) => sink().deliver(events, until),
        close: () => sink().close(),
      };
    },
    held: () => lines().map((line) => (JSON.parse(line) as { event_id: string }).event_id),
    breaches: () => [],
    secrets: [],
    log: () => '',
    faults: {
      unavailable: () => {
        stream.destroy();
        return replace;
      },
      silent: () => {
        stream = new PassThrough({ highWaterMark: 1, transform: () => {} });
        return replace;
      },
    },
    close: async () => {},
  };
});

describe('standard output', () => {
  it('has events in the format that is wanted', async () => {
    const stream = new PassThrough();
    const lines = collected(stream);
    const formatter = createFormatter('cef', {
      iss: 'https://b.example',
      organization: 'Acme',
      version: '1',
    });
    await stdoutSink(stream, formatter).deliver(makeEvents(2), signal);
    expect(lines()).toEqual([expect.stringMatching(/^CEF:/), expect.stringMatching(/^CEF:/)]);
  });

  it('keeps one batch for a reader that is stuck, however often it is tried again', async () => {
    let goOn: () => void = () => {};
    const stuck = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const stream = new PassThrough({
      transform: (chunk, _encoding, done) => void stuck.then(() => done(null, chunk)),
    });
    const lines = collected(stream);
    const deliverUntilStopped = async () => {
      const stop = new AbortController();
      const sink = stdoutSink(stream);
      const delivered = sink.deliver(makeEvents(2), stop.signal);
      stop.abort(new Error('too slow'));
      await expect(delivered).rejects.toThrow('too slow');
      await sink.close();
    };
    await deliverUntilStopped();
    const kept = stream.writableLength;
    for (let tries = 0; tries < 5; tries += 1) await deliverUntilStopped();
    expect(stream.writableLength).toBe(kept);
    const delivered = stdoutSink(stream).deliver(makeEvents(2), signal);
    goOn();
    expect(await delivered).toMatchObject({ settled: 2 });
    expect(lines()).toHaveLength(4);
  });

  it('has nothing to set', () => {
    expect(STDOUT.settings.safeParse({}).success).toBe(true);
    expect(STDOUT.settings.safeParse({ path: '/dev/stdout' }).success).toBe(false);
  });
});
