import type { Server } from 'node:http';
import { createServer } from 'node:http';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { createApp } from '../../bridge/http/app.ts';
import { createEventStreams } from '../../bridge/http/event-streams.ts';
import { createRateLimit } from '../../bridge/http/rate-limit.ts';
import { defineRoute, type Route } from '../../bridge/http/route.ts';
import { requireAllowed } from '../../bridge/policy/decision.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { all, type EventsFixture, eventsFixture, quiet } from '../events/events-fixture.ts';
import { testPolicy } from '../fakes/test-policy.ts';

const { decide, hash } = testPolicy({ maxDevices: 1 });
const answered = { status: 200, description: 'An answer' };

/** Called when the slow route begins, and when it notices that its caller is gone. */
let begun = () => {};
let noticed = () => {};

/** Called when the answer of the route that lends its memory was sent. */
let freed = () => {};

/** Routes that fail in every way that a handler can. */
const ROUTES: Route[] = [
  defineRoute({
    method: 'get',
    path: '/v1/broken',
    summary: 'Throws what is not ours',
    tag: 'client',
    authentication: 'none',
    response: answered,
    errors: [],
    handle: async () => {
      throw new TypeError('the database password is hunter2');
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/things/:id',
    summary: 'Takes a thing',
    tag: 'client',
    authentication: 'none',
    body: { schema: z.strictObject({ size: z.int() }), maxBytes: 32 },
    response: { ...answered, status: 201 },
    errors: ['conflict'],
    handle: async ({ body, params }) => {
      if (params.id === 'taken') {
        throw new CountersignError('conflict', 'It is taken.', { cause: new Error('a private cause') });
      }
      return { body: { id: params.id, size: body.size } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/busy',
    summary: 'Has too much to do',
    tag: 'client',
    authentication: 'none',
    response: answered,
    errors: ['overloaded'],
    handle: async () => {
      throw new CountersignError('overloaded', undefined, { retryAfter: 7 });
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/slow',
    summary: 'Waits until its caller goes away',
    tag: 'health',
    authentication: 'none',
    response: answered,
    errors: [],
    handle: ({ signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          noticed();
          resolve({ body: {} });
        });
        begun();
      }),
  }),
  defineRoute({
    method: 'get',
    path: '/v1/lent',
    summary: 'Answers from memory that others wait for',
    tag: 'health',
    authentication: 'none',
    response: answered,
    errors: [],
    handle: async () => {
      const text = Buffer.alloc(3_000_000, 'a');
      return { text, mediaType: 'text/plain', onSent: () => freed() };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/denied',
    summary: 'Is denied by policy',
    tag: 'health',
    authentication: 'none',
    response: answered,
    errors: ['forbidden'],
    handle: async () => {
      const principal = { kind: 'anonymous', id: 'anonymous' } as const;
      requireAllowed((asked) => ({ ...decide(asked), id: 'd-1' }), {
        action: 'manage-access',
        principal,
        resource: { kind: 'bridge', id: 'b' },
        context: {},
      });
      return { body: {} };
    },
  }),
];

let fixture: EventsFixture;
let server: Server;

beforeAll(async () => {
  fixture = await eventsFixture();
  fixture.log.start();
  const nobody = async () => {
    throw new CountersignError('unauthenticated');
  };
  const app = createApp({
    issuer: 'https://bridge.acme.example',
    trustedProxies: [],
    logger: quiet,
    events: fixture.log,
    rateLimit: createRateLimit(new MemoryCache({ clock: fixture.clock })),
    authenticateDevice: nobody,
    authenticateAdministrator: nobody,
    isAllowedOrigin: async (origin) => origin === 'https://app.acme.example',
    routes: ROUTES,
    pages: [],
    streams: createEventStreams({ logger: quiet }),
  });
  server = createServer(app.callback());
});

afterAll(() => fixture.remove());

let before = 0;

beforeEach(async () => {
  await fixture.log.settled();
  before = (await all(fixture.log)).length;
});

async function newEvents() {
  await fixture.log.settled();
  return (await all(fixture.log)).slice(before);
}

describe('the HTTP application', () => {
  test('says nothing of an error that is not ours, but an id to quote', async () => {
    const { status, body, text } = await request(server).get('/v1/broken');
    expect(status).toBe(500);
    expect(body).toMatchObject({ code: 'internal', request_id: expect.any(String) });
    expect(text).not.toContain('hunter2');
  });

  test('shows the detail of an error of ours, and never its cause', async () => {
    const { status, body, text } = await request(server).post('/v1/things/taken').send({ size: 1 });
    expect({ status, code: body.code, detail: body.detail }).toEqual({
      status: 409,
      code: 'conflict',
      detail: 'It is taken.',
    });
    expect(text).not.toContain('private');
  });

  test('says when to come again where there is too much to do, and writes no event that would add to it', async () => {
    const { status, body, headers } = await request(server).get('/v1/busy');
    expect({ status, code: body.code }).toEqual({ status: 503, code: 'overloaded' });
    expect(headers['retry-after']).toBe('7');
    expect(await newEvents()).toEqual([]);
  });

  test('tells a handler when its caller has gone away', async () => {
    const started = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const told = new Promise<void>((resolve) => {
      noticed = resolve;
    });
    const asking = request(server).get('/v1/slow');
    asking.end(() => {});
    await started;
    asking.abort();
    await told;
  });

  test('answers what the handler gives', async () => {
    const { status, body, headers } = await request(server).post('/v1/things/a').send({ size: 1 });
    expect({ status, body }).toEqual({ status: 201, body: { id: 'a', size: 1 } });
    expect(headers['cache-control']).toBe('no-store');
  });

  test.each([
    ['a body of another type', 'text/plain', '{"size":1}', 'unsupported_media_type', 415],
    ['a body that is no JSON', 'application/json', '{', 'malformed_request', 400],
    ['an unknown member', 'application/json', '{"size":1,"x":1}', 'malformed_request', 400],
    ['a wrong type', 'application/json', '{"size":"1"}', 'malformed_request', 400],
    ['too much', 'application/json', `{"size":${'1'.repeat(40)}}`, 'payload_too_large', 413],
  ])('refuses %s with one event', async (_, type, sent, code, status) => {
    const answer = await request(server).post('/v1/things/a').set('Content-Type', type).send(sent);
    expect({ status: answer.status, code: JSON.parse(answer.text).code }).toEqual({ status, code });
    expect(await newEvents()).toMatchObject([
      { type: 'request.refused', code, data: { method: 'POST', route: '/v1/things/:id', status } },
    ]);
  });

  test('names no path that somebody made up where the pattern of a route stands', async () => {
    await request(server).get('/v0/alice@acme.example').expect(404);
    const data = { method: 'GET', route: '*', path: '/v0/alice@acme.example', status: 404 };
    expect(await newEvents()).toMatchObject([{ type: 'request.refused', data }]);
  });

  test('records a denial as the one event that names policy and decision', async () => {
    const { status, body } = await request(server).get('/v1/denied');
    expect({ status, id: body.decision_id }).toEqual({ status: 403, id: 'd-1' });
    const data = { action: 'manage-access', policy: 'no-permit', resource: 'b', hash, decision: 'd-1' };
    expect(await newEvents()).toMatchObject([{ type: 'policy.denied', code: 'forbidden', data }]);
  });

  test('knows no other address, and no other method of a known one', async () => {
    expect((await request(server).get('/v1/nothing')).body.code).toBe('not_found');
    expect((await request(server).delete('/v1/broken')).body.code).toBe('method_not_allowed');
  });

  test('lets a registered origin read even a refusal, and no other', async () => {
    const allowed = await request(server).get('/v1/broken').set('Origin', 'https://app.acme.example');
    expect(allowed.headers['access-control-allow-origin']).toBe('https://app.acme.example');
    const other = await request(server).get('/v1/broken').set('Origin', 'https://evil.example');
    expect(other.headers['access-control-allow-origin']).toBeUndefined();
  });

  test('says when the memory of an answer is not needed any more, and the answer is whole', async () => {
    const told = new Promise<void>((resolve) => {
      freed = resolve;
    });
    const { text } = await request(server).get('/v1/lent');
    await told;
    expect(text).toBe('a'.repeat(3_000_000));
  });
});
