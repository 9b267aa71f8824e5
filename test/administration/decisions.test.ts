import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Route } from '../../bridge/http/route.ts';
import { adminAccessRoutes } from '../../bridge/http/routes/admin-access.ts';
import { adminAppRoutes } from '../../bridge/http/routes/admin-apps.ts';
import { adminConnectionRoutes } from '../../bridge/http/routes/admin-connections.ts';
import { adminDomainRoutes } from '../../bridge/http/routes/admin-domains.ts';
import { adminPartnerRoutes } from '../../bridge/http/routes/admin-partners.ts';
import { adminPersonRoutes } from '../../bridge/http/routes/admin-persons.ts';
import { adminTraceRoutes } from '../../bridge/http/routes/admin-traces.ts';
import { eventRoutes } from '../../bridge/http/routes/events.ts';
import type { Decide, DecisionRequest } from '../../bridge/policy/decision.ts';
import { bridgeParts } from '../fakes/bridge-parts.ts';
import { type BridgeFixture, bridgeFixture } from './bridge-fixture.ts';

let bridge: BridgeFixture;

beforeAll(async () => {
  bridge = await bridgeFixture();
});
afterAll(() => bridge.remove());

async function administratorRoutes(decide: Decide): Promise<Route[]> {
  const parts = await bridgeParts();
  const deps = { ...bridge.running.services, signer: parts.signer, decide };
  await parts.remove();
  return [
    ...adminAccessRoutes(deps),
    ...adminAppRoutes(deps),
    ...adminConnectionRoutes(deps),
    ...adminDomainRoutes(deps),
    ...adminPartnerRoutes(deps),
    ...adminPersonRoutes(deps),
    ...adminTraceRoutes(deps),
    ...eventRoutes(deps),
  ].filter(({ authentication }) => authentication === 'administrator');
}

describe('every route of administrators', () => {
  it('is decided by policy about this administrator, and refused with the policy’s id', async () => {
    const asked: DecisionRequest[] = [];
    const routes = await administratorRoutes((request) => {
      asked.push(request);
      return {
        effect: 'deny',
        policy: 'nobody',
        reason: 'Nobody administers today.',
        hash: 'h',
        policies: ['nobody'],
      };
    });
    expect(routes.length).toBeGreaterThan(20);
    for (const route of routes) {
      const calling = route.handle({
        context: { requestId: 'r', actor: { kind: 'administrator', id: 'a-1' } },
        ...{ params: {}, query: {}, headers: {}, body: {}, bodyBytes: new Uint8Array(), holder: null },
        administrator: { id: 'a-1', name: 'Ada', roles: ['owner'] },
        signal: new AbortController().signal,
      });
      await expect(calling).rejects.toMatchObject({
        code: 'forbidden',
        detail: 'nobody: Nobody administers today.',
      });
    }
    expect(asked).toHaveLength(routes.length);
    expect(asked.map(({ action }) => action)).toEqual(routes.map(({ action }) => action));
    expect(new Set(asked.map(({ action }) => action)).size).toBeGreaterThan(8);
    expect(asked.every(({ principal }) => principal.kind === 'administrator' && principal.id === 'a-1')).toBe(
      true,
    );
  });
});
