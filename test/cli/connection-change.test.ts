import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findConnection } from '../../bridge/identity/connection-store.ts';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { type RecordedTerminal, recordedTerminal } from './recorded-terminal.ts';

let bridge: BridgeFixture;
let terminal: RecordedTerminal;

beforeAll(async () => {
  bridge = await bridgeFixture();
  terminal = await recordedTerminal(bridge.fetch);
  const { url } = await bridge.running.services.administrators.createLink();
  await run('admin', 'claim', url, '--name', 'Ada');
  const env = { COUNTERSIGN_CLIENT_SECRET: 'top-secret' };
  const oidc = ['--issuer', 'https://login.acme.example', '--client-id', 'x', '--address-claim', 'email'];
  await terminal.run(['connection', 'add-oidc', '--id', 'login', '--name', 'Login', ...oidc], { env });
  const saml = ['--metadata-url', 'https://sso.acme.example/metadata', '--address-attribute', 'mail'];
  await run('connection', 'add-saml', '--id', 'sso', '--name', 'SSO', ...saml);
});
afterAll(async () => {
  await terminal.remove();
  await bridge.remove();
});

const run = (...args: string[]) => terminal.run(args);
const settings = async (id: string) =>
  JSON.parse((await run('connection', 'show', id, '--json')).out).settings;
const change = async (id: string, ...args: string[]) => {
  const { code, said, out } = await run('connection', 'change', id, ...args, '--json');
  return { code, said, settings: code === 0 ? JSON.parse(out).settings : undefined };
};
const sealedSecret = () =>
  bridge.inStore((database) =>
    database.read(async (query) => (await findConnection(query, 'login'))?.secret),
  );

describe('a setting of a connection', () => {
  it('changes alone: how the secret is sent, and the secret itself stays', async () => {
    const [before, sealed] = [await settings('login'), await sealedSecret()];
    const changed = await change('login', '--authentication', 'client_secret_basic');
    expect(changed).toMatchObject({ code: 0, said: '' });
    expect(changed.settings).toEqual({ ...before, authentication: { method: 'client_secret_basic' } });
    expect(await sealedSecret()).toEqual(sealed);
  });

  it('changes with others of OpenID Connect, and back', async () => {
    const before = await settings('login');
    const changed = await change('login', '--trust-addresses', '--subject-claim', 'oid', '--client-id', 'y');
    expect(changed.settings).toEqual({
      ...before,
      clientId: 'y',
      emailVerified: 'trusted-domain',
      claims: { ...before.claims, subject: 'oid' },
    });
    const back = await change('login', '--no-trust-addresses', '--subject-claim', 'sub', '--client-id', 'x');
    expect(back.settings).toEqual(before);
  });

  it('is a new secret from a file, which nobody is shown', async () => {
    const file = join(terminal.home, 'secret');
    await writeFile(file, 'a new secret\n');
    const sealed = await sealedSecret();
    const { out } = await run('connection', 'change', 'login', '--client-secret-file', file);
    expect(out).toContain('Next: countersign connection test login');
    expect(out).not.toContain('a new secret');
    expect(await sealedSecret()).not.toEqual(sealed);
  });

  it('is asked for the secret where the method needs one and none is stored', async () => {
    expect((await change('login', '--authentication', 'none')).code).toBe(0);
    const alone = await change('login', '--authentication', 'client_secret_post');
    expect(alone).toMatchObject({ code: 2, said: expect.stringContaining('COUNTERSIGN_CLIENT_SECRET') });
    const answers = ['top-secret'];
    const args = ['connection', 'change', 'login', '--authentication', 'client_secret_post'];
    expect((await terminal.run(args, { answers })).out).toMatch(/secret stored: +yes/);
  });

  it('changes with others of SAML, and keeps those that are not named', async () => {
    const before = await settings('sso');
    const changed = await change('sso', '--subject-attribute', 'uid', '--want-encrypted');
    expect(changed.settings).toEqual({ ...before, subject: { attribute: 'uid' }, wantEncrypted: true });
    const moved = await change('sso', '--metadata-url', 'https://new.acme.example/m', '--no-want-encrypted');
    expect(moved.settings).toEqual({
      ...changed.settings,
      idp: { metadata: { url: 'https://new.acme.example/m' } },
      wantEncrypted: false,
    });
  });

  it.each([
    ['of the other protocol', 'login', ['--want-encrypted'], 'OpenID Connect, which has no --want-encrypted'],
    ['of the other protocol', 'sso', ['--issuer', 'https://x.example'], 'SAML, which has no --issuer'],
    ['beside all settings', 'login', ['--settings', 'x.json', '--client-id', 'z'], 'or --client-id'],
    ['that is none', 'login', [], 'Say what to change'],
  ])('is refused as a wrong call: %s', async (_what, id, args, words) => {
    const before = await settings(id);
    expect(await change(id, ...args)).toMatchObject({ code: 2, said: expect.stringContaining(words) });
    expect(await settings(id)).toEqual(before);
  });
});
