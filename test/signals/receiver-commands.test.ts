import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';

const ISSUED = /cssig_[A-Za-z0-9_-]{43}/;

let bridge: BridgeFixture;
let terminal: RecordedTerminal;
let id = '';
let token = '';

beforeAll(async () => {
  bridge = await bridgeFixture();
  terminal = await recordedTerminal(bridge.fetch);
  const { url } = await bridge.running.services.administrators.createLink();
  await terminal.run(['admin', 'claim', url, '--name', 'Ada']);
  const host = ['--endpoint-host', 'signals.saas.example'];
  const { out } = await run('add', '--name', 'SaaS', '--audience', 'saas', ...host, '--valid-days', '90');
  id = /rcv_[0-9a-f-]{36}/.exec(out)?.[0] ?? '';
  token = tokenIn(out);
});
afterAll(async () => {
  await terminal.remove();
  await bridge.remove();
});

const run = (...args: string[]) => terminal.run(['signals', ...args]);
const tokenIn = (out: string) => ISSUED.exec(out)?.[0] ?? '';
const ssf = (method: string, path: string, body?: unknown, as = token) =>
  bridge.ask(method, `/ssf/v1/${path}`, body, as);
const shown = async () => JSON.parse((await run('show', id, '--json')).out);
const lastEvent = async (type: string) => (await bridge.events()).findLast((event) => event.type === type);
const pushedTo = (endpoint_url: string) => ({ delivery: { method: 'urn:ietf:rfc:8935', endpoint_url } });

describe('countersign signals show', () => {
  it('says where a receiver may be pushed to and until when its token is valid', async () => {
    const { out } = await run('show', id);
    expect(out).toMatch(/may be pushed to: +signals\.saas\.example/);
    expect(out).toMatch(/token until: +20\d\d-\d\d-\d\d \d\d:\d\dZ/);
    expect(out).toMatch(/stream: +none yet/);
    expect(out).not.toContain(token);
    expect(await lastEvent('signal.receiver_registered')).toMatchObject({
      data: { receiver: id, endpoint_host: 'signals.saas.example', expires: (await shown()).token_expires },
    });
  });

  it('knows no receiver of another id', async () => {
    const { code, said } = await run('show', 'rcv_none');
    expect([code, said.includes('receiver_unknown')]).toEqual([1, true]);
  });
});

describe('countersign signals set', () => {
  it('wants to know what', async () => {
    expect((await run('set', id)).said).toContain('--endpoint-host or --any-public-host');
    const both = await run('set', id, '--endpoint-host', 'a.example', '--any-public-host');
    expect(both.code).not.toBe(0);
  });

  it('lets a receiver be pushed to any public host, and says so in an event', async () => {
    const { code, out } = await run('set', id, '--any-public-host');
    expect([code, /may be pushed to: +any public host/.test(out)]).toEqual([0, true]);
    expect((await lastEvent('signal.receiver_changed'))?.data).toEqual({
      ...{ receiver: id, name: 'SaaS', changed: ['endpoint_host'] },
    });
  });

  it('asks before it stops a stream that is pushed elsewhere, and pauses that', async () => {
    const { status, body } = await ssf(
      'POST',
      'streams',
      pushedTo('https://elsewhere.example/in?key=secret'),
    );
    expect(status).toBe(201);
    const unasked = await run('set', id, '--endpoint-host', 'signals.saas.example');
    expect([unasked.code, unasked.said.includes('elsewhere.example')]).toEqual([2, true]);
    expect((await shown()).endpoint_host).toBeNull();
    const { out } = await run('set', id, '--endpoint-host', 'signals.saas.example', '--yes');
    expect(out).toMatch(/stream: +push, paused/);
    expect(out).toMatch(/pushed to: +elsewhere\.example/);
    expect(out).not.toContain('secret');
    expect((await lastEvent('signal.receiver_changed'))?.data).toMatchObject({
      endpoint_host: 'signals.saas.example',
    });
    expect((await lastEvent('signal.stream_changed'))?.data).toMatchObject({
      ...{ status: 'paused', reason: expect.stringContaining('signals.saas.example') },
    });
    const read = await ssf('GET', `status?stream_id=${body.stream_id}`);
    expect(read.body).toMatchObject({ status: 'paused', reason: expect.stringContaining('name an address') });
  });

  it('leaves a stream on the host alone', async () => {
    const { body } = await ssf('GET', 'streams');
    const [{ stream_id }] = body as unknown as [{ stream_id: string }];
    const moved = pushedTo('https://signals.saas.example/in');
    expect((await ssf('PATCH', 'streams', { stream_id, ...moved })).status).toBe(200);
    expect((await ssf('POST', 'status', { stream_id, status: 'enabled' })).status).toBe(200);
    await run('set', id, '--any-public-host', '--yes');
    const { code } = await run('set', id, '--endpoint-host', 'signals.saas.example');
    expect(code).toBe(0);
    expect((await shown()).stream.status).toBe('enabled');
  });

  it('asks before a host inside is not reached any more', async () => {
    const unasked = await run('set', id, '--any-public-host');
    expect([unasked.code, unasked.said.includes('not public')]).toEqual([2, true]);
  });

  it('reports nothing where nothing changes', async () => {
    const before = (await bridge.events()).length;
    expect((await run('set', id, '--endpoint-host', 'signals.saas.example')).code).toBe(0);
    expect((await bridge.events()).length).toBe(before);
  });
});

