import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatVerifierKey, verifierKey } from '../../protocol/tlog/verifier-key.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';
import { type LyingLog, startLyingLog } from '../fakes/lying-log.ts';

let log: LyingLog;
let terminal: RecordedTerminal;
beforeEach(async () => {
  log = await startLyingLog();
  terminal = await recordedTerminal(log.fetch);
  await log.grow(5, 10);
});
afterEach(async () => {
  await terminal.remove();
  await log.close();
});

const file = (name: string) => join(terminal.home, name);
const compare = (...args: string[]) =>
  terminal.run(['log', 'compare', ...args, '--log-url', `${log.url}/log`, '--evidence', file('split.json')]);
const verify = (...args: string[]) => terminal.run(['log', 'verify-evidence', file('split.json'), ...args]);
const vkey = () => formatVerifierKey(verifierKey(log.origin, 1, log.logSigner.publicKey));

async function kept(name: string, note: Promise<string>): Promise<string> {
  await writeFile(file(name), await note);
  return file(name);
}

/** The log goes on otherwise from entry 7 on: as another person is shown it. */
async function fork(...versions: number[]): Promise<void> {
  log.entries = log.entries.slice(0, 7);
  for (const count of versions) {
    log.addVersions(count);
    log.closeEpoch();
  }
}

describe('countersign log compare', () => {
  it('finds two checkpoints of a log that grew consistent, from files and from the log itself', async () => {
    const old = await kept('old', log.publish());
    await log.grow(300, 20);
    const { code, out, said } = await compare(old, `${log.url}/log/checkpoint`, '--root', log.root);
    expect({ code, said }).toEqual({ code: 0, said: '' });
    expect(out).toMatch(/consistent: +18 and 340 entries of one log/);
    const json = await compare(old, old, '--json', '--log-key', vkey());
    expect(JSON.parse(json.out)).toMatchObject({
      outcome: 'consistent',
      origin: log.origin,
      sizes: [18, 18],
    });
  });

  it('says whose root it trusts where it was told of none', async () => {
    const old = await kept('old', log.publish());
    expect((await compare(old, old)).said).toContain(`trusting the root key ${log.root}`);
  });

  it('proves two trees of one size, with an exit code of its own, without the log', async () => {
    const mine = await kept('mine', log.publish());
    await fork(10);
    const theirs = await kept('theirs', log.publish());
    log.answer = () => 503;
    const { code, said } = await compare(mine, theirs, '--log-key', vkey());
    expect(code).toBe(3);
    expect(said).toContain('SPLIT VIEW: ');
    expect(said).toContain('two different trees of 18 entries');
    const checked = await verify('--log-key', vkey());
    expect(checked).toMatchObject({ code: 0, out: expect.stringContaining('PROVEN: ') });
  });

  it('proves that a larger tree does not begin with the smaller one', async () => {
    const mine = await kept('mine', log.publish());
    await fork(10, 300);
    await log.publish();
    const { code, out } = await compare(mine, `${log.url}/log/checkpoint`, '--json');
    expect(code).toBe(3);
    expect(JSON.parse(out)).toMatchObject({ outcome: 'split', sizes: [18, 319] });
    expect(JSON.parse((await verify('--root', log.root, '--json')).out)).toMatchObject({
      ...{ proven: true, origin: log.origin, sizes: [18, 319], root: log.root },
    });
  });

  it('proves a fork that is not served any more, by what the log shows everybody', async () => {
    const mine = await kept('mine', log.publish());
    const honest = [...log.entries];
    await fork(10, 3);
    const theirs = await kept('theirs', log.publish());
    log.entries = honest;
    await log.grow(30);
    const { code, out } = await compare(mine, theirs, '--json', '--log-key', vkey());
    expect(code).toBe(3);
    expect(JSON.parse(out)).toMatchObject({ outcome: 'split', sizes: [22, 49] });
    expect((await verify('--log-key', vkey())).code).toBe(0);
  });

  it('decides nothing where the log shows neither of the two', async () => {
    const mine = await kept('mine', log.publish());
    await fork(10, 3);
    const theirs = await kept('theirs', log.publish());
    log.answer = (path) => (path.startsWith('tile') ? 404 : undefined);
    const { code, said } = await compare(mine, theirs, '--log-key', vkey());
    expect(code).toBe(1);
    expect(said).toContain('(code log_proof)');
  });

  it('compares no checkpoints of two logs, and none that another key signed', async () => {
    const mine = await kept('mine', log.publish());
    const other = await kept(
      'other',
      log.publish().then((note) => note.replaceAll(log.origin, 'other.example/log')),
    );
    expect((await compare(mine, other)).said).toContain('(code log_origin)');
    await log.changeLogKey();
    const impostor = await kept('impostor', log.publish());
    const { publicKey } = log.logSigner;
    const newKey = formatVerifierKey(verifierKey(log.origin, 1, publicKey));
    expect((await compare(mine, impostor, '--log-key', newKey)).said).toContain('(code note_signature)');
  });

  it('is called wrongly with a file that is not there', async () => {
    expect((await compare(file('nothing'), file('nothing'))).code).toBe(2);
  });
});

describe('countersign log verify-evidence', () => {
  beforeEach(async () => {
    const mine = await kept('mine', log.publish());
    await fork(10);
    await compare(mine, await kept('theirs', log.publish()));
  });

  it('says that nobody was named to compare the key with', async () => {
    const { code, out } = await verify();
    expect(code).toBe(0);
    expect(out).toContain('compare: nobody was named');
    expect((await verify('--root', log.root)).out).not.toContain('nobody was named');
  });

  it('refuses what was altered', async () => {
    const evidence = JSON.parse(await readFile(file('split.json'), 'utf8'));
    await writeFile(
      file('split.json'),
      JSON.stringify({ ...evidence, checkpoints: [evidence.checkpoints[0], evidence.checkpoints[0]] }),
    );
    expect(await verify('--root', log.root)).toMatchObject({
      code: 1,
      said: expect.stringContaining('(code split_view_evidence)'),
    });
  });

  it('refuses another root', async () => {
    expect((await verify('--root', 'A'.repeat(43))).said).toContain('(code root_mismatch)');
  });

  it('checks what the alarm of an audit wrote too', async () => {
    log.closeEpoch({ leaves: 99 });
    await log.publish();
    await terminal.run(['audit', log.url, '--evidence', file('split.json')]);
    expect(await verify('--root', log.root)).toMatchObject({
      code: 0,
      out: expect.stringContaining('PROVEN: '),
    });
  });
});
