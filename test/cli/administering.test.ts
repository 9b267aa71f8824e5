import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateSigningKey } from '../../protocol/ed25519.ts';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { type RecordedTerminal, recordedTerminal } from './recorded-terminal.ts';

let bridge: BridgeFixture;
let terminal: RecordedTerminal;

beforeAll(async () => {
  bridge = await bridgeFixture();
  terminal = await recordedTerminal(bridge.fetch);
});
afterAll(async () => {
  await terminal.remove();
  await bridge.remove();
});

const run = (...args: string[]) => terminal.run(args);
const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).out);

describe('without a token', () => {
  it('says how to get one, and calls that a wrong call', async () => {
    const { code, said } = await run('domain', 'list');
    expect(code).toBe(2);
    expect(said).toContain('countersign admin link');
  });

  it('does not send a token over anything but https', async () => {
    const env = { COUNTERSIGN_URL: 'http://bridge.acme.example', COUNTERSIGN_TOKEN: 'csadm_x' };
    const { code, said } = await terminal.run(['domain', 'list'], { env });
    expect(code).toBe(2);
    expect(said).toContain('not an https URL');
  });

  it('says what the bridge said to a wrong one, with the request id', async () => {
    const env = { COUNTERSIGN_URL: bridge.issuer, COUNTERSIGN_TOKEN: 'csadm_x' };
    const { code, said } = await terminal.run(['domain', 'list'], { env });
    expect(code).toBe(1);
    expect(said).toMatch(/code unauthenticated, request id [0-9a-f-]{36}/);
    expect(said).not.toContain('csadm_x');
  });
});

