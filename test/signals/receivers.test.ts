import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SOON } from '../fakes/soon.ts';
import type { PersonApp } from '../http/person-app.ts';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import {
  discover,
  HEADER,
  register,
  type SaasReceiver,
  type Signal,
  type SsfClient,
  startSaasReceiver,
} from './saas-receiver.ts';

const AUDIENCE = 'https://saas.example/signals';
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';
const SSF = 'https://schemas.openid.net/secevent/ssf/event-type/';
const ADA = 'ada@acme.example';

let companies: TwoCompanies;
let saas: SaasReceiver;
let ssf: SsfClient;
let receiver: string;
let stream: string;
let ada: PersonApp;

beforeAll(async () => {
  companies = await startTwoCompanies();
  const { stage, acme } = companies;
  saas = await startSaasReceiver(stage);
  const { id, token } = await register(acme.bridge.administrator, { audience: AUDIENCE });
  receiver = id;
  ssf = await discover(stage, acme, token);
});
afterAll(() => companies?.close());

/** The signals that were pushed, each verified, from the one of this index on, once there are so many. */
async function signals(from: number, count: number): Promise<Signal[]> {
  await vi.waitFor(() => expect(saas.pushed.length).toBeGreaterThanOrEqual(from + count), {
    ...{ timeout: 30_000, interval: 5 },
  });
  const tokens = saas.pushed.slice(from).map(({ token }) => token);
  return Promise.all(tokens.map(async (token) => (await ssf.verify(token, AUDIENCE)).payload));
}

const kinds = (found: readonly Signal[]) =>
  found.map(({ events }) => Object.keys(events).join().split('/').at(-1));

describe('the transmitter configuration', () => {
  it('names what a receiver needs, under our issuer', () => {
    const { issuer } = companies.acme.bridge;
    expect(ssf.configuration).toEqual({
      ...{ spec_version: '1_0', issuer, jwks_uri: expect.stringContaining(`${issuer}/`) },
      delivery_methods_supported: ['urn:ietf:rfc:8935', 'urn:ietf:rfc:8936'],
      configuration_endpoint: expect.stringContaining(`${issuer}/`),
      status_endpoint: expect.stringContaining(`${issuer}/`),
      add_subject_endpoint: expect.stringContaining(`${issuer}/`),
      remove_subject_endpoint: expect.stringContaining(`${issuer}/`),
      verification_endpoint: expect.stringContaining(`${issuer}/`),
      authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6749' }],
      default_subjects: 'ALL',
    });
  });
});

