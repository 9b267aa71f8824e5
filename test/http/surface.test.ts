import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ListeningServer, startServer } from '../../bridge/http/server.ts';
import { REFUSALS_PER_MINUTE } from '../../bridge/lib/limits.ts';
import type { Stage } from '../../demo/stage/stage.ts';
import { setTestStage } from '../fakes/test-stage.ts';
import { type ApiRequest, sendRaw } from './api-request.ts';
import { startWholeBridge, type WholeBridge } from './whole-bridge.ts';

let stage: Stage;
let bridge: WholeBridge;

beforeAll(async () => {
  stage = await setTestStage();
  bridge = await startWholeBridge(stage, 'bridge.acme.localhost');
});
afterAll(() => stage?.close());

const send = (request: ApiRequest) => sendRaw(stage, bridge, request);
const ORIGIN = 'https://app.example';

describe('every answer', () => {
  it.each([
    ['an answer', 'GET', '/health/live'],
    ['a problem', 'GET', '/v1/me'],
    ['a signed document', 'GET', '/.well-known/openid-federation'],
    ['nothing there', 'GET', '/nothing'],
    ['a page', 'GET', '/sign-in/unknown'],
  ])('carries the security headers: %s', async (_what, method, path) => {
    const { headers } = await send({ method, path });
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': expect.stringMatching(/^max-age=\d{7,}/),
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'x-frame-options': 'SAMEORIGIN',
      'cache-control': 'no-store',
      'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers).not.toHaveProperty('server');
  });

  it.each([
    ['an administrator', '/admin/v1/connections', 'Bearer'],
    ['an administrator who reads events', '/v1/events', 'Bearer'],
    ['a person', '/v1/me', 'DPoP algs="Ed25519 ES256"'],
  ])('tells %s without a token the scheme that it takes', async (_who, path, challenge) => {
    const { status, headers } = await send({ method: 'GET', path });
    expect({ status, challenge: headers['www-authenticate'] }).toEqual({ status: 401, challenge });
  });

  it.each([
    ['/', 404, 'not_found'],
    ['/nothing', 404, 'not_found'],
    ['/saml/sso/acs', 405, 'method_not_allowed'],
  ])('is a page for a person who opens %s, and JSON for programs', async (path, status, code) => {
    const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    const page = await send({ method: 'GET', path, headers: { accept } });
    expect({ status: page.status, type: page.headers['content-type'] }).toEqual({
      status,
      type: 'text/html; charset=utf-8',
    });
    expect(page.text).toContain('There is no page here');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'; style-src 'self'");
    for (const headers of [{}, { accept: '*/*' }, { accept: 'application/json' }]) {
      const problem = await send({ method: 'GET', path, headers });
      expect({ status: problem.status, code: JSON.parse(problem.text).code }).toEqual({ status, code });
    }
  });

  it('has an id of its own, whatever the caller says', async () => {
    const request = { method: 'GET', path: '/health/live', headers: { 'x-request-id': 'mine' } };
    const [first, second] = [await send(request), await send(request)];
    expect(first.headers['x-request-id']).not.toBe('mine');
    expect(first.headers['x-request-id']).not.toBe(second.headers['x-request-id']);
  });

  it('says the same to HEAD as to GET, without a body', async () => {
    const head = await send({ method: 'HEAD', path: '/health/live' });
    expect(head).toMatchObject({ status: 200, text: '' });
    expect((await send({ method: 'HEAD', path: '/v1/me' })).status).toBe(401);
  });

  it('tells OPTIONS the methods, and nothing else', async () => {
    const answer = await send({ method: 'OPTIONS', path: '/v1/lookups' });
    expect(answer.status).toBe(200);
    expect(answer.headers.allow).toBe('POST');
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  });
});

