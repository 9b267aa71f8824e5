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
  'enrol-through-oidc',
  'enrol-through-saml',
  'look-up-across-companies',
  'add-device',
  'close-account',
  'attack-substituted-key',
  'attack-foreign-domain',
  'attack-replayed-response',
  'read-event-logs',
];
const STORY_MS = 120_000;

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

  it('verifies the other company’s credential without a single request', () => {
    expect(found('look-up-across-companies', 'with the network cut')).toMatch(/^verified, .* 0 requests; /);
  });

  it('adds devices by fingerprint and by six digits', () => {
    expect(found('add-device', 'another fingerprint')).toBe('refused: device_comparison');
    expect(found('add-device', 'phone and laptop show')).toMatch(/^\d{3} \d{3}$/);
    expect(found('add-device', 'Ada’s devices now')).toBe('Ada’s laptop, Ada’s phone, Ada’s tablet');
  });

  it('sees the closed account as revoked, with evidence, at the next look-up', () => {
    expect(found('close-account', 'Ada’s app learns it')).toMatch(/^revoked, \d+ ms after/);
    expect(found('close-account', 'the evidence')).toBe('version 1, reason “closed”');
  });

  it('refuses each substituted key by its own check', () => {
    const said = (what: string) => found('attack-substituted-key', what)?.replace(/:.*/, '');
    expect(said('somebody in between')).toBe('root_mismatch');
    expect(said('Globex: “Hal rotated”')).toBe('statement_signature');
    expect(said('Globex: “we reset Hal”')).toBe('changed_key');
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
