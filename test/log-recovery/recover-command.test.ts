import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../bridge/config/index.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { startBridge } from '../../bridge/main.ts';
import { openSqlite } from '../../bridge/storage/sqlite/open.ts';
import { encodeEntryBundle, entriesPath } from '../../protocol/tlog/tile.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';
import { copyOf } from './recovery-fixture.ts';

const HOST = 'bridge.acme.example';

let terminal: RecordedTerminal;
let local: string[];

beforeEach(async () => {
  terminal = await recordedTerminal();
  const { key, cert } = await (await createThrowawayCa()).issue([HOST]);
  await mkdir(join(terminal.home, 'tls'));
  await writeFile(join(terminal.home, 'tls', 'bridge.key'), key);
  await writeFile(join(terminal.home, 'tls', 'bridge.crt'), cert);
  local = ['-c', at('countersign.yaml'), '--secrets', at('kek.env')];
  const { code } = await init('--issuer', `https://${HOST}`, '--organization', 'Acme');
  expect(code).toBe(0);
  const text = await readFile(at('countersign.yaml'), 'utf8');
  await writeFile(
    at('countersign.yaml'),
    text
      .replace('port: 443', 'port: 0')
      .replace('address: 0.0.0.0', 'address: 127.0.0.1')
      .replace('stdout: true', 'stdout: false'),
  );
});
afterEach(() => terminal.remove());

const at = (...path: string[]) => join(terminal.home, ...path);
const database = () => at('data', 'countersign.db');
const headFile = () => `${database()}.log-head.json`;
const init = (...more: string[]) => terminal.run(['init', ...local, '--root-key', at('root.json'), ...more]);
const recover = (...more: string[]) => terminal.run(['log', 'recover', ...local, ...more]);
const causeOf = async () => JSON.parse((await recover('--json')).out).cause;

/** What the bridge finds staged at its start becomes an epoch. */
async function runBridge(): Promise<void> {
  const env = { COUNTERSIGN_KEK: (await readFile(at('kek.env'), 'utf8')).trim().split('=')[1] ?? '' };
  const config = loadConfig({ path: at('countersign.yaml'), env });
  await (await startBridge(config, { logger: createLogger({ level: 'silent' }) })).stop();
}

/** Two epochs, and the store as it was after the first one beside it. */
async function runTwice(): Promise<{ backup: string }> {
  const backup = at('backup.db');
  await runBridge();
  await copyFile(database(), backup);
  const rotated = await terminal.run(['keys', 'rotate', '--renew', ...local, '--root-key', at('root.json')]);
  expect(rotated.code).toBe(0);
  await runBridge();
  return { backup };
}

/** A link for an administrator comes between the two epochs. */
async function runWithLink(): Promise<{ backup: string; older: string; tiles: string }> {
  const backup = at('backup.db');
  await runBridge();
  await copyFile(database(), backup);
  const older = await keepTiles();
  expect((await terminal.run(['admin', 'link', ...local])).code).toBe(0);
  await runBridge();
  return { backup, older, tiles: await keepTiles() };
}

/** What a mirror has of the log, as files. */
async function keepTiles(): Promise<string> {
  const folder = await mkdtemp(at('tiles-'));
  const store = await openSqlite({ path: database(), clock: systemClock });
  const copy = await copyOf({ database: store, signer: { iss: `https://${HOST}` } });
  await store.close();
  await writeFile(join(folder, 'checkpoint'), copy.note);
  let index = 0;
  for await (const entries of copy.entries()) {
    const path = join(folder, entriesPath({ index, width: entries.length }));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, encodeEntryBundle(entries));
    index += 1;
  }
  return folder;
}

async function putBack(backup: string): Promise<void> {
  for (const suffix of ['-wal', '-shm']) await rm(database() + suffix, { force: true });
  await copyFile(backup, database());
}

