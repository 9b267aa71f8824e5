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

const run = (...args: string[]) => terminal.run(['audit', ...args]);
const file = (name: string) => join(terminal.home, name);

async function breakARule(): Promise<void> {
  log.addVersions(1);
  log.closeEpoch({ leaves: 99 });
  await log.publish();
}

describe('countersign audit', () => {
  it('verifies a log, and says whom it trusts', async () => {
    const { code, out, said } = await run(log.url);
    expect(code).toBe(0);
    expect(out).toMatch(/verified: +18 entries, 18 of them in this run/);
    expect(said).toContain(`trusting the root key ${log.root}`);
    expect((await run(log.url)).said).toBe('');
  });

  it('answers as JSON', async () => {
    expect(JSON.parse((await run(log.url, '--json')).out)).toMatchObject({
      ...{ outcome: 'verified', origin: log.origin, size: 18, epoch: 2, leaves: 15, cosignature: null },
      trustedRoot: log.root,
    });
  });

  it('cosigns with a key that it made, and hands the cosignature over', async () => {
    const made = await run('keygen', 'auditor.example/acme', '--out', file('key.json'));
    expect(made.out).toMatch(/^auditor\.example\/acme\+[0-9a-f]{8}\+B/);
    const { code, out } = await run(log.url, '--key', file('key.json'));
    expect(code).toBe(0);
    expect(out).toContain('\u2014 auditor.example/acme ');
    expect(log.posted).toHaveLength(1);
  });

  it('fails when the cosignature is not taken, and prints it all the same', async () => {
    await run('keygen', 'auditor.example/acme', '--out', file('key.json'));
    log.postStatus = 403;
    const { code, out, said } = await run(log.url, '--key', file('key.json'));
    expect(code).toBe(1);
    expect(out).toContain('\u2014 auditor.example/acme ');
    expect(said).toContain('answered with status 403');
  });

  it('prints the evidence of an alarm in full where it cannot be written, and the alarm stands', async () => {
    await run(log.url);
    await breakARule();
    const nowhere = file('no-such-folder/evidence.json');
    const alarm = await run(log.url, '--evidence', nowhere);
    expect(alarm.code).toBe(3);
    expect(alarm.said).toContain('THE EVIDENCE COULD NOT BE WRITTEN');
    expect(alarm.said).toContain('ENOENT');
    await writeFile(file('printed.json'), alarm.out);
    expect(await run('check-evidence', file('printed.json'), '--root', log.root)).toMatchObject({
      code: 0,
      out: expect.stringContaining('PROVEN'),
    });
    const again = await run(log.url, '--json', '--evidence', nowhere);
    expect(again).toMatchObject({ code: 3, said: expect.stringContaining('ALARM since') });
  });

  it('answers as JSON with the whole evidence where it cannot be written', async () => {
    await run(log.url);
    await breakARule();
    const { code, out } = await run(log.url, '--json', '--evidence', file('no-such-folder/evidence.json'));
    expect(code).toBe(3);
    const { evidence } = JSON.parse(out);
    await writeFile(file('printed.json'), JSON.stringify(evidence));
    expect((await run('check-evidence', file('printed.json'), '--root', log.root)).code).toBe(0);
  });

  it('raises an alarm with an exit code of its own, and evidence that anybody can check', async () => {
    await run(log.url);
    await breakARule();
    const alarm = await run(log.url, '--evidence', file('evidence.json'));
    expect(alarm.code).toBe(3);
    expect(alarm.said).toMatch(/ALARM: .*\n +at entry 19\n +expected: 16 leaves\n +found: +99 leaves/);
    const check = await run('check-evidence', file('evidence.json'), '--root', log.root);
    expect(check).toMatchObject({
      code: 0,
      out: expect.stringContaining('PROVEN: the log signed this itself.'),
    });
    const json = JSON.parse((await run('check-evidence', file('evidence.json'), '--json')).out);
    expect(json).toMatchObject({ proven: true, root: log.root, finding: { code: 'leaves_count' } });
  });

  it('says an alarm as JSON too', async () => {
    await breakARule();
    const { code, out } = await run(log.url, '--json');
    expect(code).toBe(3);
    const { outcome, finding, evidence } = JSON.parse(out);
    expect({ outcome, code: finding.code }).toEqual({ outcome: 'alarm', code: 'leaves_count' });
    expect(JSON.parse(await readFile(evidence, 'utf8'))).toMatchObject({ origin: log.origin });
  });

  it('tells a network that fails from a log that broke a rule', async () => {
    log.answer = (path) => (path === 'tile/0/000.p/18' ? 503 : undefined);
    const { code, said } = await run(log.url);
    expect(code).toBe(1);
    expect(said).toContain('status 503');
    expect(said).toContain('outbound_failed');
  });

  it('takes the root that it is told, and no other', async () => {
    expect((await run(log.url, '--root', log.root)).said).toBe('');
    const { code, said } = await run(log.url, '--root', 'A'.repeat(43), '--state', file('other'));
    expect(code).toBe(1);
    expect(said).toContain('root_mismatch');
  });

  it('takes the log’s key itself, and then asks for no other', async () => {
    const vkey = formatVerifierKey(verifierKey(log.origin, 1, log.logSigner.publicKey));
    expect((await run(log.url, '--log-key', vkey)).code).toBe(0);
    expect(log.asked.filter((path) => path.includes('openid-federation'))).toEqual([]);
  });

  it.each([
    [['http://bridge.acme.example'], 1, 'outbound_refused'],
    [['bridge.acme.example'], 2, 'named by its URL'],
    [['https://bridge.acme.example', '--every', '0'], 2, 'number of seconds'],
    [['https://bridge.acme.example', '--every', '5', '--once'], 2, 'not both'],
    [['https://bridge.acme.example', '--root', 'x'], 2, '43 characters'],
    [['https://bridge.acme.example', '--key', '/nowhere'], 1, 'key_invalid'],
    [['check-evidence', '/nowhere'], 2, 'cannot be read'],
  ])('refuses %j', async (args, code, said) => {
    expect(await run(...args)).toMatchObject({ code, said: expect.stringContaining(said) });
  });

  it('says that an alarm stands, where its evidence is and how to go on', async () => {
    const honest = [...log.entries];
    await breakARule();
    await run(log.url);
    log.entries = honest;
    await log.publish();
    const { code, said } = await run(log.url);
    expect(code).toBe(3);
    expect(said).toMatch(/ALARM since \S+: .*\n[\s\S]*evidence-leaves_count-19\.json[\s\S]*--alarm-examined/);
    expect((await run(log.url, '--alarm-examined')).said).toContain('rolled_back');
  });

  it('does not let the log speak to the terminal', async () => {
    log.entries.push(Buffer.from('\u001b[2J'));
    log.closeEpoch();
    await log.publish();
    const { said } = await run(log.url);
    expect(said).not.toContain('\u001b');
  });

  it('does not believe evidence that was written over', async () => {
    await breakARule();
    await run(log.url, '--evidence', file('evidence.json'));
    const text = await readFile(file('evidence.json'), 'utf8');
    await writeFile(file('evidence.json'), text.replace('"leaves_count"', '"time_back"'));
    expect(await run('check-evidence', file('evidence.json'))).toMatchObject({
      code: 3,
      said: expect.stringContaining('NOT PROVEN'),
    });
    await writeFile(
      file('evidence.json'),
      text.replace(/"index": 19,\n( +)"entry"/, '"index": 18,\n$1"entry"'),
    );
    expect((await run('check-evidence', file('evidence.json'))).said).toContain('log_proof');
  });
});
