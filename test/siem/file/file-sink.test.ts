import { execFileSync } from 'node:child_process';
import {
  appendFile,
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FILE } from '../../../connectors/siem/file.ts';
import { deliverAll } from '../../contract/reference-driver.ts';
import { HOSTILE_TEXTS, makeEvents } from '../../contract/sink-events.ts';
import { type FileFolder, makeFileFolder, seqsOf } from './file-fixture.ts';

const { signal } = new AbortController();
const KIB = 1024;
const MIB = 1024 * KIB;
const HOUR_MS = 3_600_000;
const MIDNIGHT = Date.UTC(2026, 10, 23);

let made: FileFolder;

beforeEach(async () => {
  made = await makeFileFolder();
});
afterEach(() => made.remove());

describe('a file sink', () => {
  it('appends a line for each event, settled when it answers, for nobody but its owner and group', async () => {
    const events = makeEvents(3, 5);
    expect(await made.open().deliver(events, signal)).toEqual({ sent: 7, settled: 7, refused: [] });
    expect(await readFile(made.path, 'utf8')).toBe(
      events.map((event) => `${JSON.stringify(event)}\n`).join(''),
    );
    expect((await stat(made.path)).mode & 0o7777).toBe(0o640);
  });

  it.each(['plain', 'ocsf', 'ecs', 'cef', 'cloudevents'] as const)(
    'makes one line of any event as %s',
    async (format) => {
      const sink = made.open({}, { format });
      await deliverAll(
        sink,
        HOSTILE_TEXTS.flatMap((text, index) => makeEvents(1, index + 1, text)),
      );
      expect(await made.lines()).toHaveLength(HOSTILE_TEXTS.length);
    },
  );

  it('goes on behind what is there', async () => {
    await made.open().deliver(makeEvents(2, 1), signal);
    await made.open().deliver(makeEvents(2, 3), signal);
    expect(seqsOf(await made.lines())).toEqual([1, 2, 3, 4]);
  });

  it('cuts off what a crash left of a line, however long', async () => {
    for (const half of ['{"v":1,"seq":3', `{"v":1,"text":"${'x'.repeat(200 * KIB)}`, '{']) {
      const sink = made.open();
      const before = seqsOf(await made.lines().catch(() => []));
      const next = (before.at(-1) ?? 0) + 1;
      await sink.deliver(makeEvents(1, next), signal);
      await sink.close();
      await appendFile(made.path, half);
      await made.open().deliver(makeEvents(1, next + 1), signal);
      expect(seqsOf(await made.lines())).toEqual([...before, next, next + 1]);
    }
  });

  it('begins anew where nothing but half a line was left', async () => {
    await writeFile(made.path, '{"v":1,"se');
    await made.open().deliver(makeEvents(1, 1), signal);
    expect(seqsOf(await made.lines())).toEqual([1]);
  });

  it('writes into a new file where the old one was moved or removed', async () => {
    const sink = made.open();
    await sink.deliver(makeEvents(1, 1), signal);
    await rename(made.path, join(made.folder, 'moved'));
    await sink.deliver(makeEvents(1, 2), signal);
    expect(seqsOf((await readFile(made.path, 'utf8')).trim().split('\n'))).toEqual([2]);
    await unlink(made.path);
    await sink.deliver(makeEvents(1, 3), signal);
    expect(seqsOf((await readFile(made.path, 'utf8')).trim().split('\n'))).toEqual([3]);
  });

  it('lets two sinks of one path write in turn', async () => {
    const sinks = [made.open({ rotate_bytes: MIB }), made.open({ rotate_bytes: MIB })];
    await Promise.all(
      sinks.map((sink, index) => deliverAll(sink, makeEvents(2_000, index * 10_000 + 1, 'x'.repeat(200)))),
    );
    const seqs = seqsOf(await made.lines());
    expect(seqs).toHaveLength(4_000);
    expect(new Set(seqs).size).toBe(4_000);
    expect((await made.names()).length).toBeGreaterThan(1);
  });
});

