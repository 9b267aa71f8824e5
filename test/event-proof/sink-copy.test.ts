import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';
import { closed } from '../events/events-fixture.ts';
import { SOON } from '../fakes/soon.ts';

let bridge: BridgeFixture;
let terminal: RecordedTerminal;
let folder: string;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'countersign-test-')));
  bridge = await bridgeFixture({ settings: { events: { file_folders: [folder] } } });
  terminal = await recordedTerminal(bridge.fetch);
  const { url } = await bridge.running.services.administrators.createLink();
  await run('admin', 'claim', url);
});

afterAll(async () => {
  await terminal.remove();
  await bridge.remove();
  await rm(folder, { recursive: true });
});

const run = (...args: string[]) => terminal.run(args);
const pathOf = (name: string) => join(folder, `${name}.ndjson`);

async function addSink(name: string, ...more: string[]): Promise<void> {
  const args = ['sink', 'add', 'file', '--name', name, '--set', `path=${pathOf(name)}`, '--from-beginning'];
  expect(await run(...args, ...more)).toMatchObject({ code: 0 });
}

/** Reports some events, signs, and waits until the sink has all of it. */
async function report(sink: string): Promise<void> {
  const { events, eventCheckpoints } = bridge.running.services;
  for (let index = 0; index < 5; index++) await events.record(closed(`p${index}`));
  await events.settled();
  await eventCheckpoints.checkpoint();
  await events.settled();
  const newest = (await bridge.events()).length;
  expect(newest).toBeGreaterThan(5);
  await vi.waitFor(async () => {
    const { out } = await run('sink', 'show', sink, '--json');
    expect(JSON.parse(out).health.behind).toBe(0);
  }, SOON);
}

async function verify(...args: string[]) {
  const { code, out, said } = await run('events', 'verify', ...args, '--json');
  return { code, said, report: out === '' ? {} : JSON.parse(out) };
}

