import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deletePruned, storePruned } from '../../bridge/events/prune-store.ts';
import { STOP_GRACE_MS } from '../../bridge/lib/limits.ts';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { recordedTerminal } from '../cli/recorded-terminal.ts';
import { readStream } from './streamed-events.ts';

let bridge: BridgeFixture;
let token: string;
beforeAll(async () => {
  bridge = await bridgeFixture();
  token = await bridge.administrator();
});
afterAll(() => bridge.remove());

function stream(query = '', headers: Record<string, string> = {}, bearer = token) {
  return bridge.fetch(`${bridge.issuer}/v1/events${query}`, {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${bearer}`, ...headers },
  });
}

const addDomain = (domain: string) => bridge.ask('POST', '/admin/v1/domains', { domain }, token);

async function lastSeq(): Promise<number> {
  await bridge.running.services.events.settled();
  return (await bridge.running.services.events.page({ since: 0, limit: 1_000 })).at(-1)?.seq ?? 0;
}

describe('GET /v1/events as a stream', () => {
  it('tells what was, then what happens, each with its seq as id and without a gap', async () => {
    const response = await stream();
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const reading = readStream(response);
    const before = await lastSeq();
    await addDomain('one.example');
    const seqs: number[] = [];
    for (let type = ''; type !== 'domain.added'; ) {
      const event = JSON.parse((await reading.next())?.data ?? '');
      seqs.push(event.seq);
      type = event.type;
    }
    expect(seqs).toEqual(Array.from({ length: before + 1 }, (_, index) => index + 1));
    await response.body?.cancel().catch(() => undefined);
  });

  it('goes on behind the last event that the reader got', async () => {
    const since = await lastSeq();
    await addDomain('two.example');
    const reading = readStream(await stream('?since=0', { 'last-event-id': String(since) }));
    const first = await reading.next();
    expect(first?.id).toBe(String(since + 1));
    expect(JSON.parse(first?.data ?? '')).toMatchObject({
      type: 'domain.added',
      subject: { domain: 'two.example' },
    });
  });

  it('is NDJSON still for whoever does not ask for it', async () => {
    const response = await bridge.fetch(`${bridge.issuer}/v1/events?limit=1`, {
      headers: { accept: '*/*', authorization: `Bearer ${token}` },
    });
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    expect((await response.text()).split('\n')).toHaveLength(2);
  });

  it.each(['x', '-1', '1.5', '1'.repeat(20)])('refuses to go on from %s', async (id) => {
    const response = await stream('', { 'last-event-id': id });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'malformed_request' });
  });

  it('is for administrators', async () => {
    expect((await stream('', {}, 'nobody')).status).toBe(401);
  });

  it('ends with the token of its reader', async () => {
    const other = await bridge.administrator('Grace');
    const reading = readStream(await stream(`?since=${await lastSeq()}`, {}, other));
    const { body } = await bridge.ask('GET', '/admin/v1/tokens', undefined, token);
    const tokens = body.tokens as { id: string; name: string }[];
    const id = tokens.find(({ name }) => name === 'Grace')?.id;
    expect((await bridge.ask('DELETE', `/admin/v1/tokens/${id}`, undefined, token)).status).toBe(204);
    await addDomain('three.example');
    const types: string[] = [];
    for (let event = await reading.next(); event !== null; event = await reading.next()) {
      types.push(JSON.parse(event.data).type);
    }
    expect(types).toEqual(['admin.token_revoked']);
  });

  it('ends when the bridge stops, which does not wait for it', async () => {
    const reading = readStream(await stream(`?since=${await lastSeq()}`));
    const start = performance.now();
    await bridge.restart();
    expect(performance.now() - start).toBeLessThan(STOP_GRACE_MS);
    for (let event = await reading.next(); event !== null; ) event = await reading.next();
  });
});

describe('a SIEM that comes back for events that are pruned by then', () => {
  let pruned: BridgeFixture;
  let reader: string;
  beforeAll(async () => {
    pruned = await bridgeFixture();
    reader = await pruned.administrator();
    for (const domain of ['a.example', 'b.example', 'c.example']) {
      await pruned.ask('POST', '/admin/v1/domains', { domain }, reader);
    }
    await pruned.running.services.events.settled();
    await pruned.inStore((database) =>
      database.transaction(async (tx) => {
        await storePruned(tx, { seq: 4, time: Date.now() });
        await deletePruned(tx, 4, 10);
      }),
    );
  });
  afterAll(() => pruned.remove());

  const ask = (accept: string, headers: Record<string, string> = {}) =>
    pruned.fetch(`${pruned.issuer}/v1/events?since=2`, {
      headers: { accept, authorization: `Bearer ${reader}`, ...headers },
    });

  it.each([
    ['as a stream', 'text/event-stream', { 'last-event-id': '2' }],
    ['as NDJSON', 'application/x-ndjson', {}],
  ])('is told so, %s', async (_how, accept, headers) => {
    const response = await ask(accept, headers);
    const { code, detail } = (await response.json()) as Record<string, unknown>;
    expect({ status: response.status, code }).toEqual({ status: 410, code: 'events_pruned' });
    expect(detail).toEqual(expect.stringContaining('5'));
  });

  it('is told so by countersign events tail, which does not try for ever', async () => {
    const terminal = await recordedTerminal(pruned.fetch);
    const env = { COUNTERSIGN_URL: pruned.issuer, COUNTERSIGN_TOKEN: reader };
    const { code, said } = await terminal.run(['events', 'tail', '--since', '2'], { env });
    expect({ code, said }).toEqual({ code: 1, said: expect.stringContaining('events_pruned') });
    await terminal.remove();
  });
});