describe('an administrator at the command line', () => {
  it('claims a one-time link into a file that only they can read', async () => {
    const { url } = await bridge.running.services.administrators.createLink();
    const { code, out } = await run('admin', 'claim', url, '--name', 'Ada');
    expect(code).toBe(0);
    expect(out).toContain('as “Ada”');
    const path = join(terminal.home, '.config', 'countersign', 'credentials.json');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ url: bridge.issuer });
    const again = await run('admin', 'claim', url);
    expect(again.code).toBe(1);
    expect(again.said).toContain('bootstrap_invalid');
  });

  it('keeps the link good where the token could not be kept', async () => {
    const { url } = await bridge.running.services.administrators.createLink();
    const nowhere = { XDG_CONFIG_HOME: '/dev/null/config' };
    const refused = await terminal.run(['admin', 'claim', url, '--name', 'Lost'], { env: nowhere });
    expect(refused).toMatchObject({ code: 2, out: '' });
    expect(refused.said).toContain(
      '/dev/null/config/countersign/credentials.json cannot be written (ENOTDIR)',
    );
    const elsewhere = { XDG_CONFIG_HOME: join(terminal.home, 'elsewhere') };
    const { code } = await terminal.run(['admin', 'claim', url, '--name', 'Found'], { env: elsewhere });
    expect(code).toBe(0);
    const { tokens } = await json('admin', 'token', 'list');
    expect(tokens.map(({ name }: { name: string }) => name)).not.toContain('Lost');
  });

  it('does not send the stored token to another bridge', async () => {
    const env = { COUNTERSIGN_URL: 'https://bridge.globex.example' };
    const { code, said } = await terminal.run(['domain', 'list'], { env });
    expect(code).toBe(2);
    expect(said).toContain(`for ${bridge.issuer}, not for https://bridge.globex.example`);
  });

  it('adds and proves a domain', async () => {
    const added = await run('domain', 'add', 'acme.example');
    expect(added.out).toContain('_countersign-challenge.acme.example');
    expect(added.out).toContain(`v=countersign1 entity=${bridge.issuer} root=${bridge.root.kid}`);
    const early = await run('domain', 'verify', 'acme.example');
    expect(early.code).toBe(1);
    expect(early.said).toContain('Publish _countersign-challenge.acme.example TXT');
    const { domains } = await json('domain', 'list');
    bridge.names.setTxt(domains[0].record.name, [domains[0].record.value]);
    expect((await run('domain', 'verify', 'acme.example')).out).toContain('is proven');
    expect((await run('domain', 'list')).out).toMatch(/^DOMAIN +STATUS.*\nacme\.example +verified/);
  });

  it('adds a connection, told what the identity provider must know, its secret never shown', async () => {
    const secret = join(terminal.home, 'secret');
    await writeFile(secret, 'top-secret\n');
    const added = await terminal.run([
      ...['connection', 'add-oidc', '--id', 'login', '--name', 'Acme login', '--domain', 'acme.example'],
      ...['--issuer', 'https://login.acme.example', '--client-id', 'x', '--client-secret-file', secret],
    ]);
    expect(added.code).toBe(0);
    expect(added.out).toContain(`${bridge.issuer}/sign-in/oidc/login/callback`);
    expect(added.out).toContain('Next: countersign connection test login');
    const shown = await run('connection', 'show', 'login', '--json');
    expect(shown.out).not.toContain('top-secret');
    expect(JSON.parse(shown.out)).toMatchObject({ status: 'draft', hasSecret: true });
    const early = await run('connection', 'activate', 'login');
    expect(early.said).toContain('connection_untested');
  });

  it('is told every fault of a connection’s settings, as a fault of theirs', async () => {
    const { code, said } = await terminal.run([
      ...['connection', 'add-oidc', '--name', 'x', '--issuer', 'http://login.example', '--client-id', 'x'],
      ...['--authentication', 'none'],
    ]);
    expect(code).toBe(1);
    expect(said).toContain('issuer');
    expect(said).toContain('malformed_request');
  });

  it('is asked before something that cannot be taken back', async () => {
    await run('domain', 'add', 'other.example');
    const alone = await run('domain', 'remove', 'other.example');
    expect(alone.code).toBe(2);
    expect(alone.said).toContain('--yes');
    const no = await terminal.run(['domain', 'remove', 'other.example'], { answers: ['no'] });
    expect(no.code).toBe(2);
    expect((await json('domain', 'list')).domains).toHaveLength(2);
    const yes = await terminal.run(['domain', 'remove', 'other.example'], { answers: ['yes'] });
    expect(yes.code).toBe(0);
    expect((await json('domain', 'list')).domains).toHaveLength(1);
  });

  it('registers and removes a client app', async () => {
    const added = await json(
      'app',
      'add',
      'Meet',
      '--id',
      'meet',
      '--redirect-uri',
      'https://meet.example/back',
    );
    expect(added).toMatchObject({ id: 'meet', redirectUris: ['https://meet.example/back'] });
    expect((await run('app', 'list')).out).toContain('meet');
    expect((await run('app', 'remove', 'meet', '--yes')).code).toBe(0);
    expect((await json('app', 'list')).apps).toEqual([]);
  });

  it('makes a token for a machine and revokes it', async () => {
    const made = await run('admin', 'token', 'create', 'SIEM', '--days', '30');
    expect(made.out).toMatch(/^csadm_[\w-]{43}$/);
    const env = { COUNTERSIGN_URL: bridge.issuer, COUNTERSIGN_TOKEN: made.out };
    expect((await terminal.run(['events', '--limit', '1'], { env })).code).toBe(0);
    const { tokens } = await json('admin', 'token', 'list');
    const { id } = tokens.find(({ name }: { name: string }) => name === 'SIEM');
    await run('admin', 'token', 'revoke', id, '--yes');
    expect((await terminal.run(['events', '--limit', '1'], { env })).code).toBe(1);
  });

  it('gives a token roles, shows them, and is told which there are', async () => {
    const make = (...roles: string[]) =>
      run('admin', 'token', 'create', 'Eve', ...roles.flatMap((role) => ['--role', role]));
    const made = await make('auditor', 'siem');
    expect(made.said).toContain('“Eve” (auditor, siem)');
    expect((await run('admin', 'token', 'list')).out).toMatch(/Eve +auditor, siem +/);
    const env = { COUNTERSIGN_URL: bridge.issuer, COUNTERSIGN_TOKEN: made.out };
    expect((await terminal.run(['domain', 'list'], { env })).code).toBe(0);
    const denied = await terminal.run(['domain', 'add', 'eve.example'], { env });
    expect(denied.code).toBe(1);
    expect(denied.said).toContain('no-permit');
    const wrong = await make('root');
    expect(wrong.code).toBe(2);
    expect(wrong.said).toContain('owner, operator, policy-approver, auditor, siem');
  });

  it('finds nobody by an address that nobody holds', async () => {
    for (const act of ['show', 'close', 'reset']) {
      const { code, said } = await run('person', act, 'nobody@acme.example');
      expect(code).toBe(1);
      expect(said).toContain('person_unknown');
    }
    expect((await run('person', 'list')).out).toBe('Nobody has signed in yet.');
    expect((await run('trace', 'show', 'ABCD-EFGH-JKMN')).said).toContain('not_found');
  });

  it('registers a service by its public keys and closes it', async () => {
    const { record } = await json('domain', 'add', 'services.example');
    bridge.names.setTxt(record.name, [record.value]);
    await run('domain', 'verify', 'services.example');
    const { publicKey } = await generateSigningKey(false);
    const file = join(terminal.home, 'bot.jwks.json');
    const add = (assurance: string) =>
      run(
        ...['service', 'add', '--name', 'Bot', '--assurance', assurance, '--jwks', file, '--json'],
        ...['--address', 'bot@services.example'],
      );
    expect((await add('bot')).code).toBe(2);
    await writeFile(file, JSON.stringify({ keys: [{ ...publicKey, kid: 'one', use: 'sig' }] }));
    expect((await add('member')).code).toBe(2);
    const { id, assurance } = JSON.parse((await add('bot')).out);
    expect({ id, assurance }).toEqual({ id: expect.stringMatching(/^service-/), assurance: 'bot' });
    expect((await run('service', 'list')).out).toContain('bot@services.example');
    expect((await run('service', 'close', id, '--yes')).code).toBe(0);
    expect((await json('service', 'list')).services).toMatchObject([{ id, status: 'closed' }]);
  });

  it('is told why a partner cannot be found', async () => {
    const { code, said } = await run('partner', 'discover', 'globex.example');
    expect(code).toBe(1);
    expect(said).toContain('There is no countersign1 record at _countersign.globex.example.');
    expect((await run('partner', 'list')).out).toContain('There are none.');
    const unknown = await run('partner', 'show', 'https://bridge.globex.example');
    expect({ ...unknown, said: unknown.said.includes('partner_unknown') }).toMatchObject({
      code: 1,
      said: true,
    });
  });

  it('reads the events, for people and for machines', async () => {
    await bridge.running.services.events.settled();
    const people = await run('events', '--since', '1');
    expect(people.out).toMatch(
      /domain\.added {2}by administrator Ada at 127\.0\.0\.1 {2}domain=acme\.example/,
    );
    const lines = (await run('events', '--json')).out.split('\n').map((line) => JSON.parse(line));
    expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, index) => index + 1));
  });

  it('is shown no control characters that a stranger named something with', async () => {
    await run('app', 'add', 'Evil\u001b[2J', '--id', 'evil', '--redirect-uri', 'https://evil.example/');
    expect((await run('app', 'list')).out).not.toContain('\u001b');
  });
});

describe('a command that does not exist', () => {
  it('is a wrong call that suggests the one that was meant', async () => {
    const { code, said } = await run('domian', 'list');
    expect(code).toBe(2);
    expect(said).toContain('domain');
  });

  it('shows help with exit code 0', async () => {
    const { code, out } = await run('--help');
    expect(code).toBe(0);
    expect(out).toContain('connection');
  });
});