describe('a stream', () => {
  const wanted = () => ({
    delivery: { method: 'urn:ietf:rfc:8935', endpoint_url: saas.url, authorization_header: HEADER },
    events_requested: [`${CAEP}session-revoked`, `${CAEP}credential-change`, `${CAEP}unknown`],
  });

  it('is made by nobody without the token', async () => {
    for (const token of [null, 'cssig_guessed', '']) {
      const { status, body } = await ssf.call('POST', 'configuration_endpoint', wanted(), token);
      expect([status, body.code]).toEqual([401, 'unauthenticated']);
    }
  });

  it('is not pushed to where no outbound request may go', async () => {
    for (const endpoint_url of [
      'http://saas.example/',
      'https://user:pass@saas.example/',
      'nowhere',
      undefined,
    ]) {
      const delivery = { method: 'urn:ietf:rfc:8935', endpoint_url };
      const { status, body } = await ssf.call('POST', 'configuration_endpoint', { delivery });
      expect([status, body.code]).toEqual([400, 'malformed_request']);
    }
    expect((await ssf.call('GET', 'configuration_endpoint')).body).toEqual([]);
  });

  it('is made once, delivers of what was asked for what there is, and tells its secret to nobody', async () => {
    const { status, body } = await ssf.call('POST', 'configuration_endpoint', wanted());
    expect(status).toBe(201);
    expect(body).toMatchObject({
      ...{ iss: companies.acme.bridge.issuer, aud: AUDIENCE },
      delivery: { method: 'urn:ietf:rfc:8935', endpoint_url: saas.url },
      events_delivered: [`${CAEP}session-revoked`, `${CAEP}credential-change`],
    });
    expect(JSON.stringify(body)).not.toContain(HEADER);
    stream = String(body.stream_id);
    const again = await ssf.call('POST', 'configuration_endpoint', wanted());
    expect([again.status, again.body.code]).toEqual([409, 'stream_exists']);
    expect((await ssf.call('GET', `configuration_endpoint?stream_id=${stream}`)).body).toEqual(body);
    expect((await ssf.call('GET', 'configuration_endpoint')).body).toEqual([body]);
  });

  it('is nobody else’s to read, change or delete', async () => {
    const { acme } = companies;
    const { id, token } = await register(acme.bridge.administrator, { audience: 'https://other.example' });
    const change = { stream_id: stream, description: 'mine' };
    const answers = await Promise.all([
      ssf.call('GET', `configuration_endpoint?stream_id=${stream}`, undefined, token),
      ssf.call('PATCH', 'configuration_endpoint', change, token),
      ssf.call('DELETE', `configuration_endpoint?stream_id=${stream}`, undefined, token),
      ssf.call('GET', `status_endpoint?stream_id=${stream}`, undefined, token),
      ssf.call('POST', 'status_endpoint', { stream_id: stream, status: 'disabled' }, token),
      ssf.call('POST', 'verification_endpoint', { stream_id: stream }, token),
    ]);
    for (const { status, body } of answers) expect([status, body.code]).toEqual([404, 'stream_unknown']);
    expect(id).not.toBe(receiver);
  });

  it('is changed in what the receiver decides, and refused in the rest', async () => {
    const named = { stream_id: stream, description: 'people of Acme' };
    const changed = await ssf.call('PATCH', 'configuration_endpoint', named);
    expect(changed).toMatchObject({ status: 200, body: { description: 'people of Acme' } });
    const forged = await ssf.call('PATCH', 'configuration_endpoint', {
      ...named,
      aud: 'https://other.example',
    });
    expect([forged.status, forged.body.code]).toEqual([400, 'malformed_request']);
    const replaced = await ssf.call('PUT', 'configuration_endpoint', {
      stream_id: stream,
      delivery: { method: 'urn:ietf:rfc:8935', endpoint_url: saas.url },
    });
    expect(replaced.status).toBe(200);
    expect(replaced.body).not.toHaveProperty('description');
    expect(replaced.body.events_delivered).toHaveLength(4);
  });

  it('carries a verification with the state that was asked for, and not too often', async () => {
    const asked = { stream_id: stream, state: 'state-1' };
    expect((await ssf.call('POST', 'verification_endpoint', asked)).status).toBe(204);
    const [verification] = await signals(0, 1);
    expect(verification).toMatchObject({
      sub_id: { format: 'opaque', id: stream },
      events: { [`${SSF}verification`]: { state: 'state-1' } },
    });
    expect(saas.pushed[0]?.headers).toMatchObject({
      ...{ 'content-type': 'application/secevent+jwt', accept: 'application/json', authorization: HEADER },
    });
    const again = await ssf.call('POST', 'verification_endpoint', asked);
    expect([again.status, again.body.code]).toEqual([429, 'rate_limited']);
  });
});

