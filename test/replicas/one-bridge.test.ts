import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRateLimit } from '../../bridge/http/rate-limit.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { REFUSALS_PER_MINUTE } from '../../bridge/lib/limits.ts';
import { openCache } from '../../bridge/storage/open-storage.ts';
import { createClient, createMemoryKeyStore, createMemoryPinStore } from '../../client/index.ts';
import { createHeadlessBrowser } from '../fakes/headless-browser.ts';
import { deviceHeaders } from '../http/api-request.ts';
import type { PersonApp } from '../http/person-app.ts';
import { PASSWORD } from '../http/two-companies.ts';
import { APP_ID } from '../http/whole-bridge.ts';
import { readStream } from '../live/streamed-events.ts';
import { toldChange } from '../live/told-change.ts';
import { inTurn } from './in-turn.ts';
import type { Replica } from './replicas.ts';
import { startTwoReplicas, type TwoReplicas } from './two-replicas.ts';

const REDIRECT_URI = 'http://127.0.0.1/callback';

let two: TwoReplicas;
let here: Replica;
let there: Replica;
let ada: PersonApp;

beforeAll(async () => {
  two = await startTwoReplicas(['ada', 'bob', 'carol', 'dan', 'eve', 'frank'], {
    listen: { trusted_proxies: ['127.0.0.1/32'] },
  });
  ({ here, there } = two);
  ada = await enrolled('ada', there);
});
afterAll(() => two?.close());

async function enrolled(name: string, at: Replica): Promise<PersonApp> {
  const app = await two.company.signIn(name, at.fetch);
  await app.client.enrol({ label: 'Laptop' });
  return app;
}

async function close(app: PersonApp): Promise<void> {
  const { sub } = await app.client.me();
  await two.bridge.administrator.post(`/admin/v1/persons/${sub}/close`, { reason: 'left' });
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
}

async function ask(at: Replica, app: PersonApp, asked: Asked): Promise<Response> {
  return send(at, asked, await deviceHeaders(two.bridge, app, asked));
}

function send(
  at: Replica,
  { method, path, body }: Asked,
  headers: Record<string, string>,
): Promise<Response> {
  return at.fetch(two.bridge.issuer + path, {
    ...{
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const ME = { method: 'GET', path: '/v1/me' };

async function codeOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { code?: string }).code;
}

describe('what one replica has done, the other one knows', () => {
  it('an enrolment is found by the next request', async () => {
    const bob = await enrolled('bob', here);
    expect(await ada.client.lookUp(['bob@acme.example'], { maxAge: 0 })).toMatchObject([
      { status: 'verified' },
    ]);
    expect((await ask(there, bob, ME)).status).toBe(200);
  });

  it('of a person’s first devices, enrolled at both at once, one is the first', async () => {
    const apps = [
      await two.company.signIn('frank', here.fetch),
      await two.company.signIn('frank', there.fetch),
    ];
    const results = await Promise.allSettled(apps.map(({ client }) => client.enrol({ label: 'Laptop' })));
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.map(({ reason }) => reason.code)).toEqual(['already_enrolled']);
    const [answer] = await ada.client.lookUp(['frank@acme.example'], { maxAge: 0 });
    expect(answer).toMatchObject({ status: 'verified', statement: { version: 0 } });
  });

  it('a closed person is refused by the next request, and who watches them is told', async () => {
    const carol = await enrolled('carol', there);
    const watch = { method: 'POST', path: '/v1/watch', body: { addresses: ['carol@acme.example'] } };
    const watching = readStream(await ask(there, ada, watch));
    expect((await watching.next())?.event).toBe('ready');
    await close(carol);
    const refused = await ask(there, carol, ME);
    expect({ status: refused.status, code: await codeOf(refused) }).toEqual({
      status: 401,
      code: 'unauthenticated',
    });
    expect(await toldChange(watching, 'revoked')).toMatchObject({ address: 'carol@acme.example' });
  });

  it('a closed person’s stream of a meeting ends', async () => {
    const dan = await enrolled('dan', there);
    const host = await enrolled('eve', here);
    const { iss, group } = await host.client.meetings.start({
      ...{ label: 'Plans', mediaKey: 'media of the host', people: ['dan@acme.example'] },
      ends: Math.floor(Date.now() / 1000) + 3_600,
    });
    const stream = { method: 'POST', path: '/v1/meetings/stream', body: { iss, group, since: 0 } };
    const response = await ask(there, dan, stream);
    expect(response.status).toBe(200);
    const reading = readStream(response);
    expect(await reading.next()).not.toBeNull();
    await close(dan);
    for (let told = await reading.next(); told !== null; told = await reading.next()) {
      // what was said before
    }
    expect((await ask(there, dan, stream)).status).toBe(401);
  });
});

describe('a sign-in', () => {
  it('goes on at the other replica at each of its steps', async () => {
    const app = await two.company.signIn(
      'ada',
      inTurn(two.bridge, () => [here, there]),
    );
    expect((await app.client.me()).addresses).toEqual(['ada@acme.example']);
  });

  it('has a code that one of many redeems, wherever they ask', async () => {
    const { bridge, stage } = two;
    const keyStore = createMemoryKeyStore();
    const clientAt = (at: Replica) =>
      createClient({
        ...{ issuer: bridge.issuer, clientId: APP_ID, engine: stage.engine, fetch: at.fetch },
        ...{ keyStore, pinStore: createMemoryPinStore() },
      });
    const { url, pending } = await clientAt(here).beginSignIn({
      redirectUri: REDIRECT_URI,
      loginHint: 'ada@acme.example',
    });
    const browser = createHeadlessBrowser({ fetch: there.fetch, stopAt: [REDIRECT_URI] });
    const back = await browser.signIn(await browser.open(url), 'ada', PASSWORD);
    const racers = [here, there, here, there, here, there].map(clientAt);
    const results = await Promise.allSettled(
      racers.map((client) => client.completeSignIn(back.url, pending)),
    );
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.map(({ reason }) => reason.code)).toEqual(
      Array(racers.length - 1).fill('sign_in_refused'),
    );
  });
});

describe('a proof of possession', () => {
  it('that one replica has seen is refused by the other', async () => {
    const headers = await deviceHeaders(two.bridge, ada, ME);
    expect((await send(here, ME, headers)).status).toBe(200);
    const again = await send(there, ME, headers);
    expect({ status: again.status, code: await codeOf(again) }).toEqual({ status: 409, code: 'replayed' });
  });

  it('counts once, of many that are sent to both at once', async () => {
    const headers = await deviceHeaders(two.bridge, ada, ME);
    const answers = await Promise.all(
      [here, there, here, there, here, there].map((at) => send(at, ME, headers)),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409, 409, 409, 409]);
  });
});

describe('the rate limit', () => {
  it('counts what all replicas refused an address', async () => {
    const address = '192.0.2.7';
    const probe = async (at: Replica) => {
      const response = await send(at, ME, { 'x-forwarded-for': address });
      await response.body?.cancel();
      return response.status;
    };
    const third = await openCache(two.bridge.config.cache, systemClock);
    const { noteRefusal } = createRateLimit(third);
    for (let refused = 0; refused < REFUSALS_PER_MINUTE - 2; refused += 1) await noteRefusal(address);
    await third.close();
    expect([await probe(here), await probe(there)]).toEqual([401, 401]);
    expect([await probe(here), await probe(there)]).toEqual([429, 429]);
    expect((await ask(there, ada, ME)).status).toBe(200);
  });
});
