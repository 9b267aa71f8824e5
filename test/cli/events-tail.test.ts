import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { readStream } from '../live/streamed-events.ts';
import { type RecordedTerminal, recordedTerminal } from './recorded-terminal.ts';

let bridge: BridgeFixture;
let token: string;
let terminal: RecordedTerminal;
/** What happens to the next requests of the command, in turn. */
let mishaps: ((response: Response) => Response)[];
let streams: () => void;

beforeAll(async () => {
  bridge = await bridgeFixture();
  token = await bridge.administrator();
  mishaps = [];
  streams = () => {};
  terminal = await recordedTerminal(async (url, init) => {
    const response = await bridge.fetch(url, init);
    if (new Headers(init?.headers).get('accept') !== 'text/event-stream') return response;
    streams();
    return (mishaps.shift() ?? ((same) => same))(response);
  });
  for (const name of ['one', 'two', 'three']) await addDomain(`${name}.example`);
});
afterAll(async () => {
  await terminal.remove();
  await bridge.remove();
});

async function addDomain(domain: string): Promise<void> {
  expect((await bridge.ask('POST', '/admin/v1/domains', { domain }, token)).status).toBe(201);
  await bridge.running.services.events.settled();
}

function tail(args: readonly string[], given: { screen?: boolean; env?: Record<string, string> } = {}) {
  const env = { COUNTERSIGN_URL: bridge.issuer, COUNTERSIGN_TOKEN: token, ...given.env };
  return terminal.run(['events', 'tail', ...args], { ...given, env });
}

const linesOf = ({ out }: { out: string }) => out.split('\n').map((line) => JSON.parse(line));

/** Passes so many events of a stream on and then breaks the connection; each is read before the next one comes. */
function breakAfter(events: number) {
  return (response: Response): Response => {
    const reading = readStream(response);
    let left = events;
    const broken = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const event = await reading.next();
          if (left === 0 || event === null) return controller.error(new Error('broken'));
          left -= 1;
          controller.enqueue(new TextEncoder().encode(`id: ${event.id}\ndata: ${event.data}\n\n`));
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(broken, response);
  };
}

describe('countersign events tail', () => {
  it('is NDJSON in a pipe: the events as the API has them', async () => {
    const ran = await tail(['--since', '0', '--limit', '5']);
    expect(ran).toMatchObject({ code: 0, said: '' });
    const seen = linesOf(ran);
    expect(seen.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(seen[0]).toMatchObject({ v: 1, hash: expect.any(String), prev: expect.any(String) });
  });

  it('is pretty and in colours on a terminal, unless NO_COLOR is set', async () => {
    const asked = ['--since', '0', '--filter', 'domain.added', '--limit', '1'];
    const shown = await tail(asked, { screen: true });
    const [begin, ...rest] = shown.out;
    expect(begin).toBe(String.fromCharCode(27));
    expect(rest.join('')).toMatch(/\[\d+mdomain\.added.\[0m {2}by administrator .*domain=one\.example/);
    const bare = await tail(asked, { screen: true, env: { NO_COLOR: '1' } });
    expect(bare.out).toMatch(/^ +\d+ {2}\S+ {2}domain\.added {2}by administrator .*domain=one\.example$/);
  });

  it('tells what happens from now on, and of the types asked for alone', async () => {
    const opened = new Promise<void>((resolve) => {
      streams = resolve;
    });
    const running = tail(['--filter', 'domain.*', '--limit', '1']);
    await opened;
    await bridge.administrator('another');
    await addDomain('four.example');
    expect(linesOf(await running)).toMatchObject([
      { type: 'domain.added', subject: { domain: 'four.example' } },
    ]);
  });

  it('goes on behind the last event when the connection breaks, and says so aside', async () => {
    mishaps = [breakAfter(1), breakAfter(2)];
    const ran = await tail(['--since', '0', '--limit', '6']);
    expect(linesOf(ran).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(ran.said).toContain('The connection broke');
  });

  it('goes on when the bridge ends a stream, or has too much to do', async () => {
    const busy = { type: 'urn:x', title: 'Busy.', status: 503, code: 'overloaded', request_id: 'r' };
    mishaps = [
      (response) => {
        void response.body?.cancel();
        return Response.json(busy, { status: 503 });
      },
      (response) => {
        void response.body?.cancel();
        return new Response(new ReadableStream({ start: (controller) => controller.close() }));
      },
    ];
    expect(linesOf(await tail(['--since', '0', '--limit', '2']))).toHaveLength(2);
  });

  it('goes on from where an id without an event says, and shows nothing for it', async () => {
    mishaps = [
      (response) => {
        void response.body?.cancel();
        return new Response('id: 2\n\n');
      },
    ];
    const ran = await tail(['--since', '0', '--limit', '2']);
    expect(linesOf(ran).map(({ seq }) => seq)).toEqual([3, 4]);
  });

  it('begins with the last so many', async () => {
    const newest = linesOf(await tail(['--since', '0', '--filter', 'domain.added', '--limit', '4'])).at(-1);
    expect(linesOf(await tail(['--last', '1', '--limit', '1']))).toEqual([newest]);
  });

  it.each([
    ['ocsf', (line: string) => JSON.parse(line).class_uid > 0],
    ['ecs', (line: string) => JSON.parse(line).ecs.version !== ''],
    ['cloudevents', (line: string) => JSON.parse(line).specversion === '1.0'],
    ['cef', (line: string) => line.startsWith('CEF:0|')],
  ])('writes %s as a sink would get it', async (format, holds) => {
    const ran = await tail(['--since', '0', '--format', format, '--limit', '3']);
    expect(ran.code).toBe(0);
    expect(ran.out.split('\n').map(holds)).toEqual([true, true, true]);
  });

  it('ends with the bridge’s own words where going on cannot help', async () => {
    const unknown = await tail(['--filter', 'nothing.*']);
    expect(unknown).toMatchObject({ code: 1, said: expect.stringContaining('is no type of event') });
    const stranger = await tail([], { env: { COUNTERSIGN_TOKEN: 'csa_wrong' } });
    expect(stranger).toMatchObject({ code: 1, said: expect.stringContaining('unauthenticated') });
    expect((await tail(['--since', '1', '--last', '1'])).code).toBe(2);
    expect((await tail(['--format', 'xml'])).code).toBe(2);
  });
});