describe('countersign signals pause, disable and resume', () => {
  it('hold a stream, which its receiver cannot undo, and show who holds it', async () => {
    expect((await run('pause', id, '--reason', 'audit')).out).toBe(`${id} is paused.`);
    expect((await run('show', id)).out).toMatch(/held: +paused, by an administrator/);
    const { stream_id } = (await shown()).stream;
    expect((await ssf('POST', 'status', { stream_id, status: 'enabled' })).body.code).toBe('forbidden');
    expect((await run('resume', id)).out).toBe(`${id} is enabled.`);
    expect((await run('show', id)).out).not.toMatch(/held:/);
    expect((await ssf('POST', 'status', { stream_id, status: 'paused' })).status).toBe(200);
  });

  it('ask before what waits is forgotten', async () => {
    const unasked = await run('disable', id);
    expect([unasked.code, unasked.said.includes('forgotten')]).toEqual([2, true]);
    expect((await run('disable', id, '--yes')).code).toBe(0);
    expect((await shown()).held).toBe('disabled');
    await run('resume', id);
  });
});

describe('countersign signals token', () => {
  it('makes the one before void at once, as after a leak', async () => {
    const { out } = await run('token', id, '--yes');
    expect((await ssf('GET', 'streams')).body.code).toBe('unauthenticated');
    token = tokenIn(out);
    expect((await ssf('GET', 'streams')).status).toBe(200);
  });
});

describe('countersign signals rotate-token', () => {
  it('takes whole numbers within bounds', async () => {
    expect((await run('rotate-token', id, '--overlap-hours', 'soon')).said).toContain('whole number');
    const { code, said } = await run('rotate-token', id, '--overlap-hours', '1000');
    expect([code, said.includes('malformed_request')]).toEqual([1, true]);
  });

  it('leaves the token before valid for a while, and says until when', async () => {
    const { code, out } = await run('rotate-token', id, '--overlap-hours', '2');
    expect([code, /the one before: +until 20/.test(out)]).toEqual([0, true]);
    const [before, next] = [token, tokenIn(out)];
    expect((await ssf('GET', 'streams', undefined, before)).status).toBe(200);
    expect((await ssf('GET', 'streams', undefined, next)).status).toBe(200);
    expect((await run('show', id)).out).toMatch(/token before: +until 20/);
    bridge.clock.advance(2 * 3_600_000);
    expect((await ssf('GET', 'streams', undefined, before)).body.code).toBe('unauthenticated');
    expect((await ssf('GET', 'streams', undefined, next)).status).toBe(200);
    expect((await run('show', id)).out).toMatch(/token until: +20\d\d-\d\d-\d\d \d\d:\d\dZ\nstream:/);
  });
});
