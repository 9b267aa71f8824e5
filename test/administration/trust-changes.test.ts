import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventLog } from '../../bridge/events/event-log.ts';
import { createAdministrators } from '../../bridge/identity/administrators.ts';
import { createDomains } from '../../bridge/identity/domains.ts';
import { createStagingLog } from '../../bridge/keylog/database-key-log.ts';
import type { KeyLog } from '../../bridge/keylog/key-log.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { type LoggedTrustChange, loggedTrustChanges } from '../identity/logged-trust-changes.ts';
import { type BridgeFixture, bridgeFixture } from './bridge-fixture.ts';

const DAY_MS = 86_400_000;

let bridge: BridgeFixture;
let token: string;
let ada: unknown;

beforeEach(async () => {
  bridge = await bridgeFixture();
  token = await bridge.administrator();
  const { body } = await bridge.ask('GET', '/admin/v1/tokens', undefined, token);
  ada = { kind: 'administrator', id: (body.tokens as { id: string }[])[0]?.id };
});
afterEach(() => bridge.remove());

const logged = (prefix: string) => bridge.inStore((database) => loggedTrustChanges(database, prefix));
const steps = (changes: readonly LoggedTrustChange[]) =>
  changes.map(({ version, change, by, state }) => [version, change, by, state?.status ?? null]);
const now = () => Math.floor(bridge.clock.now() / 1000);

async function add(domain: string): Promise<void> {
  const { body } = await bridge.ask('POST', '/admin/v1/domains', { domain }, token);
  const { name, value } = body.record as { name: string; value: string };
  bridge.names.setTxt(name, [value]);
}

const verify = (domain: string) => bridge.ask('POST', `/admin/v1/domains/${domain}/verify`, undefined, token);

/** The contexts on the same store, over an event log that cannot write. */
async function whereEventsFail<T>(
  work: (deps: Parameters<typeof createDomains>[0]) => Promise<T>,
): Promise<T> {
  const events: Pick<EventLog, 'append'> = {
    append: () => Promise.reject(new Error('no room for the event')),
  };
  return bridge.inStore((database) =>
    work({
      ...{ issuer: bridge.issuer, database, events: events as EventLog, clock: bridge.clock },
      ...{ keyLog: createStagingLog(), resolver: bridge.names },
      partnerOf: async () => undefined,
    }),
  );
}

describe('What the key log commits to of a domain', () => {
  it('is one version when it is named, proven, lost, proven again and removed, and counts on after that', async () => {
    await add('acme.example');
    await verify('acme.example');
    bridge.names.setTxt('_countersign-challenge.acme.example', []);
    for (let day = 0; day < 3; day += 1) {
      bridge.clock.advance(DAY_MS);
      await bridge.running.services.domains.recheck();
    }
    token = await bridge.administrator('Bo');
    await add('acme.example');
    await verify('acme.example');
    await bridge.ask('DELETE', '/admin/v1/domains/acme.example', undefined, token);
    await add('acme.example');
    const found = await logged('domain/');
    const bo = found[3]?.by;
    expect(bo).toMatchObject({ kind: 'administrator' });
    expect(bo).not.toEqual(ada);
    expect(steps(found)).toEqual([
      [0, 'domain.added', ada, 'pending'],
      [1, 'domain.verified', ada, 'verified'],
      [2, 'domain.lost', { kind: 'system' }, 'lost'],
      [3, 'domain.verified', bo, 'verified'],
      [4, 'domain.removed', bo, null],
      [5, 'domain.added', bo, 'pending'],
    ]);
    expect(found.every(({ name }) => name === 'domain/acme.example')).toBe(true);
    expect(found[1]).toMatchObject({ iss: bridge.issuer, state: { verified: now() - 3 * 86_400 } });
    expect(found[5]?.at).toBe(now());
  });

  it('does not grow where nothing changed', async () => {
    await add('acme.example');
    await add('acme.example');
    await verify('acme.example');
    await verify('acme.example');
    bridge.clock.advance(DAY_MS);
    await bridge.running.services.domains.recheck();
    token = await bridge.administrator();
    await add('other.example');
    bridge.names.setTxt('_countersign-challenge.other.example', []);
    expect((await verify('other.example')).body.code).toBe('domain_unproven');
    expect(steps(await logged('domain/')).map(([version, change]) => [version, change])).toEqual([
      [0, 'domain.added'],
      [1, 'domain.verified'],
      [0, 'domain.added'],
    ]);
  });

  it('is undone with the change whose transaction fails', async () => {
    await whereEventsFail(async (deps) => {
      const domains = createDomains(deps);
      await expect(domains.add('acme.example', SYSTEM)).rejects.toThrow('no room');
    });
    expect(await logged('domain/')).toEqual([]);
  });

  it('says of every connection that may assert it that it may no more, once it is removed', async () => {
    await add('acme.example');
    await add('acme-labs.example');
    const settings = {
      issuer: 'https://login.acme-idp.example',
      clientId: 'countersign',
      authentication: { method: 'client_secret_basic', secret: 'not to be logged' },
    };
    for (const [id, domains] of [
      ['both', ['acme.example', 'acme-labs.example']],
      ['labs', ['acme-labs.example']],
    ]) {
      const connection = { id, name: 'Acme', protocol: 'oidc', settings, domains };
      const { status } = await bridge.ask('POST', '/admin/v1/connections', connection, token);
      expect(status).toBe(201);
    }
    await bridge.ask('DELETE', '/admin/v1/domains/acme.example', undefined, token);
    const found = await logged('connection/');
    expect(found.map(({ name, change, state }) => [name, change, state?.domains])).toEqual([
      ['connection/both', 'connection.created', ['acme-labs.example', 'acme.example']],
      ['connection/both', 'connection.changed', ['acme-labs.example']],
      ['connection/labs', 'connection.created', ['acme-labs.example']],
    ]);
    expect(found[1]?.by).toEqual(ada);
    expect(JSON.stringify(found)).not.toContain('not to be logged');
  });

  it('has a name that fits: a domain is refused whose record is longer than DNS takes', async () => {
    const label = 'a'.repeat(56);
    const longest = `${label}.${label}.${label}.${'a'.repeat(51)}.example`;
    expect(longest).toHaveLength(230);
    const ask = (domain: string) => bridge.ask('POST', '/admin/v1/domains', { domain }, token);
    expect((await ask(longest)).status).toBe(201);
    expect(await ask(`a${longest}`)).toMatchObject({ status: 400, body: { code: 'domain_refused' } });
    expect(await logged('domain/')).toHaveLength(1);
  });
});

