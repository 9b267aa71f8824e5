import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { becameSignals } from './became-signals.ts';
import { discover, HEADER, register, type SsfClient, startSaasReceiver } from './saas-receiver.ts';

const AUDIENCE = 'saas-client';
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';
const POLL = 'urn:ietf:rfc:8936';

let companies: TwoCompanies;
let ssf: SsfClient;
let stream: string;
let endpoint: string;

beforeAll(async () => {
  companies = await startTwoCompanies();
  const { stage, acme } = companies;
  const wanted = { audience: AUDIENCE, subject_format: 'iss_sub', domains: ['acme.example'] };
  const { token } = await register(acme.bridge.administrator, wanted);
  ssf = await discover(stage, acme, token);
});
afterAll(() => companies?.close());

interface Polled {
  readonly sets: { readonly [jti: string]: string };
  readonly moreAvailable?: boolean;
}

async function poll(asked: object = {}): Promise<Polled> {
  const { status, body } = await ssf.call('POST', endpoint, { returnImmediately: true, ...asked });
  expect(status).toBe(200);
  return body as unknown as Polled;
}

/** Asks until so many wait. */
async function pollFor(count: number): Promise<string[]> {
  return vi.waitFor(
    async () => {
      const jtis = Object.keys((await poll()).sets);
      expect(jtis).toHaveLength(count);
      return jtis;
    },
    { timeout: 30_000, interval: 20 },
  );
}

