import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Stage, setStage } from '../../demo/stage/stage.ts';
import { configuredStores } from '../fakes/configured-stores.ts';
import { SOON } from '../fakes/soon.ts';
import { CACHE_TIMEOUT_MS } from '../fakes/temporary-cache.ts';
import { startRedis, type ThrowawayRedis } from '../fakes/throwaway-redis.ts';
import { deviceHeaders } from '../http/api-request.ts';
import type { PersonApp } from '../http/person-app.ts';
import { type Company, startCompany } from '../http/two-companies.ts';
import { readStream, type StreamReader } from '../live/streamed-events.ts';
import { toldChange } from '../live/told-change.ts';

const ME = { method: 'GET', path: '/v1/me' };

let redis: ThrowawayRedis;
let stage: Stage;
let company: Company;
let ada: PersonApp;
let bob: PersonApp;

beforeAll(async () => {
  redis = await startRedis();
  stage = await setStage(new AbortController().signal, async () => {
    const { settings, files, remove } = await configuredStores();
    const patient = { timeout_ms: CACHE_TIMEOUT_MS };
    const cache = { driver: 'redis', url: { file: './cache-url' }, ...patient };
    return { settings: { ...settings, cache }, files: { ...files, 'cache-url': redis.url }, remove };
  });
  company = await startCompany(stage, 'acme', ['ada', 'bob']);
  [ada, bob] = [await enrolled('ada'), await enrolled('bob')];
});
afterAll(async () => {
  await stage?.close();
  await redis?.stop();
});

async function enrolled(name: string): Promise<PersonApp> {
  const app = await company.signIn(name);
  await app.client.enrol({ label: 'Laptop' });
  return app;
}

const proofOf = (app: PersonApp) => deviceHeaders(company.bridge, app, ME);

async function answerTo(headers: Record<string, string>): Promise<object> {
  const response = await stage.fetch(company.bridge.issuer + ME.path, { headers });
  const { code } = (await response.json()) as { code?: string };
  return { status: response.status, code };
}

async function watch(address: string): Promise<StreamReader> {
  const asked = { method: 'POST', path: '/v1/watch' };
  const headers = await deviceHeaders(company.bridge, ada, asked);
  const response = await stage.fetch(company.bridge.issuer + asked.path, {
    ...{ method: 'POST', headers: { ...headers, 'content-type': 'application/json' } },
    body: JSON.stringify({ addresses: [address] }),
  });
  return readStream(response);
}

describe('a bridge whose Redis is killed, and started again with nothing', () => {
  it('refuses, says why, and goes on by itself: what was open stays, what was used stays used', async () => {
    const { bridge } = company;
    const used = await proofOf(ada);
    expect(await answerTo(used)).toMatchObject({ status: 200 });
    const watching = await watch('bob@acme.example');
    expect((await watching.next())?.event).toBe('ready');
    const reported = (await bridge.events()).length;

    await redis.kill();
    await vi.waitFor(
      async () => expect(await answerTo(await proofOf(ada))).toEqual({ status: 503, code: 'unavailable' }),
      SOON,
    );
    expect((await bridge.running.services.readiness()).status).toBe('degraded');
    expect((await bridge.events()).slice(reported)).toEqual([]);

    await redis.start();
    await vi.waitFor(
      async () => expect(await answerTo(await proofOf(ada))).toMatchObject({ status: 200 }),
      SOON,
    );
    expect(await answerTo(used)).toEqual({ status: 503, code: 'unavailable' });
    const { sub } = await bob.client.me();
    await bridge.administrator.post(`/admin/v1/persons/${sub}/close`, { reason: 'left' });
    expect(await toldChange(watching, 'revoked')).toMatchObject({ address: 'bob@acme.example' });
    await vi.waitFor(
      async () => expect((await bridge.running.services.readiness()).status).toBe('ready'),
      SOON,
    );
  });
});
