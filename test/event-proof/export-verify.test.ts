import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';
import { closed } from '../events/events-fixture.ts';

let bridge: BridgeFixture;
let administrator: RecordedTerminal;
/** Has no token, and reaches nobody. */
let auditor: RecordedTerminal;
let root: string;
let exported: string;

beforeAll(async () => {
  bridge = await bridgeFixture();
  administrator = await recordedTerminal(bridge.fetch);
  auditor = await recordedTerminal(() => Promise.reject(new TypeError('no network')));
  const { url } = await bridge.running.services.administrators.createLink();
  await administrator.run(['admin', 'claim', url]);
  await report(20);
  await sign();
  await report(5);
  const entity = await bridge.fetch(`${bridge.issuer}/v1/events/checkpoint`);
  expect(entity.status).toBe(401);
  exported = join(auditor.home, 'events.ndjson');
  const { code, said } = await administrator.run(['events', 'export', exported]);
  expect(said).toContain('countersign events verify');
  expect(code).toBe(0);
  root = JSON.parse((await auditor.run(['events', 'verify', exported, '--json'])).out).root;
});

afterAll(async () => {
  await administrator.remove();
  await auditor.remove();
  await bridge.remove();
});

async function report(count: number): Promise<void> {
  const { events } = bridge.running.services;
  for (let index = 0; index < count; index++) await events.record(closed(`p${index}`));
  await events.settled();
}

async function sign(): Promise<void> {
  const { events, eventCheckpoints } = bridge.running.services;
  expect(await eventCheckpoints.checkpoint()).toBe(true);
  await events.settled();
}

async function fileOf(name: string, lines: readonly string[]): Promise<string> {
  const path = join(auditor.home, name);
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

const lines = async (path: string) => (await readFile(path, 'utf8')).trimEnd().split('\n');

describe('an auditor without access to the bridge', () => {
  it('proves an export under the root that the organization told them', async () => {
    const { code, out, said } = await auditor.run(['events', 'verify', exported, '--root', root]);
    expect({ code, said }).toEqual({ code: 0, said: '' });
    expect(out).toContain('PROVEN: every event');
  });

  it('is told to compare the root that nobody told them', async () => {
    const { code, said } = await auditor.run(['events', 'verify', exported]);
    expect(code).toBe(0);
    expect(said).toContain(`trusting the root key ${root}`);
  });

  it('proves nothing under another root', async () => {
    const other = `${root.startsWith('A') ? 'B' : 'A'}${root.slice(1)}`;
    const { code, said } = await auditor.run(['events', 'verify', exported, '--root', other]);
    expect(code).toBe(1);
    expect(said).toContain('root_mismatch');
  });

  it('is told which event was altered, with exit code 3', async () => {
    const forged = (await lines(exported)).map((line) => line.replace('"sub":"p7"', '"sub":"p8"'));
    const { code, said } = await auditor.run(['events', 'verify', await fileOf('forged', forged)]);
    expect(code).toBe(3);
    expect(said).toContain('NOT AS IT WAS SIGNED');
    expect(said).toMatch(/altered: +\d+\n/);
  });

  it('is told what was left out, and what is cut off in the middle of a line', async () => {
    const all = await lines(exported);
    const cut = all.filter((_line, index) => index !== 5).map((line) => line);
    const path = await fileOf('cut', [...cut, '{"v":1,"seq":']);
    const { code, out } = await auditor.run(['events', 'verify', path, '--root', root, '--json']);
    expect(code).toBe(3);
    expect(JSON.parse(out)).toMatchObject({
      ...{ outcome: 'refuted', missing: [{ from: 5, to: 5 }] },
      unreadable: [all.length],
    });
  });

  it('reads several files, packed ones too', async () => {
    const all = await lines(exported);
    const first = await fileOf('first.ndjson', all.slice(0, 10));
    const packed = join(auditor.home, 'second.ndjson.gz');
    await writeFile(packed, gzipSync(`${all.slice(10).join('\n')}\n`));
    expect((await auditor.run(['events', 'verify', first, packed, '--root', root])).code).toBe(0);
  });

  it('proves what a file sink wrote by the checkpoints in it, with the keys from elsewhere', async () => {
    const answer = await bridge.ask(
      'GET',
      '/v1/events/proof?from=1&to=1',
      undefined,
      await bridge.administrator(),
    );
    const keys = await fileOf('keys.jwt', [String(answer.body.online_keys)]);
    const events = (await lines(exported)).filter((line) => line.startsWith('{"v":1'));
    const path = await fileOf('sink.ndjson', events);
    const { code, said } = await auditor.run(['events', 'verify', path]);
    expect(code).toBe(2);
    expect(said).toContain('--keys');
    // the checkpoint that covers them is an event behind them
    const unproven = await auditor.run(['events', 'verify', path, '--keys', keys]);
    expect(unproven.code).toBe(3);
    expect(unproven.said).toContain('NOT PROVEN');
    const note = await bridge.fetch(`${bridge.issuer}/v1/events/checkpoint`, {
      headers: { authorization: `Bearer ${await bridge.administrator()}` },
    });
    const checkpoint = await fileOf('checkpoint', [(await note.text()).trimEnd()]);
    const args = ['--keys', keys, '--root', root, '--checkpoint', checkpoint];
    expect((await auditor.run(['events', 'verify', path, ...args])).code).toBe(0);
  });
});

describe('an administrator', () => {
  it('proves answers of GET /v1/events with the bridge, and is told what no checkpoint covers yet', async () => {
    const { out: all } = await administrator.run(['events', '--json']);
    const path = await fileOf('answers.ndjson', all.split('\n'));
    const { code, out } = await administrator.run(['events', 'verify', path, '--bridge', '--root', root]);
    expect(code).toBe(0);
    expect(out).toContain('NOTHING IS WRONG');
    expect(out).toMatch(/not proven: +\d+ to \d+ \(they fit together/);
  });

  it('is told that events which no checkpoint covers yet cannot be exported', async () => {
    const path = join(administrator.home, 'too-much.ndjson');
    const { code, said } = await administrator.run(['events', 'export', path, '--from', '1', '--to', '9999']);
    expect(code).toBe(1);
    expect(said).toContain('covers the events up to');
    await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('gets no export of events that were altered in the store after they were signed', async () => {
    const tampered = `update events set body = replace(body, '"sub":"p3"', '"sub":"p4"') where seq < 20`;
    await bridge.inStore((database) =>
      database.transaction(async (tx) => {
        const { sql } = await import('kysely');
        await sql.raw(tampered).execute(tx);
      }),
    );
    const path = join(administrator.home, 'tampered.ndjson');
    const { code, said } = await administrator.run(['events', 'export', path]);
    expect(code).toBe(3);
    expect(said).toContain('not those that it signed');
    await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
