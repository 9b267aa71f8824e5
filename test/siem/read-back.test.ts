import { appendFileSync } from 'node:fs';
import { appendFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mergeSettings } from '../../bridge/events/sinks/sink-settings.ts';
import type { CopyReader } from '../../connectors/siem/copy-reader.ts';
import { ELASTIC } from '../../connectors/siem/elastic.ts';
import { FILE } from '../../connectors/siem/file.ts';
import { SINK_KINDS } from '../../connectors/siem/kinds.ts';
import { S3 } from '../../connectors/siem/s3.ts';
import type { SinkDeps, SinkEvent, SinkKind } from '../../connectors/siem/sink.ts';
import { httpSinkDeps } from '../contract/http-sink-fixture.ts';
import { makeEvents } from '../contract/sink-events.ts';
import { type BulkStore, openBulkStore } from '../fakes/receivers/bulk-store.ts';
import { type ObjectStore, openObjectStore } from '../fakes/receivers/object-store.ts';
import { openReceiverNetwork, type ReceiverNetwork } from '../fakes/receivers/receiver-network.ts';
import { type FileFolder, makeFileFolder, seqsOf } from './file/file-fixture.ts';
import { syslogDeps } from './syslog/syslog-fixture.ts';

const { signal } = new AbortController();

let network: ReceiverNetwork;

beforeAll(async () => {
  network = await openReceiverNetwork();
});
afterAll(() => network.close());

function readerOf({ copy }: SinkKind, settings: object, deps: SinkDeps): CopyReader {
  if (typeof copy === 'string') throw new Error(copy);
  return copy(settings, deps);
}

/** All lines, and of how many parts. */
async function readAll(reader: CopyReader) {
  const lines: string[] = [];
  let parts = 0;
  for (let after: string | null | undefined; after !== null; parts++) {
    const part = await reader.part(after, signal);
    lines.push(...part.lines);
    after = part.next;
  }
  return { lines, parts };
}

