import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isEventType } from '../../bridge/events/catalog.ts';
import { eventGenesis, eventHash, type StoredEvent } from '../../bridge/events/event.ts';
import { withEventTables } from '../../scripts/events-guide.ts';
import { all, appendEach, eventsFixture } from '../events/events-fixture.ts';
import { ISS } from '../signer/signer-fixture.ts';
import { ROOT, readPage } from './markdown.ts';

const { text: guide, codes } = readPage('docs/guides/events.md');

/** Members of events and fields of the formats; and a key of the configuration. */
const MEMBER = /^(?:actor|subject|metadata|event|events)\./;

function blockAfter(mark: string): string {
  const block = new RegExp(`<!-- ${mark} -->\n\`\`\`\\w+\n([\\s\\S]*?)\`\`\``).exec(guide)?.[1];
  if (block === undefined) throw new Error(`the guide has no block marked ${mark}`);
  return block;
}

describe('the guide of events', () => {
  it('has the tables that the catalogue and its mappings give (npx tsx scripts/write-events-guide.ts)', () => {
    expect(withEventTables(guide)).toBe(guide);
  });

  it('names no type that does not exist', () => {
    const types = codes.filter((code) => /^[a-z_]+\.[a-z_]+$/.test(code) && !MEMBER.test(code));
    expect(types.filter((type) => !isEventType(type))).toEqual([]);
    expect(types.length).toBeGreaterThan(40);
  });

  it('shows lines as they are stored, with hashes that are right', () => {
    const events = blockAfter('example')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as StoredEvent);
    for (const { hash, ...hashed } of events) expect(eventHash(hashed)).toBe(hash);
    const [first, closed, revoked] = events;
    expect(first?.seq).toBe(1);
    expect(revoked?.prev).toBe(closed?.hash);
  });
});

describe('the program that checks a chain', () => {
  let folder = '';
  let lines: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
    const program = blockAfter('verify').replace('countersign/protocol', `${ROOT}protocol/index.ts`);
    await writeFile(join(folder, 'verify-events.mts'), program);
    const { database, log, remove } = await eventsFixture();
    try {
      log.start();
      await appendEach(database, log, ['sub-a', 'sub-b', 'sub-c']);
      await log.settled();
      lines = (await all(log)).map((event) => `${JSON.stringify(event)}\n`);
    } finally {
      await remove();
    }
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  async function check(given: readonly string[], iss = ISS): Promise<string> {
    const tsx = join(ROOT, 'node_modules/tsx/dist/cli.mjs');
    const running = promisify(execFile)(process.execPath, [tsx, join(folder, 'verify-events.mts'), iss]);
    running.child.stdin?.end(given.join(''));
    return running.then(
      ({ stdout }) => stdout,
      ({ stderr }) => stderr,
    );
  }

  it('takes a true log', async () => {
    expect(eventGenesis(ISS)).toBe(JSON.parse(lines[0] ?? '').prev);
    expect(await check(lines)).toContain(`3 events, head ${JSON.parse(lines[2] ?? '').hash}`);
  });

  it('finds a changed event, a missing one, and the log of another bridge', async () => {
    const changed = lines.map((line) => line.replace('sub-b', 'sub-x'));
    expect(await check(changed)).toContain('event 2 was changed');
    expect(await check([lines[0] ?? '', lines[2] ?? ''])).toContain('event 2 is missing');
    expect(await check(lines, 'https://other.example')).toContain('event 1 does not follow');
  });
});
