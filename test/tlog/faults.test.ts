import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Signer } from '../../bridge/signer/signer.ts';
import type { Database } from '../../bridge/storage/database.ts';
import type { HeadFile } from '../../bridge/tlog/head-file.ts';
import { encodeBase64url } from '../../protocol/base64url.ts';
import { checkLog, type OpenLog, type TlogFixture, tlogFixture } from './tlog-fixture.ts';

const SEQUENCING_PROCESS = fileURLToPath(new URL('sequencing-process.ts', import.meta.url));

let fixture: TlogFixture;

beforeEach(async () => {
  fixture = await tlogFixture();
});

afterEach(async () => {
  await fixture.remove();
});

/** What befalls one step: it fails undone, it is done and fails all the same, or the process ends before or after. */
const FATES = ['fails', 'fails but persisted', 'killed before', 'killed after'] as const;
type Fate = (typeof FATES)[number];

/** Counts the steps of a process that reach outside, and lets one of them meet its fate. */
class Fates {
  steps = 0;
  hit = false;
  #killed: (() => void) | undefined;
  readonly #at: number;
  readonly #fate: Fate;
  /** Resolves when the process is killed. */
  readonly killed: Promise<void>;

  constructor(at: number, fate: Fate) {
    this.#at = at;
    this.#fate = fate;
    this.killed = new Promise((resolve) => {
      this.#killed = resolve;
    });
  }

  /** Nothing happens from now on. */
  spare(): void {
    this.steps = Number.POSITIVE_INFINITY;
  }

  async step<T>(work: () => Promise<T>): Promise<T> {
    if (this.steps++ !== this.#at) return work();
    this.hit = true;
    if (this.#fate === 'fails') throw new Error('the fault');
    if (this.#fate !== 'killed before') await work();
    if (this.#fate === 'fails but persisted') throw new Error('the fault');
    this.#killed?.();
    return new Promise<never>(() => {});
  }

  database(real: Database): Database {
    return {
      dialect: real.dialect,
      read: (work) => real.read(work),
      revision: () => real.revision(),
      transaction: (work) => this.step(() => real.transaction(work)),
      migrate: () => real.migrate(),
      close: () => real.close(),
    };
  }

  headFile(real: HeadFile): HeadFile {
    return { read: () => real.read(), write: (head) => this.step(() => real.write(head)) };
  }

  signer(real: Signer): Pick<Signer, 'currentKey' | 'signNote'> {
    return {
      currentKey: (purpose) => real.currentKey(purpose),
      signNote: (purpose, bytes) => this.step(() => real.signNote(purpose, bytes)),
    };
  }
}

function openWith(fates: Fates): OpenLog {
  return fixture.openLog({
    database: fates.database(fixture.store.database),
    headFile: fates.headFile(fixture.headFile),
    signer: fates.signer(fixture.signer),
    abandoned: true,
  });
}

async function stagedIds(): Promise<string[]> {
  const found = await fixture.store.database.read((query) =>
    query.selectFrom('events').select('event_id').execute(),
  );
  return found.map((row) => row.event_id);
}

describe('a step of the sequencer', () => {
  it.each(FATES)(
    'that %s leaves a log that fits together, and the next start publishes all of it',
    async (fate) => {
      let at = 0;
      for (let hit = true; hit; at++) {
        const fates = new Fates(at, fate);
        await fixture.stage('p1', 'p2');
        const { sequencer } = openWith(fates);
        await Promise.race([sequencer.settled().catch(() => {}), fates.killed]);
        hit = fates.hit;
        await checkLog(fixture);
        await fixture.openLog().sequencer.settled();
        const whole = await checkLog(fixture);
        expect(whole.published).toBe(whole.size);
        const entries = whole.entries.filter((entry) => !entry.startsWith('epoch '));
        expect(entries.toSorted()).toEqual((await stagedIds()).toSorted());
      }
      // transaction 2, the head file, the signature, and keeping it; SQLite looks in transactions too
      expect(at).toBeGreaterThan(4);
    },
  );

  it.each(['fails', 'fails but persisted'] as const)(
    'that %s is made up for by the same process',
    async (fate) => {
      for (let at = 0, hit = true; hit; at++) {
        const fates = new Fates(at, fate);
        await fixture.stage('p1');
        const { sequencer } = openWith(fates);
        await sequencer.settled().catch(() => {});
        hit = fates.hit;
        fates.spare();
        await sequencer.settled();
        const whole = await checkLog(fixture);
        expect(whole.published).toBe(whole.size);
      }
    },
  );

  it('in which the process is killed, whichever it is, loses nothing and forks nothing', async () => {
    const { store, keyEncryptionKey, headFilePath } = fixture;
    const given = [store.reach, encodeBase64url(keyEncryptionKey), headFilePath];
    for (const lines of [1, 4, 9]) {
      const child = spawn(process.execPath, ['--import', 'tsx', SEQUENCING_PROCESS, ...given], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const output = createInterface({ input: child.stdout });
      for (let heard = 0; heard < lines; heard++) await once(output, 'line');
      child.kill('SIGKILL');
      await once(child, 'exit');
      const before = await checkLog(fixture);
      // staged, entry and epoch: what was said to be published is
      expect(before.published).toBeGreaterThanOrEqual(2 * lines);
      await fixture.openLog().sequencer.settled();
      const whole = await checkLog(fixture);
      expect(whole.published).toBe(whole.size);
      expect(whole.entries.slice(0, before.size)).toEqual(before.entries);
    }
  }, 90_000);
});