describe('the rotation of a file sink', () => {
  it('puts files aside before they are too large, in order, and keeps as many as it shall', async () => {
    const sink = made.open({ rotate_bytes: MIB, keep: 2 });
    await deliverAll(sink, makeEvents(600, 1, 'x'.repeat(10 * KIB)));
    const names = await made.names();
    expect(names).toHaveLength(3);
    for (const name of names) expect((await stat(join(made.folder, name))).size).toBeLessThanOrEqual(MIB);
    const seqs = seqsOf(await made.lines());
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, index) => 601 - seqs.length + index));
  });

  it('puts a file aside when its hours of UTC are over', async () => {
    let now = MIDNIGHT - 1;
    const sink = made.open({}, { now: () => now });
    await sink.deliver(makeEvents(1, 1), signal);
    await sink.deliver(makeEvents(1, 2), signal);
    expect(await made.names()).toEqual(['events.ndjson']);
    now = MIDNIGHT;
    await sink.deliver(makeEvents(1, 3), signal);
    now += 23 * HOUR_MS;
    await sink.deliver(makeEvents(1, 4), signal);
    expect(await made.names()).toEqual(['events.ndjson', 'events.ndjson.20261123T000000000Z']);
    expect(seqsOf(await made.lines())).toEqual([1, 2, 3, 4]);
  });

  it('knows after a restart that its hours are over', async () => {
    const sink = made.open();
    await sink.deliver(makeEvents(1, 1), signal);
    await sink.close();
    const tomorrow = Date.now() + 25 * HOUR_MS;
    await made.open({}, { now: () => tomorrow }).deliver(makeEvents(1, 2), signal);
    expect(await made.names()).toHaveLength(2);
  });

  it('replaces no file where the clock stands still or goes back', async () => {
    const sink = made.open({ rotate_bytes: MIB }, { now: () => MIDNIGHT });
    await deliverAll(sink, makeEvents(400, 1, 'x'.repeat(10 * KIB)));
    expect((await made.names()).length).toBeGreaterThan(3);
    expect(seqsOf(await made.lines())).toHaveLength(400);
  });
});

describe('a file sink does not touch', () => {
  it('a file that holds something else', async () => {
    for (const content of [
      'SQLite format 3\0and pages',
      '# settings\nroot: true\n',
      'CEF:0|a|b|c|d|e|5|\n',
    ]) {
      await writeFile(made.path, content);
      await expect(made.open().deliver(makeEvents(1), signal)).rejects.toMatchObject({
        code: 'sink_misconfigured',
      });
      expect(await readFile(made.path, 'utf8')).toBe(content);
    }
  });

  it('what a symbolic link leads to', async () => {
    const target = join(made.folder, 'target');
    await writeFile(target, '');
    await symlink(target, made.path);
    await expect(made.open().deliver(makeEvents(1), signal)).rejects.toMatchObject({
      code: 'sink_misconfigured',
    });
    expect(await readFile(target, 'utf8')).toBe('');
  });

  it('what is no ordinary file', async () => {
    await mkdir(made.path);
    await expect(made.open().deliver(makeEvents(1), signal)).rejects.toMatchObject({
      code: 'sink_misconfigured',
    });
    const fifo = join(made.folder, 'pipe.log');
    execFileSync('mkfifo', [fifo]);
    await expect(made.open({ path: fifo }).deliver(makeEvents(1), signal)).rejects.toMatchObject({
      code: 'sink_misconfigured',
    });
  });

  it.each([
    ['with a path that is not whole', 'events.ndjson'],
    ['with a way up in it', '/var/log/../lib/events.ndjson'],
    ['of another name', '/etc/passwd'],
    ['that may be somebody’s settings', '/srv/app/package.json'],
    ['of no name', '/var/log/'],
    ['with a null character', '/var/log/a\0.log'],
  ])('a file %s', (_, path) => {
    expect(FILE.settings.safeParse({ path }).success).toBe(false);
  });
});

const outsideOf = { code: 'config_invalid', detail: expect.stringContaining('events.file_folders') };

