import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdministratorRole } from '../../bridge/policy/decision.ts';
import { loggedTrustChanges } from '../identity/logged-trust-changes.ts';
import { type BridgeFixture, bridgeFixture } from './bridge-fixture.ts';

let bridge: BridgeFixture;
let owner: string;

beforeAll(async () => {
  bridge = await bridgeFixture();
  owner = await bridge.administrator();
});
afterAll(() => bridge.remove());

const make = (by: string, roles?: readonly string[]) =>
  bridge.ask('POST', '/admin/v1/tokens', { name: 'Bo', ...(roles === undefined ? {} : { roles }) }, by);
const end = (by: string, id: unknown) =>
  bridge.ask('DELETE', `/admin/v1/tokens/${String(id)}`, undefined, by);

async function tokenWith(...roles: AdministratorRole[]): Promise<string> {
  return String((await make(owner, roles)).body.token);
}

describe('the roles of an administrator’s token', () => {
  it('are the maker’s own where nothing is said', async () => {
    expect((await make(owner)).body.roles).toEqual(['owner']);
    expect((await make(await tokenWith('operator', 'auditor'))).body.roles).toEqual(['operator', 'auditor']);
  });

  it('are none that the maker does not have', async () => {
    const operator = await tokenWith('operator');
    for (const roles of [['owner'], ['operator', 'siem'], ['policy-approver']]) {
      const { status, body } = await make(operator, roles);
      expect(status).toBe(403);
      expect(body.detail).toMatch(/^roles-of-others-within-own: /);
    }
    expect((await make(operator, ['operator'])).status).toBe(201);
  });

  it('are whichever an owner says, once each', async () => {
    expect((await make(owner, ['siem', 'policy-approver', 'siem'])).body.roles).toEqual([
      ...['siem', 'policy-approver'],
    ]);
  });

  it('are of those that there are', async () => {
    expect((await make(owner, ['root'])).body.code).toBe('malformed_request');
    expect((await make(owner, [])).body.code).toBe('malformed_request');
  });

  it('say whose token one may end: none that could do more', async () => {
    const operator = await tokenWith('operator');
    const { body: other } = await make(owner, ['operator']);
    const { body: above } = await make(owner, ['owner']);
    expect((await end(operator, above.id)).body.code).toBe('forbidden');
    expect((await end(operator, other.id)).status).toBe(204);
    expect((await end(owner, above.id)).status).toBe(204);
  });

  it('tell whoever may not end tokens nothing of whether there is one', async () => {
    const operator = await tokenWith('operator');
    expect((await end(operator, 'nothing')).body.code).toBe('forbidden');
    expect((await end(owner, 'nothing')).body.code).toBe('token_unknown');
  });

  it('let a SIEM read events, and nothing else', async () => {
    const siem = await tokenWith('siem');
    const read = (path: string) => bridge.ask('GET', path, undefined, siem);
    expect((await read('/v1/events')).status).toBe(200);
    for (const path of ['persons', 'partners', 'tokens', 'recoveries', 'traces/ABCD-EFGH-JKMN']) {
      expect((await read(`/admin/v1/${path}`)).body.code, path).toBe('forbidden');
    }
    expect((await make(siem)).body.code).toBe('forbidden');
  });

  it('are listed, and stand in the events', async () => {
    const { body } = await make(owner, ['auditor']);
    const { tokens } = (await bridge.ask('GET', '/admin/v1/tokens', undefined, owner)).body;
    expect(tokens).toContainEqual(expect.objectContaining({ id: body.id, roles: ['auditor'] }));
    expect((await bridge.events()).at(-1)).toMatchObject({
      type: 'admin.token_created',
      data: { id: body.id, roles: ['auditor'] },
    });
    await end(owner, body.id);
    expect((await bridge.events()).at(-1)).toMatchObject({
      type: 'admin.token_revoked',
      data: { id: body.id, roles: ['auditor'] },
    });
  });

  it('come with a one-time link, and the key log commits to both', async () => {
    const roles = ['auditor', 'siem'] as const;
    const { url } = await bridge.running.services.administrators.createLink({ roles });
    const taken = { token: new URL(url).hash.slice(1), name: 'SIEM' };
    const { body } = await bridge.ask('POST', '/admin/v1/bootstrap', taken);
    expect(body.roles).toEqual(roles);
    const logged = await bridge.inStore((database) => loggedTrustChanges(database, 'administrator/'));
    const withThese = logged.filter(({ state }) => String(state?.roles) === 'auditor,siem');
    expect(withThese.map(({ change }) => change).sort()).toEqual([
      'admin.bootstrapped',
      'admin.link_created',
    ]);
  });
});
