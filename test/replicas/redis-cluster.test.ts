import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Stage, setStage } from '../../demo/stage/stage.ts';
import { configuredStores } from '../fakes/configured-stores.ts';
import { SOON } from '../fakes/soon.ts';
import { CACHE_TIMEOUT_MS } from '../fakes/temporary-cache.ts';
import { startRedisCluster, type ThrowawayRedisCluster } from '../fakes/throwaway-redis-cluster.ts';
import { deviceHeaders } from '../http/api-request.ts';
import type { PersonApp } from '../http/person-app.ts';
import { type Company, startCompany } from '../http/two-companies.ts';
import { readStream } from '../live/streamed-events.ts';
import { toldChange } from '../live/told-change.ts';
import { type Replica, type ReplicaProcess, startReplica } from './replicas.ts';

const ME = { method: 'GET', path: '/v1/me' };
const WATCH = { method: 'POST', path: '/v1/watch' };
/** Where the marks of what was used are. */
const MARKS = 'countersign:{consumed}';

let cluster: ThrowawayRedisCluster;
let stage: Stage;
let company: Company;
let here: Replica;
let there: ReplicaProcess;
let ada: PersonApp;
let bob: PersonApp;

beforeAll(async () => {
  cluster = await startRedisCluster();
  stage = await setStage(new AbortController().signal, async () => {
    const { settings, files, remove } = await configuredStores();
    const cache = {
      ...{ driver: 'redis', url: { file: './cache-url' }, topology: 'cluster' },
      timeout_ms: CACHE_TIMEOUT_MS,
    };
    return { settings: { ...settings, cache }, files: { ...files, 'cache-url': cluster.url }, remove };
  });
  company = await startCompany(stage, 'acme', ['ada', 'bob']);
  here = { fetch: stage.fetch };
  there = await startReplica(stage, company.bridge);
  [ada, bob] = [await enrolled('ada', here), await enrolled('bob', there)];
});
afterAll(async () => {
  await stage?.close();
  await cluster?.stop();
});

async function enrolled(name: string, at: Replica): Promise<PersonApp> {
  const app = await company.signIn(name, at.fetch);
  await app.client.enrol({ label: 'Laptop' });
  return app;
}

const proofOf = (app: PersonApp) => deviceHeaders(company.bridge, app, ME);

async function answerOf(at: Replica, headers: Record<string, string>): Promise<object> {
  const response = await at.fetch(company.bridge.issuer + ME.path, { headers });
  const { code } = (await response.json()) as { code?: string };
  return { status: response.status, code };
}

describe('two replicas on a Redis Cluster', () => {
  it('serve people who signed in at either, and take a proof once', async () => {
    expect(await bob.client.lookUp(['ada@acme.example'])).toMatchObject([{ status: 'verified' }]);
    const proof = await proofOf(ada);
    expect(await answerOf(there, proof)).toMatchObject({ status: 200 });
    expect(await answerOf(here, proof)).toEqual({ status: 401, code: 'dpop_replayed' });
  });

  it('go on when the primary with the marks dies: what was used stays used, who watches is told', async () => {
    const headers = await deviceHeaders(company.bridge, ada, WATCH);
    const watching = readStream(
      await there.fetch(company.bridge.issuer + WATCH.path, {
        ...{ method: 'POST', headers: { ...headers, 'content-type': 'application/json' } },
        body: JSON.stringify({ addresses: ['bob@acme.example'] }),
      }),
    );
    expect((await watching.next())?.event).toBe('ready');
    const used = await proofOf(ada);
    expect(await answerOf(here, used)).toMatchObject({ status: 200 });

    await cluster.failOver(MARKS);
    for (const at of [here, there]) {
      await vi.waitFor(
        async () => expect(await answerOf(at, await proofOf(ada))).toMatchObject({ status: 200 }),
        SOON,
      );
      expect(await answerOf(at, used)).toEqual({ status: 503, code: 'unavailable' });
    }
    const { sub } = await bob.client.me();
    await company.bridge.administrator.post(`/admin/v1/persons/${sub}/close`, { reason: 'left' });
    expect(await toldChange(watching, 'revoked')).toMatchObject({ address: 'bob@acme.example' });
  });
});