describe('the copy of a sink', () => {
  it('is proven by its name, test events beside it', async () => {
    await addSink('disk');
    expect((await run('sink', 'test', 'disk')).code).toBe(0);
    await report('disk');
    const { code, said, report: found } = await verify('--sink', 'disk');
    expect(code).toBe(0);
    expect(said).toContain('disk: read by the bridge, which says that it has everything up to event');
    expect(said).toContain('which the bridge shows');
    expect(found).toMatchObject({ range: { from: 1 }, altered: [], missing: [], unreadable: [], tests: 1 });
    expect(found.proven).toBe(found.covered);
  });

  it('shows what was altered and what was taken out where it lies', async () => {
    const lines = (await readFile(pathOf('disk'), 'utf8')).split('\n');
    const altered = lines.map((line) => line.replace('"sub":"p3"', '"sub":"p9"'));
    await writeFile(pathOf('disk'), altered.filter((line) => !line.includes('"sub":"p1"')).join('\n'));
    const { code, report: found } = await verify('--sink', 'disk');
    expect(code).toBe(3);
    expect(found).toMatchObject({ outcome: 'refuted', altered: [{}], missing: [{}] });
    await writeFile(pathOf('disk'), lines.join('\n'));
  });

  it('lacks its end where that was cut off, as the bridge delivered more', async () => {
    const text = await readFile(pathOf('disk'), 'utf8');
    const lines = text.trimEnd().split('\n');
    await writeFile(pathOf('disk'), `${lines.slice(0, -2).join('\n')}\n`);
    const { code, report: found } = await verify('--sink', 'disk');
    expect(code).toBe(3);
    expect(found.missing).toHaveLength(1);
    await writeFile(pathOf('disk'), text);
  });

  it('that was emptied is an alarm, and no question asked wrongly', async () => {
    const text = await readFile(pathOf('disk'), 'utf8');
    await writeFile(pathOf('disk'), '');
    const { code, said } = await run('events', 'verify', '--sink', 'disk');
    await writeFile(pathOf('disk'), text);
    expect({ code, said }).toEqual({
      code: 3,
      said: expect.stringContaining('there is no event in this copy'),
    });
  });

  it('says that it begins late where its front was deleted, and lacks that where it is asked for', async () => {
    await addSink('front');
    await report('front');
    const text = await readFile(pathOf('front'), 'utf8');
    await writeFile(pathOf('front'), text.split('\n').slice(3).join('\n'));
    const { code, report: found } = await verify('--sink', 'front');
    const first = found.range.from;
    expect(first).toBeGreaterThan(1);
    expect({ code, outcome: found.outcome, late: found.begins_late }).toEqual({
      ...{ code: 0, outcome: 'partly', late: { at: first, sink_began: 1 } },
    });
    const strict = await verify('--sink', 'front', '--from', '1');
    await writeFile(pathOf('front'), text);
    expect(strict).toMatchObject({ code: 3, report: { missing: [{ from: 1, to: first - 1 }] } });
  });

  it.each(['ocsf', 'ecs', 'cef'])('in %s is proven by the originals that it carries', async (format) => {
    await addSink(format, '--format', format, '--original');
    await report(format);
    const { code, report: found } = await verify('--sink', format);
    expect({ code, beside: found.beside, unreadable: found.unreadable }).toEqual({
      ...{ code: 0, beside: [], unreadable: [] },
    });
    expect(found.proven).toBe(found.covered);
    const file = pathOf(format);
    const foreign = (await readFile(file, 'utf8')).replace(/success/i, 'failure');
    await writeFile(file, foreign);
    const again = await verify('--sink', format);
    expect(again).toMatchObject({ code: 3, report: { outcome: 'unproven', beside: [1], altered: [] } });
    expect(again.said).toContain('NOT PROVEN: the originals are as they were signed');
    expect((await verify('--sink', format, '--originals')).code).toBe(0);
    await writeFile(file, foreign.replace(/p3(?=\\*")/g, 'p9'));
    expect(await verify('--sink', format, '--originals')).toMatchObject({
      ...{
        code: 3,
        report: { outcome: 'refuted', altered: expect.arrayContaining([expect.objectContaining({})]) },
      },
    });
  });

  it('in a format that holds a part of each event cannot be proven without them', async () => {
    await addSink('bare', '--format', 'ocsf');
    await report('bare');
    expect(await verify('--sink', 'bare')).toMatchObject({
      code: 2,
      said: expect.stringContaining('no event'),
    });
  });

  it('of a sink with a filter or a redaction is judged as such', async () => {
    await addSink('some', '--type', 'person.*', '--type', 'log.*', '--redaction', 'drop');
    await report('some');
    const { code, said, report: found } = await verify('--sink', 'some');
    expect(code).toBe(0);
    expect(said).toContain('some: does not get all events');
    expect(said).toContain('some: personal data is taken out');
    expect(found).toMatchObject({ outcome: 'partly', altered: [] });
    expect(found.redacted).toBeGreaterThan(4);
  });

  it('that the bridge cannot read is exported by the receiver, as the answer says', async () => {
    const { code, said } = await run('events', 'verify', '--sink', 'stdout');
    expect(code).toBe(2);
    expect(said).toMatch(/cannot read what it sent\. Fetch the container’s output .*verify FILE --bridge/);
  });

  it('is asked for by files or by a sink, not by both nor by neither', async () => {
    expect((await run('events', 'verify', '--sink', 'disk', pathOf('disk'))).code).toBe(2);
    expect((await run('events', 'verify')).code).toBe(2);
  });

  it('shows an auditor nothing that is no event', async () => {
    const text = await readFile(pathOf('front'), 'utf8');
    await writeFile(pathOf('front'), `${text}{"password":"hunter2"}\n`);
    const made = await run('admin', 'token', 'create', 'auditor', '--role', 'auditor', '--json');
    const answer = await bridge.ask(
      'GET',
      '/admin/v1/sinks/front/copy',
      undefined,
      JSON.parse(made.out).token,
    );
    expect(answer.status).toBe(200);
    expect(JSON.stringify(answer.body)).toContain('(what stands here is no event)');
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
    expect(await verify('--sink', 'front')).toMatchObject({
      code: 3,
      report: { unreadable: [expect.any(Number)] },
    });
    await writeFile(pathOf('front'), text);
  });

  it('is for who may read events, and sinks', async () => {
    const { status } = await bridge.ask('GET', '/admin/v1/sinks/disk/copy');
    expect(status).toBe(401);
    const { out } = await run('admin', 'token', 'create', 'collector', '--role', 'siem', '--json');
    const token = JSON.parse(out).token;
    const answer = await bridge.ask('GET', '/admin/v1/sinks/disk/copy', undefined, token);
    expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });
});