describe('the folders that file sinks may write below', () => {
  it('are none unless the configuration names some', () => {
    expect(() => made.open({}, { folders: [] })).toThrow(expect.objectContaining(outsideOf));
  });

  it('are not those whose names begin alike, nor those above', async () => {
    for (const folders of [[`${made.folder}-2`], [made.folder.slice(0, -1)], [join(made.folder, 'below')]]) {
      expect(() => made.open({}, { folders })).toThrow(expect.objectContaining(outsideOf));
    }
  });

  it('have theirs below them, and may be there under another name or only later', async () => {
    const below = join(made.folder, 'a', 'b');
    const sink = made.open({ path: join(below, 'events.ndjson') });
    await expect(sink.deliver(makeEvents(1), signal)).rejects.toMatchObject({ code: 'sink_unavailable' });
    await mkdir(below, { recursive: true });
    await sink.deliver(makeEvents(1), signal);
    const link = join(made.folder, 'link');
    await symlink(below, link);
    for (const [path, folder] of [
      [join(link, 'events.ndjson'), below],
      [join(below, 'events.ndjson'), link],
      [join(below, 'events.ndjson'), '/'],
    ] as const) {
      await made.open({ path }, { folders: [folder] }).deliver(makeEvents(1), signal);
    }
    expect((await readFile(join(below, 'events.ndjson'), 'utf8')).split('\n')).toHaveLength(5);
  });

  it('are not left by a symbolic link in one', async () => {
    const [within, without] = [join(made.folder, 'within'), join(made.folder, 'without')];
    for (const folder of [within, without]) await mkdir(folder);
    await symlink(without, join(within, 'out'));
    const path = join(within, 'out', 'events.ndjson');
    expect(() => made.open({ path }, { folders: [within] })).toThrow(expect.objectContaining(outsideOf));
  });

  it('are not left by one that is put there while the sink is open', async () => {
    const [within, without] = [join(made.folder, 'within'), join(made.folder, 'without')];
    for (const folder of [join(within, 'logs'), without]) await mkdir(folder, { recursive: true });
    const sink = made.open({ path: join(within, 'logs', 'events.ndjson') }, { folders: [within] });
    await sink.deliver(makeEvents(1), signal);
    await rename(join(within, 'logs'), join(within, 'before'));
    await symlink(without, join(within, 'logs'));
    await expect(sink.deliver(makeEvents(1, 2), signal)).rejects.toMatchObject({
      code: 'sink_misconfigured',
      detail: expect.stringContaining('events.file_folders'),
    });
    expect(await readdir(without)).toEqual([]);
  });
});

/** A file system of 1 MiB can be mounted by root alone. */
const asRoot = process.getuid?.() === 0;

describe.skipIf(!asRoot)('a file sink on a full disk', () => {
  const mounted: string[] = [];

  afterEach(() => {
    for (const folder of mounted.splice(0)) execFileSync('umount', ['--lazy', folder]);
  });

  it('says so, leaves no half line, and goes on when there is room', async () => {
    const disk = join(made.folder, 'disk');
    await mkdir(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
    mounted.push(disk);
    const path = join(disk, 'events.ndjson');
    const filler = join(disk, 'filler');
    await writeFile(filler, Buffer.alloc(900 * KIB));
    const sink = made.open({ path });
    const events = makeEvents(200, 2, 'x'.repeat(KIB));
    await sink.deliver(makeEvents(1, 1), signal);
    await expect(sink.deliver(events, signal)).rejects.toMatchObject({
      code: 'sink_unavailable',
      detail: expect.stringContaining('full'),
    });
    expect(seqsOf((await readFile(path, 'utf8')).split('\n').slice(0, -1))).toEqual([1]);
    await unlink(filler);
    await deliverAll(sink, events);
    await sink.close();
    expect(seqsOf((await readFile(path, 'utf8')).split('\n').slice(0, -1))).toHaveLength(201);
  });

  it('says what only somebody at the machine can mend', async () => {
    await chmod(made.folder, 0o755);
    const disk = join(made.folder, 'disk');
    await mkdir(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,ro', 'tmpfs', disk]);
    mounted.push(disk);
    const sink = made.open({ path: join(disk, 'events.ndjson') });
    await expect(sink.deliver(makeEvents(1), signal)).rejects.toMatchObject({
      code: 'sink_misconfigured',
      detail: expect.stringContaining('EROFS'),
    });
  });
});