describe('a stream that is fetched', () => {
  it('is told where', async () => {
    const wanted = {
      delivery: { method: POLL },
      events_requested: [`${CAEP}session-revoked`, `${CAEP}credential-change`],
    };
    const { status, body } = await ssf.call('POST', 'configuration_endpoint', wanted);
    expect(status).toBe(201);
    const delivery = body.delivery as { method: string; endpoint_url: string };
    expect(delivery.method).toBe(POLL);
    expect(delivery.endpoint_url.startsWith(`${companies.acme.bridge.issuer}/`)).toBe(true);
    stream = String(body.stream_id);
    endpoint = delivery.endpoint_url;
    expect(await poll()).toEqual({ sets: {} });
  });

  it('is nobody else’s to fetch', async () => {
    const { token } = await register(companies.acme.bridge.administrator, { audience: 'other' });
    expect((await ssf.call('POST', endpoint, {}, token)).status).toBe(404);
    expect((await ssf.call('POST', endpoint, {}, null)).status).toBe(401);
  });

  it('answers a poll that waits as soon as something happens', async () => {
    const waiting = ssf.call('POST', endpoint, { maxEvents: 10 });
    await ssf.call('POST', 'verification_endpoint', { stream_id: stream, state: 's' });
    const began = performance.now();
    const { sets } = (await waiting).body as unknown as Polled;
    console.info(`from the request to the poll that waited: ${(performance.now() - began).toFixed(0)} ms`);
    const [[jti, token] = ['', '']] = Object.entries(sets);
    const { payload } = await ssf.verify(token, AUDIENCE);
    expect(payload).toMatchObject({ jti, sub_id: { format: 'opaque', id: stream } });
    expect(await poll({ ack: [jti] })).toEqual({ sets: {} });
  });

  it('gives the same tokens until they are acknowledged, and says when there are more', async () => {
    const app = await companies.acme.signIn('ada');
    await app.client.enrol({ label: 'Laptop' });
    const jtis = await pollFor(2);
    const one = await poll({ maxEvents: 1 });
    expect(Object.keys(one.sets)).toEqual(jtis.slice(0, 1));
    expect(one.moreAvailable).toBe(true);
    expect(await poll({ maxEvents: 0, ack: jtis.slice(0, 1) })).toEqual({ sets: {} });
    expect(await pollFor(1)).toEqual(jtis.slice(1));
    const { sub } = await app.client.me();
    const [token = ''] = Object.values((await poll()).sets);
    const { payload } = await ssf.verify(token, AUDIENCE);
    const user = { format: 'iss_sub', iss: companies.acme.bridge.issuer, sub };
    expect([payload.sub_id, payload.sub_id.user]).toContainEqual(user);
  });

  it('is not signed anew for a receiver that asks again and again', async () => {
    const before = (await poll()).sets;
    expect(Object.keys(before)).toHaveLength(1);
    companies.acme.bridge.clock.advance(10);
    expect((await poll()).sets).toEqual(before);
  });

  it('gives up what the receiver reports as an error, and an event says so', async () => {
    const [jti = ''] = await pollFor(1);
    const setErrs = { [jti]: { err: 'invalid_request', description: 'unknown\r\nsubject' } };
    expect(await poll({ setErrs })).toEqual({ sets: {} });
    expect((await companies.acme.bridge.events()).at(-1)).toMatchObject({
      type: 'signal.given_up',
      data: { queue: stream, signals: 1, detail: 'invalid_request unknown subject' },
    });
    expect(await poll({ ack: [jti, 'never-there'] })).toEqual({ sets: {} });
  });

  it('keeps what waits over a restart', async () => {
    const { acme } = companies;
    const bob = await acme.signIn('bob');
    await bob.client.enrol({ label: 'Laptop' });
    const before = await pollFor(2);
    await acme.bridge.restart();
    expect(await pollFor(2)).toEqual(before);
  });

  it('forgets what waits when it is disabled, and takes nothing until it is enabled', async () => {
    const { acme } = companies;
    await ssf.call('POST', 'status_endpoint', { stream_id: stream, status: 'disabled' });
    const carol = await acme.signIn('carol');
    await carol.client.enrol({ label: 'Laptop' });
    await becameSignals(acme.bridge, 'device.added');
    expect(await poll()).toEqual({ sets: {} });
    await ssf.call('POST', 'status_endpoint', { stream_id: stream, status: 'enabled' });
    const [jti = ''] = await pollFor(1);
    const { payload } = await ssf.verify((await poll()).sets[jti] ?? '', AUDIENCE);
    expect(Object.keys(payload.events).join()).toMatch(/stream-updated$/);
  });

  it('gives a header only to the address that it was given for', async () => {
    const { stage } = companies;
    const first = await startSaasReceiver(stage, 'signals.saas.localhost');
    const second = await startSaasReceiver(stage, 'signals.saas.localhost');
    const method = 'urn:ietf:rfc:8935';
    const move = (delivery: object) =>
      ssf.call('PATCH', 'configuration_endpoint', { stream_id: stream, delivery });
    const to = { method, endpoint_url: first.url, authorization_header: HEADER };
    expect((await move(to)).status).toBe(200);
    await vi.waitFor(() => expect(first.pushed.length).toBeGreaterThan(0), { timeout: 30_000 });
    expect(first.pushed[0]?.headers.authorization).toBe(HEADER);
    expect((await move({ method, endpoint_url: second.url })).status).toBe(200);
    companies.acme.bridge.clock.advance(30);
    await ssf.call('POST', 'verification_endpoint', { stream_id: stream });
    await vi.waitFor(() => expect(second.pushed.length).toBeGreaterThan(0), { timeout: 30_000 });
    expect(second.pushed[0]?.headers).not.toHaveProperty('authorization');
    expect((await ssf.call('POST', endpoint, {})).status).toBe(400);
  });

  it('is signed with another key once that is rotated, and the old ones stay published', async () => {
    const { administrator } = companies.acme.bridge;
    const { kid } = await administrator.post<{ kid: string }>('/admin/v1/signals/keys');
    expect(
      (await ssf.call('PATCH', 'configuration_endpoint', { stream_id: stream, delivery: { method: POLL } }))
        .status,
    ).toBe(200);
    companies.acme.bridge.clock.advance(30);
    await ssf.call('POST', 'verification_endpoint', { stream_id: stream });
    const [jti = ''] = await pollFor(1);
    const { protectedHeader } = await ssf.verify((await poll()).sets[jti] ?? '', AUDIENCE);
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'secevent+jwt', kid });
    const { body } = await ssf.call('GET', 'jwks_uri');
    expect(body.keys).toHaveLength(2);
    expect(JSON.stringify(body)).not.toMatch(/"[dpq]"/);
  });
});