describe('What the key log commits to of an administrator', () => {
  it('is the link, the token that came of it, and each token that was made with that', async () => {
    const made = await bridge.ask('POST', '/admin/v1/tokens', { name: 'Bo', expiresIn: 3_600 }, token);
    const found = await logged('administrator/');
    const link = found.find(({ change }) => change === 'admin.link_created');
    const first = found.find(({ change }) => change === 'admin.bootstrapped');
    const second = found.find(({ change }) => change === 'admin.token_created');
    expect(found).toHaveLength(3);
    expect(link).toMatchObject({
      ...{ iss: bridge.issuer, version: 0, by: { kind: 'system' }, at: now() },
      state: { expires: now() + 900, token_life: null, roles: ['owner'] },
    });
    expect(first).toMatchObject({
      ...{ name: `administrator/${(ada as { id: string }).id}`, version: 0, by: { kind: 'anonymous' } },
      state: { name: 'Ada', expires: now() + 12 * 3_600, parent: null, roles: ['owner'] },
    });
    expect(`administrator/${String(first?.state?.link)}`).toBe(link?.name);
    expect(second).toMatchObject({
      ...{ name: `administrator/${String(made.body.id)}`, version: 0, by: ada },
      state: { name: 'Bo', expires: now() + 3_600, parent: (ada as { id: string }).id, link: null },
    });
    const text = JSON.stringify(found);
    expect(text).not.toContain(token.slice('csadm_'.length));
    expect(text).not.toContain(String(made.body.token).slice('csadm_'.length));
  });

  it('is one version for every token that ends when one is revoked', async () => {
    const child = await bridge.ask('POST', '/admin/v1/tokens', { name: 'Child' }, token);
    const asChild = String(child.body.token);
    const grandchild = await bridge.ask('POST', '/admin/v1/tokens', { name: 'Grandchild' }, asChild);
    await bridge.ask('DELETE', `/admin/v1/tokens/${String(child.body.id)}`, undefined, token);
    const revoked = (await logged('administrator/')).filter(({ change }) => change === 'admin.token_revoked');
    expect(revoked.map(({ name }) => name)).toEqual([
      `administrator/${String(child.body.id)}`,
      `administrator/${String(grandchild.body.id)}`,
    ]);
    for (const change of revoked) expect(change).toMatchObject({ version: 1, by: ada, state: null });
  });

  it('never has the secret of a link, nor grows by a link that is used twice', async () => {
    const { url } = await bridge.running.services.administrators.createLink({ tokenLife: 86_400 });
    const secret = new URL(url).hash.slice(1);
    const claim = () => bridge.ask('POST', '/admin/v1/bootstrap', { token: secret, name: 'SIEM' });
    expect((await claim()).status).toBe(201);
    const found = await logged('administrator/');
    expect(found.map(({ state }) => state?.token_life)).toContain(86_400);
    expect(JSON.stringify(found)).not.toContain(secret);
    expect((await claim()).body.code).toBe('bootstrap_invalid');
    expect(await logged('administrator/')).toEqual(found);
  });

  it('is undone with the change whose transaction fails', async () => {
    const withdrawApprovals = async () => {};
    const before = await logged('administrator/');
    const { url } = await bridge.running.services.administrators.createLink();
    const taken = { token: new URL(url).hash.slice(1), name: 'Mallory' };
    await whereEventsFail(async (deps) => {
      const administrators = createAdministrators({ ...deps, withdrawApprovals });
      await expect(administrators.bootstrap(taken, SYSTEM)).rejects.toThrow('no room');
    });
    expect(await logged('administrator/')).toHaveLength(before.length + 1);
    const refused: Pick<KeyLog, 'stage'> = { stage: () => Promise.reject(new Error('the log is full')) };
    await whereEventsFail(async (deps) => {
      const administrators = createAdministrators({ ...deps, keyLog: refused as KeyLog, withdrawApprovals });
      await expect(administrators.createLink()).rejects.toThrow('the log is full');
    });
    const links = await bridge.inStore((database) =>
      database.read((query) => query.selectFrom('bootstrap_links').select('hash').execute()),
    );
    expect(links).toHaveLength(1);
  });
});
