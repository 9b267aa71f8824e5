import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WatchedAddress } from '../../client/index.ts';
import { type ApiRequest, deviceHeaders, sendRaw } from '../http/api-request.ts';
import type { PersonApp } from '../http/person-app.ts';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { readStream } from './streamed-events.ts';

let companies: TwoCompanies;
let ada: PersonApp;
let bobSub: string;
let carolSub: string;

beforeAll(async () => {
  companies = await startTwoCompanies();
  ada = await companies.acme.signIn('ada');
  await ada.client.enrol({ label: 'Laptop' });
});
afterAll(() => companies?.close());

/** Connects at once, long before somebody else can have signed in. */
function watching(addresses: readonly string[]) {
  const ending = new AbortController();
  const changes = ada.client.watch(addresses, { signal: ending.signal });
  return { changes, first: changes.next(), end: () => ending.abort() };
}

async function ask(app: PersonApp, body: object): Promise<{ status: number; code: string }> {
  const request = { method: 'post', path: '/v1/watch' };
  const headers = await deviceHeaders(companies.acme.bridge, app, request);
  const sent: ApiRequest = {
    ...request,
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
  const { status, text } = await sendRaw(companies.stage, companies.acme.bridge, sent);
  return { status, code: JSON.parse(text).code };
}

describe('watching addresses', () => {
  it('tells of an enrolment and of a revocation, and of nobody who is not watched', async () => {
    const { acme } = companies;
    const { changes, first, end } = watching(['Carol@acme.example', 'gwen@globex.example']);
    const bob = await acme.signIn('bob');
    await bob.client.enrol({ label: 'Laptop' });
    bobSub = (await bob.client.me()).sub;
    const carol = await acme.signIn('carol');
    await carol.client.enrol({ label: 'Laptop' });
    carolSub = (await carol.client.me()).sub;
    expect((await first).value).toEqual({ address: 'carol@acme.example', reason: 'published' });

    const next = changes.next();
    await acme.bridge.administrator.post(`/admin/v1/persons/${carolSub}/close`, { reason: 'left' });
    expect((await next).value).toEqual({ address: 'carol@acme.example', reason: 'revoked' });
    end();
    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });

  it('tells what happened while nobody listened', async () => {
    const now = Math.floor(companies.acme.bridge.clock.now() / 1000);
    const { changed, end } = await watched(ada, { addresses: ['carol@acme.example'], since: now });
    expect(await changed()).toMatchObject({ address: 'carol@acme.example', reason: 'revoked' });
    end();
  });

  it('tells nothing again that happened before it was left', async () => {
    const { clock, administrator } = companies.acme.bridge;
    const addresses = ['carol@acme.example', 'bob@acme.example'];
    const since = Math.floor(clock.now() / 1000) + 3_600;
    const { changed, end } = await watched(ada, { addresses, since });
    // What happens from now on comes behind anything that it would tell of the past.
    await administrator.post(`/admin/v1/persons/${bobSub}/close`, { reason: 'left' });
    expect(await changed()).toMatchObject({ address: 'bob@acme.example', reason: 'revoked' });
    end();
  });

  it('is refused to a device that is not endorsed, and for what is no address in its one form', async () => {
    const waiting = await companies.acme.signIn('ada');
    expect(await ask(waiting, { addresses: ['bob@acme.example'] })).toEqual({
      status: 403,
      code: 'forbidden',
    });
    for (const address of ['Bob@acme.example', 'bob', '']) {
      expect(await ask(ada, { addresses: [address] })).toEqual({ status: 400, code: 'address_invalid' });
    }
    for (const body of [{ addresses: [] }, { addresses: Array(1_001).fill('a@b.example') }, {}]) {
      expect(await ask(ada, body)).toEqual({ status: 400, code: 'malformed_request' });
    }
  });

  it('refuses in the client what the bridge would not take', async () => {
    const code = (changes: AsyncGenerator<WatchedAddress, void>) =>
      changes.next().then(
        () => 'none',
        (error: { code: string }) => error.code,
      );
    expect(await code(ada.client.watch([]))).toBe('malformed_request');
    expect(await code(ada.client.watch(['nobody']))).toBe('address_invalid');
  });

  it('ends when the reader’s device is removed', async () => {
    const phone = await addPhone();
    const { promise, aborted } = await untilEnd(phone, { addresses: ['bob@acme.example'] });
    await ada.client.removeDevice((await phone.secrets()).sig.kid);
    await promise;
    expect(aborted()).toBe(false);
  });
});

describe('a watch ends with the reader’s access token', () => {
  const body = { addresses: ['bob@acme.example'] };
  const ended = async (app: PersonApp, work: () => Promise<unknown>) => {
    const { promise, aborted } = await untilEnd(app, body);
    await work();
    await promise;
    expect(aborted()).toBe(false);
  };

  it('when it expires', async () => {
    const { clock } = companies.acme.bridge;
    await ended(await addPhone(), async () => clock.advance(3_600));
    clock.advance(-3_600);
  });

  it('when the person signs out', async () => {
    const phone = await addPhone();
    await ended(phone, () => phone.client.signOut());
  });

  it('when the connection is disabled', async () => {
    const { administrator } = companies.acme.bridge;
    await ended(await addPhone(), () => administrator.post('/admin/v1/connections/work/disable', {}));
  });
});

async function addPhone(): Promise<PersonApp> {
  const phone = await companies.acme.signIn('ada');
  const addition = await phone.client.requestDevice({ label: 'Phone', method: 'fingerprint' });
  await ada.client.approveDevice(addition.id, { fingerprint: addition.fingerprint });
  await addition.waitForApproval();
  return phone;
}

async function open(app: PersonApp, body: object, signal?: AbortSignal): Promise<Response> {
  const { bridge } = companies.acme;
  const headers = await deviceHeaders(bridge, app, { method: 'post', path: '/v1/watch' });
  return companies.stage.fetch(`${bridge.issuer}/v1/watch`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** A watch that has said that it watches; answers how to hear of the next change. */
async function watched(app: PersonApp, body: object) {
  const ending = new AbortController();
  const stream = readStream(await open(app, body, ending.signal));
  expect(await stream.next()).toMatchObject({
    ...{ event: 'ready', data: expect.stringMatching(/^\{"as_of":\d+\}$/) },
  });
  return {
    async changed(): Promise<unknown> {
      const told = await stream.next();
      expect(told?.event).toBe('changed');
      return JSON.parse(told?.data ?? 'null');
    },
    end: () => ending.abort(),
  };
}

async function untilEnd(app: PersonApp, body: object) {
  const response = await open(app, body);
  const reader = (response.body ?? new ReadableStream()).getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (!text.includes('ready')) text += decoder.decode((await reader.read()).value, { stream: true });
  let broken = false;
  const promise = (async () => {
    try {
      for (;;) if ((await reader.read()).done) return;
    } catch {
      broken = true;
    }
  })();
  return { promise, aborted: () => broken };
}
