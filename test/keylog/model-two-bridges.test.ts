import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../bridge/lib/clock.ts';
import { initializeKeys } from '../../bridge/signer/key-ceremony.ts';
import { createRootKey, openRootKey } from '../../bridge/signer/root-key.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { type TemporaryStore, temporaryStore } from '../fakes/temporary-store.ts';
import { readSaid } from '../faults/sequencing-work.ts';
import { ISS } from '../signer/signer-fixture.ts';

const BRIDGE = fileURLToPath(new URL('../faults/sequencing-bridge.ts', import.meta.url));
const EPOCHS = 12;
/** Of each batch of the bridges' work. */
const VERSIONS = 2;

let store: TemporaryStore;
let folder: string;
let children: ChildProcess[];
const keyEncryptionKey = crypto.getRandomValues(new Uint8Array(32));

beforeEach(async () => {
  store = await temporaryStore(systemClock);
  folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  children = [];
  const root = await openRootKey(await createRootKey());
  const keys = { iss: ISS, root, keyEncryptionKey, clock: systemClock };
  await store.database.transaction((tx) => initializeKeys(tx, keys));
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await store.remove();
  await rm(folder, { recursive: true });
});

const saidPath = () => join(folder, 'said');

/** Runs a bridge until its work is done; each has a head file of its own. Answers the exit code. */
async function bridge(prefix: string, epochs: number, ...more: string[]): Promise<number> {
  const place = join(folder, prefix);
  await mkdir(place, { recursive: true });
  const reached = [store.reach, encodeBase64url(keyEncryptionKey), join(place, 'log-head.json')];
  const command = ['--import', 'tsx', BRIDGE, ...reached, prefix, String(epochs), ...more];
  const said = openSync(saidPath(), 'a');
  const child = spawn(process.execPath, command, { stdio: ['ignore', said, 'inherit'] });
  closeSync(said);
  children.push(child);
  const [code] = await once(child, 'exit');
  return code;
}

describe('two bridges that are started on one store', () => {
  it('make one history: no gap, every entry once, nothing signed twice in two ways', async () => {
    expect(await Promise.all([bridge('alice', EPOCHS), bridge('bob', EPOCHS)])).toEqual([0, 0]);
    expect(await bridge('carol', 1, saidPath())).toBe(0);
    const said = readSaid(saidPath());
    const versions = (2 * EPOCHS + 1) * VERSIONS;
    const acknowledged = said.flatMap((line) => line.acknowledged ?? []);
    expect(new Set(acknowledged.map(({ name, version }) => `${name} ${version}`)).size).toBe(versions);
    expect(said.at(-1)?.whole).toMatchObject({ versions });

    const { placed, epochs } = await store.database.read(async (query) => ({
      placed: await query
        .selectFrom('logged_versions')
        .select(['position', 'epoch'])
        .orderBy('position')
        .execute(),
      epochs: await query.selectFrom('log_epochs').select(['epoch', 'size']).orderBy('epoch').execute(),
    }));
    expect(epochs.map(({ epoch }) => epoch)).toEqual(epochs.map((_, index) => index + 1));
    // entry 0, and the last of each epoch, are no versions'
    const ends = new Set([0, ...epochs.map(({ size }) => size - 1)]);
    const size = epochs.at(-1)?.size ?? 0;
    const between = Array.from({ length: size }, (_, index) => index).filter((index) => !ends.has(index));
    expect(placed.map(({ position }) => position)).toEqual(between);
    const roots = said.flatMap(({ signing }) => signing ?? []);
    const sizes = roots.map((text) => text.split('\n')[1]);
    expect(new Set(roots).size).toBe(new Set(sizes).size);
  }, 120_000);
});
