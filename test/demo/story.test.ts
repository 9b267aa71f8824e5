import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STEPS = [
  'start-bridges',
  'connect-single-sign-on',
  'prove-domains',
  'approve-partners',
  'watch-each-other',
  'feed-the-siem',
  'enrol-through-oidc',
  'enrol-through-saml',
  'look-up-across-companies',
  'add-device',
  'meet-across-companies',
  'keep-transcript',
  'change-policy',
  'close-account',
  'attack-substituted-key',
  'attack-foreign-domain',
  'attack-replayed-response',
  'attack-two-histories',
  'attack-added-key',
  'read-event-logs',
];
const STORY_MS = 600_000;

interface Line {
  step: number;
  name: string;
  ok: boolean;
  ms: number;
  findings: { what: string; value: string }[];
}

type Demo = ReturnType<typeof startDemo>;

/** Its temporary folder is in `folder`. */
function startDemo(folder: string) {
  return spawn(process.execPath, ['--import', 'tsx', 'demo/main.ts', '--once', '--json'], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function leftIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith('countersign-demo-'));
}

describe('the demo, as a program', () => {
  let folder: string;
  let run: { status: number | null; stdout: string; stderr: string };
  const lines = () => run.stdout.trim().split('\n');
  const steps = () => lines().map((line) => JSON.parse(line) as Line);
  const found = (name: string, what: string) =>
    steps()
      .find((step) => step.name === name)
      ?.findings.find((finding) => finding.what === what)?.value;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'demo-test-'));
    const child = startDemo(folder);
    const status = new Promise<number | null>((resolve) => child.on('close', resolve));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    run = { status: await status, stdout, stderr };
  }, STORY_MS);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('ends with status 0 and says nothing on stderr', () => {
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });

  it('prints one JSON line per step, in order, and nothing else', () => {
    expect(steps().map(({ step, name, ok }) => [step, name, ok])).toEqual(
      STEPS.map((name, index) => [index + 1, name, true]),
    );
  });

  it('enrols one account through each protocol', () => {
    expect(found('enrol-through-oidc', 'ada@acme.example')).toMatch(/^sub \S+, member, version 0$/);
    expect(found('enrol-through-saml', 'gwen@globex.example')).toMatch(/^sub \S+, member, version 0$/);
  });

  it('has each bridge’s log cosigned by the other one, and by an auditor', () => {
    expect(found('watch-each-other', 'Acme’s key log')).toMatch(
      /, cosigned by bridge\.globex\.\S+\/witness$/,
    );
    expect(found('watch-each-other', 'Globex’s key log')).toMatch(
      /, cosigned by bridge\.acme\.\S+\/witness$/,
    );
    expect(found('watch-each-other', 'Acme’s log, audited')).toMatch(/^\d+ entries: every rule was kept/);
    expect(found('watch-each-other', 'Globex’s log, audited')).toMatch(/^\d+ entries: every rule was kept/);
  });

  it('feeds a SIEM that may be away, and that has the same log in the end', () => {
    const said = (what: string) => found('feed-the-siem', what);
    expect(said('a test, before it runs')).toMatch(/^sink_unavailable: /);
    expect(said('a test, now it runs')).toMatch(/^arrived after \d+ ms: sink\.tested$/);
    expect(said('what happened before')).toMatch(/^\d+ events, in order, each with the hash of the one/);
    expect(said('while the SIEM is away')).toMatch(/, as ever; (one event waits|\d+ events wait)$/);
    expect(said('when it is back')).toMatch(/^it arrives by itself, \d+ ms later$/);
    expect(found('read-event-logs', 'Acme’s SIEM')).toMatch(/^the same \d+ events in the same order; half/);
  });

  it('verifies the other company’s credential once an auditor has seen it, and not before', () => {
    const said = (what: string) => found('look-up-across-companies', what);
    expect(said('just enrolled')).toBe('level_too_low: witnessed, but audited is demanded');
    expect(said('6  the key log')).toMatch(/^version 0 is the newest, level “audited”, \d+ s old$/);
  });

  it('verifies it without a single request, and not under another auditor', () => {
    const said = (what: string) => found('look-up-across-companies', what);
    expect(said('with the network cut')).toMatch(/^verified, level “audited”, \d+ s old, 0 requests$/);
    expect(said('   shown as Hal’s')).toBe('refused: claims_invalid');
    expect(said('   another auditor pinned')).toMatch(/^refused: level_too_low: /);
  });

  it('adds devices by fingerprint and by six digits', () => {
    expect(found('add-device', 'another fingerprint')).toBe('refused: device_comparison');
    expect(found('add-device', 'phone and laptop show')).toMatch(/^\d{3} \d{3}$/);
    expect(found('add-device', 'Ada’s devices now')).toBe('Ada’s laptop, Ada’s phone, Ada’s tablet');
  });

  it('has one meeting for three people, whose key nobody follows who left or was removed', () => {
    const said = (what: string) => found('meet-across-companies', what);
    expect(said('in the meeting')).toMatch(/^Ada Palmer \(Acme\), .*\(Globex\): all verified by Gwen’s app$/);
    expect(said('all three compare aloud')).toMatch(/^(\d{5} ){5}\d{5}$/);
    expect(said('Gwen leaves')).toMatch(
      /^epoch \d+ at once: Hal hears, the key that Gwen kept opens nothing$/,
    );
    expect(said('   the next key')).toBe('refused: group_unknown');
    expect(said('   the door')).toBe('refused: group_unknown');
    expect(said('   what she missed')).toBe('2 messages, and her key opens none of them');
  });

  it('keeps the transcript for the right people', () => {
    const said = (what: string) => found('keep-transcript', what);
    expect(said('Gwen opens it')).toBe('4 lines, sealed by ada@acme.example');
    expect(said('Hal tries')).toBe('refused: group_unknown');
    expect(said('one byte changed')).toBe('refused: asset_damaged');
  });

  it('hands no key of the closed account out, and has evidence once that is logged', () => {
    expect(found('close-account', 'Ada’s app, at once')).toMatch(/^revoked(_pending)?: no key$/);
    expect(found('close-account', 'once it is logged')).toMatch(/^revoked, level “\w+”, \d+ ms after/);
    expect(found('close-account', 'the evidence')).toBe('version 1, reason “closed”');
  });

  it('refuses each substituted key by its own check', () => {
    const said = (what: string) => found('attack-substituted-key', what)?.replace(/:.*/, '');
    expect(said('somebody in between')).toBe('root_mismatch');
    expect(said('Globex: “Hal rotated”')).toBe('statement_signature');
    expect(said('Globex: “we reset Hal”')).toBe('level_too_low');
    expect(said('   with Hal’s real proof')).toBe('log_proof');
  });

  it('refuses it to somebody who never saw the person, too', () => {
    expect(found('attack-substituted-key', 'to who never saw Hal')).toBe(
      'level_too_low: signed, but audited is demanded',
    );
  });

  it('refuses a partner that speaks for a foreign domain, on every way', () => {
    const said = (what: string) => found('attack-foreign-domain', what);
    expect(said('shown to Ada directly')).toMatch(/^domain_not_approved: /);
    expect(said('looked up by Ada')).toBe('refused: partner_unknown');
    expect(said('passed off as Hal’s')).toMatch(/^refused: partner_foreign_domain: /);
    expect(said('approved for it?')).toMatch(/^partner_dns: /);
  });

  it('refuses the replayed SAML response, and the same in another sign-in', () => {
    expect(found('attack-replayed-response', 'posted again')).toMatch(/^replayed /);
    expect(found('attack-replayed-response', 'in another sign-in')).toMatch(/^saml_in_response_to /);
  });

  it('does not start on a restored backup, with its head file or without', () => {
    const said = (what: string) => found('attack-two-histories', what);
    expect(said('a restored backup')).toMatch(/^state_refused: .* the head file at \d+$/);
    expect(said('   without its head file')).toMatch(/^state_refused: .*\/witness has seen \d+$/);
  });

  it('finds the forked log, by witness, policy, app and auditor, and proves it', () => {
    const said = (what: string) => found('attack-two-histories', what);
    expect(said('shown to the witness')).toMatch(/^refused: /);
    expect(said('   to who never saw him')).toBe('level_too_low: logged, but audited is demanded');
    expect(said('Ada’s app')).toMatch(/^log_split_view: /);
    expect(said('   checked by anybody')).toContain('says PROVEN: ');
    expect(said('the auditor')).toMatch(/^alarm, and no cosignature: split_view: /);
  });

  it('tells a person, and the company, of a key that she did not make', () => {
    const said = (what: string) => found('attack-added-key', what);
    expect(said('the auditor')).toMatch(/ every rule was kept, /);
    expect(said('   then')).toMatch(/^unrecognized_version, \d+ ms after the enrolment: version 2 /);
    expect(said('Acme’s SIEM')).toBe('key.unrecognized: unrecognized_version, version 2');
    expect(said('Hal, who had pinned her')).toMatch(/^changed_key: /);
  });

  it('finds both event logs whole', () => {
    expect(found('read-event-logs', 'Acme’s log')).toMatch(/^\d+ events, chain verified/);
    expect(found('read-event-logs', 'Globex’s log')).toMatch(/^\d+ events, chain verified/);
  });

  it('leaves nothing behind', async () => {
    expect(await leftIn(folder)).toEqual([]);
  });
});

describe('a demo that is ended before its end', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'demo-test-'));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function endAfterFirstStep(end: (child: Demo) => unknown): Promise<number | null> {
    const child = startDemo(folder);
    const status = new Promise<number | null>((resolve) => child.on('exit', resolve));
    await once(child.stdout, 'data');
    end(child);
    return status;
  }

  it.each([
    ['by Ctrl-C', (child: Demo) => child.kill('SIGINT')],
    ['because nobody reads on', (child: Demo) => child.stdout.destroy()],
  ])('%s stops with status 130 and leaves nothing behind', async (_how, end) => {
    expect(await endAfterFirstStep(end)).toBe(130);
    expect(await leftIn(folder)).toEqual([]);
  });
});
