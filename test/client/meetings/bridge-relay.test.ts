import { describe, expect, it } from 'vitest';
import type { BridgeApi } from '../../../client/bridge-api.ts';
import { readEventStream, type StreamedEvent } from '../../../client/event-stream.ts';
import { createBridgeRelay } from '../../../client/meetings/bridge-relay.ts';
import type { RelayEvent } from '../../../client/meetings/relay.ts';
import { resume } from '../../../client/meetings/resume.ts';
import { codeOf } from '../../protocol/codes.ts';

const MEETING = { iss: 'https://bridge.acme.example', group: 'meeting-1' };
const GROUP = 'event: group\ndata: {}\n\n';

/** A body that comes in these pieces, and ends. */
const bodyOf = (...pieces: readonly string[]) => new Blob([...pieces]).stream() as ReadableStream<Uint8Array>;

/** A bridge whose streams of a meeting are these, one after the other; `asked` is from where each was wanted. */
function bridgeOf(streams: readonly string[]) {
  const asked: number[] = [];
  const leaving = new AbortController();
  const api = {
    stream: async (_path: string, body: string) => {
      asked.push(JSON.parse(body).since);
      const stream = streams[asked.length - 1];
      if (stream === undefined) leaving.abort();
      return bodyOf(stream ?? '');
    },
  };
  const relay = createBridgeRelay(api as unknown as BridgeApi, MEETING);
  const options = { signal: leaving.signal, pauses: { firstMs: 0, longestMs: 0 }, onBreak: () => undefined };
  const hear = async (since: number) => {
    const heard: RelayEvent[] = [];
    const sequence = resume((from, signal) => relay.stream(from, signal), { since, ...options });
    for await (const event of sequence) heard.push(event);
    return heard;
  };
  return { asked, hear };
}

describe('a stream of a meeting', () => {
  it('that ended is taken up where its last id was, though that came with no message', async () => {
    const { asked, hear } = bridgeOf([`id: 3\n${GROUP}:\n\nid: 700\n\n`, `id: 701\n${GROUP}`]);
    expect(await hear(2)).toEqual([
      { event: 'group', seq: 3 },
      { event: 'place', seq: 700 },
      { event: 'group', seq: 701 },
    ]);
    expect(asked).toEqual([2, 700, 701]);
  });

  it('goes on from no earlier place than it had', async () => {
    const { asked, hear } = bridgeOf([`id: 30\n${GROUP}id: 7\n\n`]);
    await hear(2);
    expect(asked).toEqual([2, 30]);
  });

  it.each(['', 'seven', '-1', '1'.repeat(16)])('is refused with a place that is none: %j', async (id) => {
    const { hear } = bridgeOf([`id: ${id}\n\n`]);
    expect(await codeOf(() => hear(0))).toBe('bridge_invalid');
  });
});

describe('the events of a stream', () => {
  it('are told with an id alone as such, and not where there is no id either', async () => {
    const told: StreamedEvent[] = [];
    const body = bodyOf(
      'retry: 1000\n\n:\n\nid: 5\r\n\r\nevent: group\n\n',
      'id: 6\nevent: group\nda',
      'ta: {}\n\n',
    );
    for await (const event of readEventStream(body, { silenceMs: 10_000 })) told.push(event);
    expect(told).toEqual([
      { event: 'message', data: null, id: '5' },
      { event: 'group', data: '{}', id: '6' },
    ]);
  });
});
