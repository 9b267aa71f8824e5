import { describe, expect, it } from 'vitest';
import type { Route } from '../../bridge/http/route.ts';
import { apiRoutes } from '../../bridge/http/routes/table.ts';
import { policyRequest } from '../../bridge/policy/changes/administrator-roots.ts';
import type { Action, Decide, DecisionRequest } from '../../bridge/policy/decision.ts';

/** They are decided with facts of the draft, where those are read: test/policy-changes holds them. */
const OF_DRAFTS: readonly (Action | undefined)[] = ['draft-policy', 'approve-policy', 'activate-policy'];

type IsWanted = (action: Action | undefined) => boolean;

/** Over nothing: what is denied does not get to anything. */
function administratorRoutes(decide: Decide, isWanted: IsWanted): Route[] {
  const given = {
    decide,
    issuer: 'https://x',
    version: '0',
    administrators: { rolesOf: async () => ['siem'] },
  };
  const deps = new Proxy(given, {
    get: (target, name) => Reflect.get(target, name) ?? (() => undefined),
  });
  return apiRoutes(deps as never).filter(
    ({ authentication, action }) => authentication === 'administrator' && isWanted(action),
  );
}

async function askedOf(
  call: Partial<Parameters<Route['handle']>[0]> = {},
  isWanted: IsWanted = (action) => !OF_DRAFTS.includes(action),
) {
  const asked: DecisionRequest[] = [];
  const routes = administratorRoutes((request) => {
    asked.push(request);
    const said = { policy: 'nobody', reason: 'Nobody administers today.' };
    return { effect: 'deny', ...said, hash: 'h', policies: ['nobody'] };
  }, isWanted);
  for (const route of routes) {
    const calling = route.handle({
      context: { requestId: 'r', actor: { kind: 'administrator', id: 'a-1' } },
      ...{ params: {}, query: {}, headers: {}, body: {}, bodyBytes: new Uint8Array(), holder: null },
      administrator: { id: 'a-1', name: 'Ada', roles: ['operator'] },
      signal: new AbortController().signal,
      ...call,
    });
    const refusal = { code: 'forbidden', detail: 'nobody: Nobody administers today.' };
    await expect(calling, `${route.method} ${route.path}`).rejects.toMatchObject(refusal);
  }
  return { asked, routes };
}

describe('every route of administrators', () => {
  it('is decided by policy about this administrator, and refused with the policy’s id', async () => {
    const { asked, routes } = await askedOf();
    expect(routes.length).toBeGreaterThan(40);
    expect(asked.map(({ action }) => action)).toEqual(routes.map(({ action }) => action));
    const principal = { kind: 'administrator', id: 'a-1', roles: ['operator'] };
    for (const request of asked) expect(request.principal).toEqual(principal);
  });

  it('is decided about the person or the connection that its path names', async () => {
    const { asked } = await askedOf({ params: { sub: 'p-1' } });
    expect(asked.every(({ resource }) => resource.kind === 'person' && resource.owner === 'p-1')).toBe(true);
    const { asked: others } = await askedOf({ params: { connection: 'login' } });
    expect(others.every(({ resource }) => resource.kind === 'connection' && resource.id === 'login')).toBe(
      true,
    );
  });

  it('that makes or ends tokens is decided by the roles that they have', async () => {
    const rolesOf = async (body: object) =>
      (await askedOf({ body })).asked
        .filter(({ action }) => action === 'manage-access')
        .map(({ context }) => context.tokenRoles);
    expect(await rolesOf({})).toEqual([['operator'], ['siem']]);
    expect(await rolesOf({ roles: ['owner'] })).toEqual([['owner'], ['siem']]);
  });

  it('that makes or discards a draft asks what the guard against locking everybody out asks', async () => {
    const { asked } = await askedOf({ params: { draft: 'd-1' } }, (action) => action === 'draft-policy');
    const guards = policyRequest('draft-policy', { id: 'a-1', roles: ['operator'] });
    expect(asked).toEqual([guards, guards]);
  });
});
