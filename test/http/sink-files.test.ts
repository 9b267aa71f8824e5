import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { SOON } from '../fakes/soon.ts';

const PATH = '/admin/v1/sinks';
let machine: string;
let allowed: string;
let outside: string;
let bridge: BridgeFixture;
let token: string;

beforeAll(async () => {
  machine = await realpath(await mkdtemp(join(tmpdir(), 'countersign-sink-files-')));
  [allowed, outside] = [join(machine, 'events'), join(machine, 'events-of-others')];
  for (const folder of [allowed, outside]) await mkdir(folder);
  await symlink(outside, join(allowed, 'out'));
  bridge = await bridgeFixture({ settings: { events: { stdout: false, file_folders: [allowed] } } });
  token = await bridge.administrator();
});
afterEach(() => ask('DELETE', `${PATH}/disk`));
afterAll(async () => {
  await bridge.remove();
  await rm(machine, { recursive: true });
});

const ask = (method: string, path: string, body?: unknown) => bridge.ask(method, path, body, token);
const add = (path: string) => ask('POST', PATH, { name: 'disk', kind: 'file', settings: { path } });

const refusal = {
  status: 400,
  body: {
    code: 'malformed_request',
    detail: expect.stringContaining('Name its folder in events.file_folders of the configuration'),
  },
};

describe('an administrator who adds a sink that writes a file', () => {
  it('has events written below a folder that the configuration names', async () => {
    const path = join(allowed, 'events.ndjson');
    expect((await add(path)).status).toBe(201);
    await vi.waitFor(async () => expect(await readFile(path, 'utf8')).toContain('sink.created'), SOON);
  });

  it.each([
    ['anywhere else', () => join(outside, 'events.ndjson')],
    ['above it', () => join(machine, 'events.log')],
    ['where a symbolic link in it leads', () => join(allowed, 'out', 'events.ndjson')],
    ['in a folder that there is not', () => join(machine, 'nowhere', 'events.ndjson')],
  ])('is refused one %s, at once', async (_where, path) => {
    expect(await add(path())).toMatchObject(refusal);
    expect((await ask('GET', PATH)).body).toEqual({ sinks: [] });
    expect(await readdir(outside)).toEqual([]);
  });

  it('cannot lead it elsewhere afterwards', async () => {
    const path = join(allowed, 'moving.ndjson');
    await add(path);
    const moved = { settings: { path: join(outside, 'events.ndjson') } };
    expect(await ask('PATCH', `${PATH}/disk`, moved)).toMatchObject(refusal);
    expect((await ask('GET', `${PATH}/disk`)).body.settings).toMatchObject({ path });
  });
});
