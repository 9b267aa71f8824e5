import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Stage, setStage } from '../../demo/stage/stage.ts';
import { configuredStores } from '../fakes/configured-stores.ts';
import { SOON } from '../fakes/soon.ts';
import { CACHE_TIMEOUT_MS } from '../fakes/temporary-cache.ts';
import { startRedisCluster } from '../fakes/throwaway-redis-cluster.ts';
import { startSentinel } from '../fakes/throwaway-sentinel.ts';
import { deviceHeaders } from '../http/api-request.ts';
import type { PersonApp } from '../http/person-app.ts';
import { type Company, startCompany } from '../http/two-companies.ts';
import { readStream } from '../live/streamed-events.ts';
import { toldChange } from '../live/told-change.ts';
import { type Replica, type ReplicaProcess, startReplica } from './replicas.ts';

// Processes start, and people enrol.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const ME = { method: 'GET', path: '/v1/me' };
const WATCH = { method: 'POST', path: '/v1/watch' };

/** Where one server takes over from another. */
interface Servers {
  /** Of the configuration’s section. */
  readonly settings: object;
  readonly url: string;
  /** From the one that has the marks of what was used. */
  failOver(): Promise<void>;
  stop(): Promise<void>;
}

async function cluster(): Promise<Servers> {
  const servers = await startRedisCluster();
  await servers.addReplicas();
  return {
    ...{ settings: { topology: 'cluster' }, url: servers.url },
    failOver: () => servers.failOver('countersign:{consumed}'),
    stop: () => servers.stop(),
  };
}

async function sentinel(): Promise<Servers> {
  const servers = await startSentinel();
  return { ...servers, settings: { topology: 'sentinel', sentinel_group: servers.name } };
}

describe.each([
  ['a Cluster', cluster],
  ['servers that a Sentinel watches', sentinel],
])('two replicas on %s', (_where, start) => {
  let servers: Servers;
  let stage: Stage;
  let company: Company;
  let here: Replica;
  let there: ReplicaProcess;
  let ada: PersonApp;
  let bob: PersonApp;

  beforeAll(async () => {
    servers = await start();
    stage = await setStage(new AbortController().signal, async () => {
      const { settings, files, remove } = await configuredStores();
      const cache = {
        ...{ driver: 'redis', url: { file: './cache-url' }, timeout_ms: CACHE_TIMEOUT_MS },
        ...servers.settings,
      };
      return { settings: { ...settings, cache }, files: { ...files, 'cache-url': servers.url }, remove };
    });
    company = await startCompany(stage, 'acme', ['ada', 'bob']);
    here = { fetch: stage.fetch };
    there = await startReplica(stage, company.bridge);
    [ada, bob] = [await enrolled('ada', here), await enrolled('bob', there)];
  });
  afterAll(async () => {
    await stage?.close();
    await servers?.stop();
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

  async function watchThere(address: string) {
    const headers = await deviceHeaders(company.bridge, ada, WATCH);
    const response = await there.fetch(company.bridge.issuer + WATCH.path, {
      ...{ method: 'POST', headers: { ...headers, 'content-type': 'application/json' } },
      body: JSON.stringify({ addresses: [address] }),
    });
    return readStream(response);
  }

  it('serve people who signed in at either, and take a proof once', async () => {
    expect(await bob.client.lookUp(['ada@acme.example'])).toMatchObject([{ status: 'verified' }]);
    const proof = await proofOf(ada);
    expect(await answerOf(there, proof)).toMatchObject({ status: 200 });
    expect(await answerOf(here, proof)).toEqual({ status: 409, code: 'replayed' });
  });

  it('go on when the one with the marks dies: what was used stays used, who watches is told', async () => {
    const watching = await watchThere('bob@acme.example');
    expect((await watching.next())?.event).toBe('ready');
    const used = await proofOf(ada);
    expect(await answerOf(here, used)).toMatchObject({ status: 200 });

    await servers.failOver();
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