async function deliver(kind: SinkKind, settings: object, deps: SinkDeps, events: readonly SinkEvent[]) {
  const sink = kind.open(settings, deps);
  await sink.deliver(events, signal);
  await sink.close();
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

describe('every kind of sink', () => {
  it.each(SINK_KINDS)('$kind is read back, or says how its copy is exported', ({ copy }) => {
    if (typeof copy === 'string') expect(copy).toMatch(/^[A-Z].{30,}\.$/);
    else expect(copy).toBeInstanceOf(Function);
  });
});

describe('the copy of a file sink', () => {
  let at: FileFolder;
  let reader: CopyReader;

  beforeAll(async () => {
    at = await makeFileFolder();
    reader = readerOf(FILE, { path: at.path }, { ...syslogDeps(), fileFolders: [at.folder] });
  });
  afterAll(() => at.remove());

  it('is what was put aside, the oldest first, and then what is written to', async () => {
    expect(await readAll(reader)).toEqual({ lines: [], parts: 1 });
    for (const [day, from] of [1, 11, 21].entries()) {
      const sink = at.open({ rotate_hours: 24 }, { now: () => Date.now() + day * 86_400_000 });
      await sink.deliver(makeEvents(10, from), signal);
      await sink.close();
    }
    expect(await at.names()).toHaveLength(3);
    expect(seqsOf((await readAll(reader)).lines)).toEqual(range(1, 30));
  });

  it('goes on in the file that was put aside meanwhile', async () => {
    const first = await reader.part(undefined, signal);
    expect(seqsOf(first.lines)).toEqual(range(1, 10));
    await rename(at.path, `${at.path}.20401122T235959999Z`);
    await writeFile(at.path, `${JSON.stringify({ seq: 31 })}\n`);
    const rest: string[] = [];
    for (let after = first.next; after !== null; ) {
      const part = await reader.part(after, signal);
      rest.push(...part.lines);
      after = part.next;
    }
    // what came after the reading began is not part of it
    expect(seqsOf(rest)).toEqual(range(11, 30));
  });

  it('leaves out a line that is being written, and holds one that was left so', async () => {
    await appendFile(at.path, '{"seq":32');
    const writing = setInterval(() => appendFileSync(at.path, '1'), 5);
    const lines = await readAll(reader).finally(() => clearInterval(writing));
    expect(lines.lines.at(-1)).toBe('{"seq":31}');
    const left = (await readFile(at.path, 'utf8')).split('\n').at(-1);
    expect((await readAll(reader)).lines.at(-1)).toBe(left);
    await rename(at.path, `${at.path}.20401123T235959999Z`);
    expect((await readAll(reader)).lines.at(-1)).toBe(left);
  });

  it('ends where the file ended when the reading began, however it grows', async () => {
    await writeFile(at.path, '{"seq":33}\n');
    let parts = 0;
    for (let after: string | null | undefined; after !== null; parts++) {
      const part = await reader.part(after, signal);
      await appendFile(at.path, `{"seq":34,"data":"${'x'.repeat(1_000)}"}\n`);
      after = part.next;
    }
    expect(parts).toBeLessThan(8);
  });

  it('is no way to read files and lines that are no events', async () => {
    const other = await makeFileFolder();
    const secrets = join(other.folder, 'secrets.log');
    const reading = readerOf(FILE, { path: secrets }, { ...syslogDeps(), fileFolders: [other.folder] });
    await writeFile(secrets, 'root:hash\n{"seq":1}\n');
    expect((await readAll(reading)).lines).toEqual(['(a file that does not begin as events do)']);
    await writeFile(secrets, '{"seq":1}\nroot:hash\n');
    const { lines } = await readAll(reading);
    await other.remove();
    expect(lines).toEqual(['{"seq":1}', '(a line that is no event)']);
  });

  it('does not go on in a file that has only the number of the one before', async () => {
    const { next } = await reader.part(undefined, signal);
    const reused = (next ?? '').replace(/\.\d+/, '.1');
    await expect(reader.part(reused, signal)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('is begun anew where the file is not kept any more, and nowhere else', async () => {
    const { next } = await reader.part(undefined, signal);
    const [oldest = ''] = (await at.names()).filter((name) => name !== 'events.ndjson');
    await rm(join(at.folder, oldest));
    await expect(reader.part(next ?? '', signal)).rejects.toMatchObject({ code: 'conflict' });
    await expect(reader.part('../etc/passwd', signal)).rejects.toMatchObject({ code: 'malformed_request' });
    const outside = readerOf(FILE, { path: at.path }, { ...syslogDeps(), fileFolders: ['/nowhere'] });
    await expect(outside.part(undefined, signal)).rejects.toMatchObject({ code: 'sink_misconfigured' });
  });
});

describe('the copy in an object store', () => {
  const STORE = {
    bucket: 'acme-events',
    region: 'eu-central-1',
    accessKeyId: 'AKIA',
    secretAccessKey: 'secret!',
  };
  let store: ObjectStore;
  let settings: object;
  let deps: SinkDeps;

  beforeAll(async () => {
    store = await openObjectStore(network, STORE);
    deps = httpSinkDeps(network, 'plain');
    const { bucket, region, accessKeyId: access_key_id, secretAccessKey: secret_access_key } = STORE;
    settings = {
      ...{ bucket, region, access_key_id, secret_access_key, endpoint: store.url },
      ...{ path_style: true, interval_seconds: 0 },
    };
    for (const from of [11, 1, 21, 31]) await deliver(S3, settings, deps, makeEvents(10, from));
    await deliver(S3, settings, { ...deps, sink: 'snk_other' }, makeEvents(5, 1));
  });
  afterAll(async () => {
    expect(store.breaches).toEqual([]);
    await store.close();
  });

  it('is its own objects in the order of their events', async () => {
    const { lines } = await readAll(readerOf(S3, settings, deps));
    expect(seqsOf(lines)).toEqual(range(1, 40));
  });

  it('is read in several parts where there are many objects', async () => {
    for (const from of range(5, 29)) await deliver(S3, settings, deps, makeEvents(1, from * 10 + 1));
    const { lines, parts } = await readAll(readerOf(S3, settings, deps));
    expect(lines).toHaveLength(65);
    expect(parts).toBe(2);
  });

  it('holds a line that is no event where an object is damaged', async () => {
    const [key = ''] = store.objects.keys();
    store.damage(key, Buffer.from('not gzip'));
    const { lines } = await readAll(readerOf(S3, settings, deps));
    expect(lines.filter((line) => !line.startsWith('{'))).toEqual(['(an object that cannot be unpacked)']);
  });

  it('holds a line that is no event for an object that is not of the sink, and goes on behind it', async () => {
    const [key = ''] = store.objects.keys();
    const foreign = `${key.slice(0, key.indexOf('snk_'))}${deps.sink}/0 & forged`;
    store.damage(foreign.replace('&', '&amp;'), Buffer.from('x'));
    const { lines } = await readAll(readerOf(S3, settings, deps));
    expect(lines).toContain('(an object that is not of this sink)');
    expect(lines).toHaveLength(57);
  });

  it('holds a line that is no event for an object of millions of lines', async () => {
    const [key = ''] = store.objects.keys();
    store.damage(key, gzipSync(Buffer.alloc(2_000_000, '\n')));
    const { lines } = await readAll(readerOf(S3, settings, deps));
    expect(lines).toContain('(an object of more lines than a sink writes)');
  });

  it.each([
    ['ListBucket', 's3:ListBucket on the bucket'],
    ['GetObject', 's3:GetObject below the prefix'],
  ] as const)('says that it takes the permission %s', async (permission, words) => {
    store.allowed.delete(permission);
    const fault = await readAll(readerOf(S3, settings, deps)).catch((error: unknown) => error);
    store.allowed.add(permission);
    expect(fault).toMatchObject({ code: 'sink_misconfigured', detail: expect.stringContaining(words) });
    expect(String(fault)).not.toContain('secret!');
  });

  it('of another sink is not reached', async () => {
    const reader = readerOf(S3, settings, deps);
    const foreign = [...store.objects.keys()].find((key) => key.includes('snk_other')) ?? '';
    await expect(reader.part(foreign, signal)).rejects.toMatchObject({ code: 'malformed_request' });
  });
});

describe('the copy in Elasticsearch', () => {
  let store: BulkStore;
  const settings = () => ({ url: store.url, api_key: 'key', data_stream: 'events' });

  beforeAll(async () => {
    store = await openBulkStore(network, { authorization: 'ApiKey key', stream: 'events' });
  });
  afterAll(async () => {
    expect(store.breaches).toEqual([]);
    await store.close();
  });

  it('is none where there are no documents', async () => {
    expect(await readAll(readerOf(ELASTIC, settings(), httpSinkDeps(network, 'plain')))).toEqual({
      ...{ lines: [], parts: 1 },
    });
  });

  it('is its documents by seq, as they were sent', async () => {
    const deps = httpSinkDeps(network, 'plain');
    const events = makeEvents(250);
    await deliver(ELASTIC, settings(), deps, events);
    const { lines, parts } = await readAll(readerOf(ELASTIC, settings(), deps));
    expect(parts).toBe(3);
    const once = new Map(lines.map((line) => [JSON.parse(line).seq, line]));
    expect([...once.values()]).toEqual(events.map((event) => deps.formatter.format(event)));
  });

  it('holds documents that have no seq, or none that can be: whoever searches sees them', async () => {
    store.plant('forged', { message: 'nothing happened' });
    store.plant('negative', { seq: -1 });
    const { lines } = await readAll(readerOf(ELASTIC, settings(), httpSinkDeps(network, 'plain')));
    expect(lines).toEqual(expect.arrayContaining(['{"message":"nothing happened"}', '{"seq":-1}']));
  });

  it.each([{ timed_out: true }, { failed: 1 }])('is not taken for all of it after %j', async (partly) => {
    store.answerPartly(partly);
    const reading = readAll(readerOf(ELASTIC, settings(), httpSinkDeps(network, 'plain')));
    await expect(reading).rejects.toMatchObject({ code: 'sink_unavailable' });
    store.answerPartly({});
  });

  it('holds what is acknowledged and not searchable yet, where refreshing is forbidden too', async () => {
    const deps = httpSinkDeps(network, 'plain');
    store.forbidRefresh(3);
    await deliver(ELASTIC, settings(), deps, makeEvents(1, 251));
    const { lines } = await readAll(readerOf(ELASTIC, settings(), deps));
    expect(lines.map((line) => JSON.parse(line).seq)).toContain(251);
  });

  it('of another index is not read with the key that was given for this one', () => {
    const elsewhere = () => mergeSettings(ELASTIC, settings(), { data_stream: 'payroll' });
    expect(elsewhere).toThrow(expect.objectContaining({ code: 'malformed_request' }));
  });

  it('says that it takes the privilege to read', async () => {
    store.forbidReading();
    const reader = readerOf(ELASTIC, settings(), httpSinkDeps(network, 'plain'));
    await expect(reader.part(undefined, signal)).rejects.toMatchObject({
      ...{ code: 'sink_misconfigured', detail: expect.stringContaining('privilege `read`') },
    });
  });
});
