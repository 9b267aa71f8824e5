import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';

let bridge: BridgeFixture;
let token: string;
let terminal: RecordedTerminal;

beforeAll(async () => {
  bridge = await bridgeFixture();
  token = await bridge.administrator();
  terminal = await recordedTerminal(bridge.fetch);
  const settings = {
    ...{ issuer: 'https://login.acme.example', clientId: 'countersign' },
    authentication: { method: 'client_secret_post', secret: 'a-secret-of-the-company' },
  };
  const connection = { id: 'work', name: 'Work', protocol: 'oidc', settings };
  expect((await bridge.ask('POST', '/admin/v1/connections', connection, token)).status).toBe(201);
});
afterAll(async () => {
  await terminal.remove();
  await bridge.remove();
});

function run(args: readonly string[], answers?: string[]) {
  const env = { COUNTERSIGN_URL: bridge.issuer, COUNTERSIGN_TOKEN: token };
  const given = answers === undefined ? { env } : { env, answers };
  return terminal.run(['signals', 'transmitter', ...args], given);
}

const WHERE = ['--issuer', 'https://ssf.acme.example', '--jwks-uri', 'https://ssf.acme.example/jwks'];

describe('countersign signals transmitter', () => {
  it('adds one, and shows once what the identity provider must be told', async () => {
    expect((await run(['list'])).out).toContain('There are none.');
    const added = await run(['add', 'work', ...WHERE, '--effect', 'credential-compromise=close']);
    expect(added.code).toBe(0);
    expect(added.out).toContain(`${bridge.issuer}/signals/v1/connections/work`);
    expect(added.out).toMatch(/Authorization: Bearer [A-Za-z0-9_-]{43}$/);
    const shown = await run(['show', 'work']);
    expect(shown.out).toContain('credential-compromise=close');
    expect(shown.out).toContain('https://login.acme.example');
    expect(shown.out).not.toContain('Bearer');
    expect((await run(['list'])).out).toMatch(
      /work +https:\/\/ssf\.acme\.example +credential-compromise=close +-/,
    );
    expect((await bridge.events()).at(-1)).toMatchObject({
      ...{ type: 'signal.transmitter_added', subject: { connection: 'work' } },
      data: { issuer: 'https://ssf.acme.example' },
    });
  });

  it('changes what is named, and no more', async () => {
    const changed = JSON.parse((await run(['set', 'work', '--audience', 'countersign', '--json'])).out);
    expect(changed).toMatchObject({
      ...{ audience: 'countersign', issuer: 'https://ssf.acme.example' },
      effects: { 'credential-compromise': 'close' },
    });
    const events = await bridge.events();
    expect(events.at(-1)).toMatchObject({
      type: 'signal.transmitter_changed',
      data: { changed: ['audience'] },
    });
  });

  it('makes another token only for who confirms it', async () => {
    expect((await run(['token', 'work'], ['no'])).code).toBe(2);
    expect((await run(['token', 'work'])).said).toContain('--yes');
    expect((await run(['token', 'work'], ['yes'])).out).toMatch(/Bearer [A-Za-z0-9_-]{43}$/);
  });

  it('says that the keys cannot be had', async () => {
    expect(await run(['test', 'work'])).toMatchObject({
      ...{ code: 1, said: expect.stringContaining('upstream_unreachable') },
    });
  });

  it.each([
    [['add', 'work', ...WHERE], 1, 'conflict'],
    [['add', 'other', ...WHERE], 1, 'connection_unknown'],
    [['add', 'other', '--jwks-uri', 'https://ssf.acme.example/jwks'], 2, '--issuer'],
    [['add', 'other'], 1, 'connection_unknown'],
    [['set', 'work', '--jwks-uri', 'http://ssf.acme.example/jwks'], 1, 'malformed_request'],
    [['set', 'work', '--jwks-uri', 'https://user:secret@ssf.acme.example/jwks'], 1, 'outbound_refused'],
    [['set', 'work', '--effect', 'account-enabled=close'], 1, 'must be one of report'],
    [['set', 'work', '--effect', 'session-revoked=close'], 1, 'must be one of sign-out, report'],
    [['set', 'work', '--effect', 'nothing=close'], 1, 'malformed_request'],
    [['set', 'work', '--effect', 'close'], 2, 'EVENT=EFFECT'],
    [['show', 'other'], 1, 'transmitter_unknown'],
    [['remove', 'other', '--yes'], 1, 'transmitter_unknown'],
  ])('refuses %j', async (args, code, words) => {
    expect(await run(args)).toMatchObject({ code, said: expect.stringContaining(words) });
  });

  it('goes with its connection', async () => {
    const settings = {
      issuer: 'https://login.acme.example',
      clientId: 'c',
      authentication: { method: 'none' },
    };
    const connection = { id: 'brief', name: 'Brief', protocol: 'oidc', settings };
    expect((await bridge.ask('POST', '/admin/v1/connections', connection, token)).status).toBe(201);
    expect((await run(['add', 'brief', ...WHERE])).code).toBe(0);
    expect((await bridge.ask('DELETE', '/admin/v1/connections/brief', undefined, token)).status).toBe(204);
    expect((await run(['show', 'brief'])).said).toContain('transmitter_unknown');
  });

  it('removes it', async () => {
    expect((await run(['remove', 'work', '--yes'])).code).toBe(0);
    expect((await run(['show', 'work'])).said).toContain('transmitter_unknown');
    expect((await bridge.events()).at(-2)).toMatchObject({ type: 'signal.transmitter_removed' });
  });
});
