import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stdoutSink } from '../../connectors/siem/stdout.ts';
import { type DeliveryFixture, deliveryFixture } from '../sinks/delivery-fixture.ts';
import { all, appendEach } from './events-fixture.ts';

let fixture: DeliveryFixture;

beforeEach(async () => {
  fixture = await deliveryFixture();
});
afterEach(() => fixture.remove());

describe('the stdout sink', () => {
  it('writes one line of JSON per event, as it is stored', async () => {
    const stream = new PassThrough();
    await appendEach(fixture.database, fixture.log, ['line\nbreak', 'p2']);
    await fixture.log.settled();
    fixture.definitions = [
      {
        ...{ id: 'stdout', name: 'stdout', revision: 1, status: 'enabled', filter: {}, redaction: 'none' },
        open: async () => ({ sink: stdoutSink(stream) }),
      },
    ];
    await fixture.deliver().stop();
    stream.end();
    const lines = (await text(stream)).split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => JSON.parse(line))).toEqual(await all(fixture.log));
  });

  it('does not count what a closed pipe refused', async () => {
    const stream = new PassThrough();
    const sink = stdoutSink(stream);
    stream.destroy(new Error('EPIPE'));
    const events = [] as const;
    await expect(sink.deliver(events, new AbortController().signal)).rejects.toThrow();
  });
});
