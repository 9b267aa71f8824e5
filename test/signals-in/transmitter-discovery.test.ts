import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';
import { type SetTransmitter, startSetTransmitter } from '../fakes/set-transmitter.ts';

const SSF = '/.well-known/ssf-configuration';
const OIDC = '/.well-known/openid-configuration';
const PATH = '/admin/v1/signals/transmitters';

let bridge: BridgeFixture;
let idp: SetTransmitter;
let token: string;
let terminal: RecordedTerminal;
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  bridge = await bridgeFixture();
  const stage = { ...bridge, onClose: (close: () => Promise<void>) => void closing.push(close) };
  idp = await startSetTransmitter(stage, 'login.acme.localhost');
  token = await bridge.administrator();
  terminal = await recordedTerminal(bridge.fetch);
  const authentication = { method: 'client_secret_post', secret: 'a-secret-of-the-company' };
  const settings = { issuer: idp.issuer, clientId: 'countersign', authentication };
  const connection = { id: 'work', name: 'Work', protocol: 'oidc', settings };
  expect((await bridge.ask('POST', '/admin/v1/connections', connection, token)).status).toBe(201);
});
afterAll(async () => {
  await terminal.remove();
  for (const close of closing) await close();
  await bridge.remove();
});
beforeEach(() => {
  idp.documents.clear();
  idp.documents.set(SSF, null).set(OIDC, null);
});

const find = async (issuer?: string) => {
  const search = { connection: 'work', ...(issuer === undefined ? {} : { issuer }) };
  const { status, body } = await bridge.ask('POST', `${PATH}/discovery`, search, token);
  return status === 200 ? body : body.code;
};
const published = (more: object = {}) => ({ issuer: idp.issuer, jwks_uri: idp.jwksUri, ...more });

function run(args: readonly string[], answers?: string[]) {
  const env = { COUNTERSIGN_URL: bridge.issuer, COUNTERSIGN_TOKEN: token };
  const given = answers === undefined ? { env } : { env, answers };
  return terminal.run(['signals', 'transmitter', ...args], given);
}

describe('where the keys of a transmitter are', () => {
  it('is read from its transmitter configuration first', async () => {
    idp.documents.set(SSF, published({ delivery_methods_supported: ['urn:ietf:rfc:8935'] }));
    idp.documents.set(OIDC, published({ jwks_uri: `${idp.issuer}/sign-in-keys` }));
    expect(await find()).toEqual({ ...published(), source: 'ssf-configuration', push: true });
  });

  it('is read from the OpenID configuration where it has no other', async () => {
    idp.documents.set(OIDC, published());
    expect(await find()).toEqual({ ...published(), source: 'openid-configuration', push: null });
  });

  it('is read from between host and path of an issuer with a path', async () => {
    const issuer = `${idp.issuer}/tenants/acme`;
    idp.documents.set(`${SSF}/tenants/acme`, published({ issuer, delivery_methods_supported: [] }));
    expect(await find(issuer)).toEqual({
      ...published({ issuer }),
      source: 'ssf-configuration',
      push: false,
    });
  });

  it.each([
    ['is another issuer’s', { issuer: 'https://login.globex.example' }],
    ['names no keys', { jwks_uri: undefined }],
    ['names keys that are not fetched over TLS', { jwks_uri: 'http://login.acme.localhost/jwks' }],
  ])('is not taken from a configuration that %s, nor looked for elsewhere then', async (_, lies) => {
    idp.documents.set(SSF, published(lies));
    idp.documents.set(OIDC, published());
    expect(await find()).toBe('upstream_invalid');
  });

  it('is not known where nothing is published', async () => {
    expect(await find()).toBe('upstream_unreachable');
    expect(await find('https://nowhere.acme.example')).toBe('upstream_unreachable');
  });

  it('is looked for nowhere but at https: URLs, and for no connection that there is not', async () => {
    expect(await find('http://login.acme.localhost')).toBe('malformed_request');
    const search = { connection: 'other' };
    expect((await bridge.ask('POST', `${PATH}/discovery`, search, token)).body.code).toBe(
      'connection_unknown',
    );
  });
});

describe('countersign signals transmitter add, without the keys', () => {
  it('shows what it found, and takes nothing over that nobody confirmed', async () => {
    idp.documents.set(SSF, published());
    const refused = await run(['add', 'work'], ['no']);
    expect([refused.code, refused.said.includes(idp.jwksUri)]).toEqual([2, true]);
    expect((await run(['add', 'work'])).said).toContain('--yes');
    expect((await run(['list'])).out).toContain('There are none.');
    const added = await run(['add', 'work', '--effect', 'credential-compromise=close'], ['yes']);
    expect(added.said).toMatch(/found in: +ssf-configuration/);
    expect(added.out).toMatch(/Authorization: Bearer [A-Za-z0-9_-]{43}$/);
    expect(JSON.parse((await run(['show', 'work', '--json'])).out)).toMatchObject({
      ...{ issuer: idp.issuer, jwks_uri: idp.jwksUri, effects: { 'credential-compromise': 'close' } },
    });
    expect((await run(['test', 'work'])).out).toContain('1 keys');
    await run(['remove', 'work', '--yes']);
  });

  it('wants the issuer of keys that are given', async () => {
    const { code, said } = await run(['add', 'work', '--jwks-uri', idp.jwksUri]);
    expect([code, said.includes('--issuer')]).toEqual([2, true]);
  });
});
