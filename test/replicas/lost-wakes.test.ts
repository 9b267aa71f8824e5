import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { amendConfiguration } from '../../demo/stage/configuration.ts';
import { setTestStage } from '../fakes/test-stage.ts';
import { deviceHeaders } from '../http/api-request.ts';
import type { PersonApp } from '../http/person-app.ts';
import { type Company, startCompany } from '../http/two-companies.ts';
import type { WholeBridge } from '../http/whole-bridge.ts';
import { readStream, type StreamedEvent, type StreamReader } from '../live/streamed-events.ts';
import { toldChange } from '../live/told-change.ts';
import { type DeafPath, openDeafPath } from './deaf-path.ts';
import { type Replica, type ReplicaProcess, startReplica } from './replicas.ts';

// Sign-ins and enrolments take their time on a busy machine.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

/** Everybody looks within two seconds; machines that stall take longer. Milliseconds. */
const BOUND = 60_000;

let stage: Awaited<ReturnType<typeof setTestStage>>;
let company: Company;
let bridge: WholeBridge;
let path: DeafPath;
let deaf: ReplicaProcess;
let ada: PersonApp;
let host: PersonApp;

beforeAll(async () => {
  stage = await setTestStage();
  company = await startCompany(stage, 'acme', ['ada', 'bob', 'carol', 'dan', 'eve']);
  ({ bridge } = company);
  path = await openDeafPath(await portOfCache());
  stage.onClose(() => path.close());
  deaf = await startReplica(stage, bridge, await leadingOver(path));
  ada = await enrolled('ada', deaf);
  host = await enrolled('eve', { fetch: stage.fetch });
  path.deafen();
});
afterAll(() => stage?.close());

async function urlOfCache(): Promise<URL> {
  return new URL(await readFile(join(dirname(bridge.configPath), 'cache-url'), 'utf8'));
}

async function portOfCache(): Promise<number> {
  return Number((await urlOfCache()).port);
}

/** A configuration beside the bridge’s, with the cache behind this path. */
async function leadingOver({ port }: DeafPath): Promise<string> {
  const folder = dirname(bridge.configPath);
  const url = await urlOfCache();
  url.port = String(port);
  await writeFile(join(folder, 'deaf-cache-url'), url.href);
  const configPath = join(folder, 'deaf.yaml');
  await copyFile(bridge.configPath, configPath);
  await amendConfiguration(configPath, 'cache', { url: { file: './deaf-cache-url' } });
  return configPath;
}

async function enrolled(name: string, at: Replica): Promise<PersonApp> {
  const app = await company.signIn(name, at.fetch);
  await app.client.enrol({ label: 'Laptop' });
  return app;
}

async function listen(app: PersonApp, where: string, body: object): Promise<StreamReader> {
  const headers = await deviceHeaders(bridge, app, { method: 'POST', path: where });
  const response = await deaf.fetch(bridge.issuer + where, {
    ...{ method: 'POST', headers: { ...headers, 'content-type': 'application/json' } },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return readStream(response);
}

async function close(app: PersonApp): Promise<void> {
  const { sub } = await app.client.me();
  await bridge.administrator.post(`/admin/v1/persons/${sub}/close`, { reason: 'left' });
}

/** What comes by everybody’s own looks, or an error where it does not. */
async function inTime<T>(coming: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came within ${BOUND} ms`)), BOUND);
  });
  return Promise.race([coming, tooLate]).finally(() => clearTimeout(timer));
}

/** The first event of this name; what else is told before it is passed over. `null`: the end of the stream. */
async function told(stream: StreamReader, name: string | null): Promise<StreamedEvent | null> {
  for (;;) {
    const event = await stream.next();
    if (event === null || event.event === name) return event;
  }
}

describe('where no wake-up of the others arrives', () => {
  it('who watches is told of what happened elsewhere all the same', async () => {
    const carol = await enrolled('carol', { fetch: stage.fetch });
    const watching = await listen(ada, '/v1/watch', { addresses: ['carol@acme.example'] });
    expect((await watching.next())?.event).toBe('ready');
    const before = path.lost;
    await close(carol);
    expect(await inTime(toldChange(watching, 'revoked'))).toMatchObject({ address: 'carol@acme.example' });
    expect(path.lost).toBeGreaterThan(before);
  });

  it('a meeting’s messages arrive, and the stream of whom it was taken from ends', async () => {
    const dan = await enrolled('dan', deaf);
    const meeting = await host.client.meetings.start({
      ...{ label: 'Plans', mediaKey: 'media of the host', people: ['dan@acme.example'] },
      ends: Math.floor(Date.now() / 1000) + 3_600,
    });
    const { iss, group } = meeting;
    const stream = await listen(dan, '/v1/meetings/stream', { iss, group, since: 0 });
    await told(stream, 'rekey');
    await meeting.rekey();
    expect(await told(stream, 'rekey')).not.toBeNull();
    await close(dan);
    expect(await inTime(told(stream, null))).toBeNull();
  });

  it('both logs go on, whichever of them stages', async () => {
    const bob = await enrolled('bob', deaf);
    expect((await bob.client.me()).credential).not.toBeNull();
    expect(await host.client.lookUp(['bob@acme.example'], { maxAge: 0 })).toMatchObject([
      { status: 'verified' },
    ]);
  });
});