describe('what a receiver is told', () => {
  it('is an enrolment, by the address, with the device apart', async () => {
    const from = saas.pushed.length;
    ada = await companies.acme.signIn('ada');
    await ada.client.enrol({ label: 'Ada’s own laptop' });
    const found = await signals(from, 2);
    expect(kinds(found)).toEqual(['credential-change', 'credential-change']);
    expect(found.map(({ sub_id }) => sub_id)).toEqual(
      expect.arrayContaining([
        { format: 'email', email: ADA },
        {
          ...{ format: 'complex', user: { format: 'email', email: ADA } },
          device: { format: 'opaque', id: expect.any(String) },
        },
      ]),
    );
    expect(JSON.stringify(found)).not.toContain('laptop');
  });

  it('waits while the stream is paused, and comes in order when it is enabled', async () => {
    const from = saas.pushed.length;
    const paused = { stream_id: stream, status: 'paused', reason: 'maintenance' };
    expect((await ssf.call('POST', 'status_endpoint', paused)).body).toEqual(paused);
    expect((await ssf.call('GET', `status_endpoint?stream_id=${stream}`)).body).toEqual(paused);
    const { administrator, running } = companies.acme.bridge;
    const { sub } = await ada.client.me();
    await administrator.post(`/admin/v1/persons/${sub}/reset`, { reason: 'the words of an administrator' });
    await running.services.events.settled();
    await vi.waitFor(async () => {
      const list = await administrator.get<{ receivers: { delivery: { waiting: number } }[] }>(
        '/admin/v1/signals/receivers',
      );
      expect(Math.max(...list.receivers.map(({ delivery }) => delivery.waiting))).toBeGreaterThanOrEqual(2);
    }, SOON);
    expect(saas.pushed).toHaveLength(from);
    await ssf.call('POST', 'status_endpoint', { stream_id: stream, status: 'enabled' });
    const found = await signals(from, 3);
    expect(kinds(found)).toEqual(['session-revoked', 'credential-change', 'stream-updated']);
    for (const { events } of found.slice(0, 2)) {
      const [said] = Object.values(events);
      expect(said).toMatchObject({ initiating_entity: 'admin', reason_admin: { en: expect.any(String) } });
    }
    expect(JSON.stringify(found)).not.toContain('the words of an administrator');
  });

  it('is sent again with the same jti until it is taken, and given up when it is refused', async () => {
    const from = saas.pushed.length;
    saas.answer = () =>
      saas.pushed.length < from + 2
        ? { status: 503 }
        : { status: 400, body: { err: 'invalid_request', description: 'no such user' } };
    companies.acme.bridge.clock.advance(30);
    expect((await ssf.call('POST', 'verification_endpoint', { stream_id: stream })).status).toBe(204);
    const jtis = async () =>
      Promise.all(
        saas.pushed.slice(from).map(async ({ token }) => (await ssf.verify(token, AUDIENCE)).payload.jti),
      );
    await signals(from, 3);
    expect(new Set(await jtis()).size).toBe(1);
    await vi.waitFor(async () => {
      expect((await companies.acme.bridge.events()).at(-1)).toMatchObject({
        ...{ type: 'signal.given_up', outcome: 'failure' },
        data: { queue: stream, signals: 1, detail: expect.stringContaining('no such user') },
      });
    }, SOON);
    saas.answer = () => ({ status: 202 });
  });

  it('is nothing of whom it took out of the stream, until it takes them in again', async () => {
    const subject = { format: 'email', email: ADA };
    const about = { stream_id: stream, subject };
    expect((await ssf.call('POST', 'remove_subject_endpoint', about)).status).toBe(204);
    const from = saas.pushed.length;
    await ada.client.signOut().catch(() => undefined);
    const again = await companies.acme.signIn('ada');
    await again.client.enrol({ label: 'Phone' });
    const bob = await companies.acme.signIn('bob');
    await bob.client.enrol({ label: 'Phone' });
    const found = await signals(from, 2);
    expect(JSON.stringify(found)).not.toContain(ADA);
    expect((await ssf.call('POST', 'add_subject_endpoint', about)).status).toBe(200);
    const before = saas.pushed.length;
    const { sub } = await again.client.me();
    const began = performance.now();
    await companies.acme.bridge.administrator.post(`/admin/v1/persons/${sub}/close`, { reason: 'left' });
    const [first] = await signals(before, 1);
    console.info(
      `from the revocation to the receiver: ${((saas.pushed[before]?.at ?? 0) - began).toFixed(0)} ms`,
    );
    expect(first).toMatchObject({
      sub_id: subject,
      events: { [`${CAEP}session-revoked`]: expect.anything() },
    });
  });

  it('is nothing of other domains than those of its registration', async () => {
    const { administrator } = companies.acme.bridge;
    const wanted = { name: 'x', audience: AUDIENCE, domains: ['globex.example'] };
    expect(await administrator.refusal('/admin/v1/signals/receivers', wanted)).toMatchObject({
      code: 'domain_unknown',
    });
  });

  it('ends with its registration', async () => {
    const { stage, acme } = companies;
    const { administrator } = acme.bridge;
    const { token } = await administrator.post<{ token: string }>(
      `/admin/v1/signals/receivers/${receiver}/token`,
      {},
    );
    expect((await ssf.call('GET', 'configuration_endpoint')).status).toBe(401);
    ssf = await discover(stage, acme, token);
    expect((await ssf.call('DELETE', `configuration_endpoint?stream_id=${stream}`)).status).toBe(204);
    expect((await ssf.call('GET', 'configuration_endpoint')).body).toEqual([]);
  });
});