describe('pages of other origins', () => {
  it('may ask if their app is registered, and read the headers that they need', async () => {
    const { status, headers } = await send({ method: 'GET', path: '/v1/me', headers: { origin: ORIGIN } });
    expect(status).toBe(401);
    expect(headers['access-control-allow-origin']).toBe(ORIGIN);
    expect(String(headers['access-control-expose-headers']).split(', ')).toEqual(
      expect.arrayContaining(['DPoP-Nonce', 'WWW-Authenticate', 'X-Request-Id']),
    );
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
    expect(headers.vary).toMatch(/\bOrigin\b/i);
  });

  it('may ask beforehand', async () => {
    const { status, headers } = await send({
      method: 'OPTIONS',
      path: '/v1/lookups',
      headers: {
        origin: ORIGIN,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,dpop',
      },
    });
    expect(status).toBe(204);
    expect(headers).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-headers': 'authorization, content-type, dpop',
    });
    expect(headers['access-control-allow-methods']).toContain('POST');
  });

  it.each([
    'https://evil.example',
    'https://app.example.evil.example',
    'http://app.example',
    'https://app.example:8443',
    'https://APP.example',
    'null',
  ])('are named nowhere if no app is: %s', async (origin) => {
    for (const method of ['GET', 'OPTIONS']) {
      const { headers } = await send({ method, path: '/v1/me', headers: { origin } });
      expect(headers).not.toHaveProperty('access-control-allow-origin');
    }
  });

  it('cannot ask the admin API at all', async () => {
    const { headers } = await send({ method: 'GET', path: '/admin/v1/domains', headers: { origin: ORIGIN } });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  });
});

describe('who cannot wait', () => {
  let listening: ListeningServer | undefined;
  afterEach(() => listening?.stop(0));

  async function listen(headersTimeoutMs: number): Promise<{ port: number }> {
    const tls = await stage.ca.issue(['other.acme.localhost']);
    const answer = () => undefined;
    listening = await startServer({ address: '127.0.0.1', port: 0, tls, answer, headersTimeoutMs });
    return listening;
  }

  /** Begins a request and waits for the end of the connection: whether it was greeted, and what it was told. */
  async function tellHalf(headersTimeoutMs: number): Promise<{ greeted: boolean; said: string }> {
    const { port } = await listen(headersTimeoutMs);
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      servername: 'other.acme.localhost',
      ca: stage.ca.certificatePem,
    });
    const told = { greeted: false, said: '' };
    socket.on('secureConnect', () => {
      told.greeted = true;
      socket.write('GET / HTTP/1.1\r\nHost: other.acme.localhost\r\nX-Slow: ');
    });
    socket.on('data', (data) => {
      told.said += data;
    });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('close', resolve));
    await listening?.stop(0);
    return told;
  }

  it('is cut off in the middle of the headers', async () => {
    // The handshake before them has as long, which it exceeds on a busy machine.
    for (const limit of [1_000, 5_000, 25_000]) {
      const { greeted, said } = await tellHalf(limit);
      if (!greeted) continue;
      expect(said).toContain('408 Request Timeout');
      return;
    }
    expect.fail('there was no handshake');
  });

  it('is cut off before the TLS handshake', async () => {
    const { port } = await listen(200);
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'close');
    expect(socket.bytesRead).toBe(0);
  });

  it('is refused headers that are too large', async () => {
    const request = { method: 'GET', path: '/health/live', headers: { 'x-large': 'x'.repeat(20_000) } };
    expect((await send(request)).status).toBe(431);
  });
});

describe('the address of a caller', () => {
  it('is where the connection comes from, whatever an untrusted caller says', async () => {
    const headers = {
      'x-forwarded-for': '203.0.113.7',
      forwarded: 'for=203.0.113.7',
      'x-real-ip': '203.0.113.7',
    };
    const { headers: answered } = await send({ method: 'GET', path: '/v1/me', headers });
    const event = (await bridge.events()).find((each) => each.request_id === answered['x-request-id']);
    expect(event?.actor).toEqual({ kind: 'anonymous', address: '127.0.0.1' });
  });
});

describe('a flood of refused requests', () => {
  it('is answered 429 after a while, without an event for each, and only for a minute', async () => {
    const probe = { method: 'GET', path: '/v1/me' };
    bridge.clock.advance(61);
    const goOn = bridge.clock.stand();
    let refused = 0;
    while ((await send(probe)).status === 401) {
      refused += 1;
      expect(refused).toBeLessThanOrEqual(REFUSALS_PER_MINUTE);
    }
    const before = (await bridge.events()).length;
    for (let count = 0; count < 20; count += 1) {
      const { status, text } = await send(probe);
      expect({ status, code: JSON.parse(text).code }).toEqual({ status: 429, code: 'rate_limited' });
    }
    expect((await send({ method: 'GET', path: '/health/unknown' })).status).toBe(429);
    expect((await bridge.events()).length).toBe(before);
    // The kubelet may share the address with whoever floods.
    for (const path of ['/health/live', '/health/ready']) {
      expect({ path, status: (await send({ method: 'GET', path })).status }).toEqual({ path, status: 200 });
    }
    bridge.clock.advance(61);
    expect((await send(probe)).status).toBe(401);
    goOn();
  });
});