describe('countersign log recover', () => {
  it('says that a store is good, and what it has', async () => {
    await runBridge();
    const { code, out, said } = await recover();
    expect(code).toBe(0);
    expect(out).toMatch(/^log: +bridge\.acme\.example\/log\nstore: +\d+ entries, epoch 1 of /);
    expect(said).toContain('This store holds the newest log');
  });

  it('names a clock that was ahead when the newest epoch was closed', async () => {
    await runBridge();
    const store = await openSqlite({ path: database(), clock: systemClock });
    const later = Date.now() + 30 * 86_400_000;
    await store.transaction((tx) => tx.updateTable('log_checkpoints').set({ time_ms: later }).execute());
    await store.close();
    const { code, said } = await recover();
    expect(code).toBe(3);
    expect(said).toContain(`The newest epoch of this log is of ${new Date(later).toISOString()}`);
    expect(said).toContain('the clock was ahead when that epoch was closed');
    expect(await causeOf()).toBe('clock_ahead');
  });

  it('finds a restored backup, which the bridge refuses to start with, until the newest store is back', async () => {
    const { backup } = await runTwice();
    const newest = at('newest.db');
    await copyFile(database(), newest);
    await putBack(backup);
    await expect(runBridge()).rejects.toMatchObject({ code: 'state_refused' });
    const { code, said } = await recover();
    expect(code).toBe(3);
    expect(said).toContain('restored backup');
    expect(await causeOf()).toBe('restored_backup');
    await putBack(newest);
    expect(await causeOf()).toBe('good');
    await runBridge();
  });

  it('sets aside no head file that says that the store is old', async () => {
    const { backup } = await runTwice();
    await putBack(backup);
    const kept = await readFile(headFile(), 'utf8');
    const { code, said } = await recover('--set-aside', '--yes');
    expect(code).toBe(2);
    expect(said).toContain('no head file here that may be set aside');
    expect(await readFile(headFile(), 'utf8')).toBe(kept);
  });

  it('sets the head file of an earlier store aside once that is confirmed, and the new one starts', async () => {
    await runTwice();
    for (const suffix of ['', '-wal', '-shm']) await rm(database() + suffix, { force: true });
    await rm(at('root.json'));
    const { size } = JSON.parse(await readFile(headFile(), 'utf8'));
    const lastWeek = new Date(Date.now() - 7 * 86_400_000);
    await utimes(headFile(), lastWeek, lastWeek);
    expect((await init()).code).toBe(0);
    await expect(runBridge()).rejects.toMatchObject({ code: 'state_refused' });
    expect(await causeOf()).toBe('earlier_store');

    const unasked = await recover('--set-aside');
    expect(unasked.code).toBe(2);
    expect(unasked.said).toContain('Add --yes');
    const refused = await terminal.run(['log', 'recover', ...local, '--set-aside'], { answers: ['no'] });
    expect(refused.code).toBe(2);
    expect(await causeOf()).toBe('earlier_store');

    const done = await terminal.run(['log', 'recover', ...local, '--set-aside'], { answers: ['yes'] });
    expect(done.code).toBe(0);
    const [aside = ''] = (await readdir(at('data'))).filter((name) => name.includes('.aside-'));
    expect(JSON.parse(await readFile(at('data', aside), 'utf8')).size).toBe(size);
    await runBridge();
    expect(await causeOf()).toBe('good');
  });

  it('sets aside another log’s head file, and a damaged one', async () => {
    await runBridge();
    const root = 'A'.repeat(43);
    await writeFile(headFile(), JSON.stringify({ origin: 'bridge.globex.example/log', size: 2, root }));
    expect(await causeOf()).toBe('foreign_head_file');
    expect((await recover('--set-aside', '--yes')).code).toBe(0);
    await writeFile(headFile(), 'x');
    expect(await causeOf()).toBe('damaged_head_file');
    expect((await recover('--set-aside', '--yes')).code).toBe(0);
    await runBridge();
  });

  it('brings a restored backup to where the log ended, by a copy of its tiles, and the bridge starts', async () => {
    const { backup, tiles } = await runWithLink();
    await putBack(backup);
    const looked = await recover('--from', tiles);
    expect(looked.code).toBe(3);
    expect(looked.out).toMatch(/newest: +yes, by the head file/);
    expect(looked.said).toContain('Nothing was changed.');
    expect(await causeOf()).toBe('restored_backup');

    const done = await recover('--from', tiles, '--devices', 'keep', '--yes');
    expect(done.said).toContain('Done: the store has');
    expect(done.code).toBe(0);
    await runBridge();
    expect(await causeOf()).toBe('good');
  });

  it('takes no copy that is older than the head file, is changed, or was signed by somebody else', async () => {
    const { backup, older, tiles } = await runWithLink();
    await putBack(backup);
    const stale = await recover('--from', older);
    expect(stale.said).toContain('it has nothing that the store does not have');
    const bundle = await readdir(join(tiles, 'tile', 'entries', '000.p'));
    const path = join(tiles, 'tile', 'entries', '000.p', bundle[0] ?? '');
    const bytes = await readFile(path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(path, bytes);
    const changed = await recover('--from', tiles, '--devices', 'keep', '--yes');
    expect(changed.said).toContain('it breaks a rule');
    const note = await readFile(join(tiles, 'checkpoint'), 'utf8');
    await writeFile(join(tiles, 'checkpoint'), note.replace(/^(.*\n)\d+/, '$1999'));
    const forged = await recover('--from', tiles, '--devices', 'keep', '--yes');
    expect(forged.said).toContain('note_signature');
    for (const { code } of [stale, changed, forged]) expect(code).not.toBe(0);
    expect(await causeOf()).toBe('restored_backup');
  });

  it('refuses where the online keys were changed after the backup', async () => {
    const { backup } = await runTwice();
    const tiles = await keepTiles();
    await putBack(backup);
    const { code, said } = await recover('--from', tiles, '--devices', 'keep', '--yes');
    expect(code).not.toBe(0);
    expect(said).toMatch(/online keys were changed after this backup|note_signature/);
    expect(await causeOf()).toBe('restored_backup');
  });

  it('is not asked what a store of another company is worth', async () => {
    await runBridge();
    const text = await readFile(at('countersign.yaml'), 'utf8');
    await writeFile(at('countersign.yaml'), text.replace(HOST, 'bridge.globex.example'));
    const { code, said } = await recover();
    expect(code).toBe(2);
    expect(said).toContain('the keys of https://bridge.acme.example');
  });

  it('knows nothing of a store without keys', async () => {
    for (const suffix of ['', '-wal', '-shm']) await rm(database() + suffix, { force: true });
    await writeFile(database(), '');
    const { code, said } = await recover();
    expect(said).toContain('This store has no keys');
    expect(code).toBe(2);
  });
});
