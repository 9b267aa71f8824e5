import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { announceBody } from './announced-request.ts';
import { type Answer, type BridgeFixture, bridgeFixture } from './bridge-fixture.ts';
import { storedRows } from './stored-rows.ts';

interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly takesBody: boolean;
}

/** The rate limit lets 600 refusals of one address pass in a minute. */
const REFUSALS_AT_A_TIME = 500;

const FOREIGN_TOKEN = `csadm_${'A'.repeat(43)}`;

describe('every endpoint of the admin API', () => {
  let bridge: BridgeFixture;
  let token: string;
  let endpoints: readonly Endpoint[];

  beforeAll(async () => {
    bridge = await bridgeFixture();
    token = await bridge.administrator();
    endpoints = endpointsOf((await bridge.ask('GET', '/v1/openapi.json')).body);
  });
  afterAll(() => bridge.remove());

  let refusals = 0;

  /** Sends it, and holds that nothing was stored and that exactly one event says so. */
  async function refused(send: () => Promise<{ status: number; code: unknown }>, code: string) {
    refusals += 1;
    if (refusals % REFUSALS_AT_A_TIME === 0) bridge.clock.advance(61_000);
    const rows = await bridge.inStore(storedRows);
    const before = (await bridge.events()).length;
    const answer = await send();
    expect(answer.code).toBe(code);
    const events = (await bridge.events()).slice(before);
    expect(events).toEqual([
      expect.objectContaining({
        type: 'request.refused',
        code,
        data: expect.objectContaining({ status: answer.status }),
      }),
    ]);
    expect(await bridge.inStore(storedRows)).toEqual(rows);
  }

  const codeOf = ({ status, body }: Answer) => ({ status, code: body.code });

  it('is in the document of the API', () => {
    expect(endpoints.length).toBeGreaterThan(20);
    expect(endpoints.filter(({ takesBody }) => takesBody).length).toBeGreaterThan(8);
  });

  it('refuses who brings no token, or one that is none', async () => {
    for (const { method, path, takesBody } of endpoints) {
      for (const wrong of [undefined, FOREIGN_TOKEN, 'x', `${token}x`]) {
        const body = takesBody ? {} : undefined;
        await refused(async () => codeOf(await bridge.ask(method, path, body, wrong)), 'unauthenticated');
      }
    }
  }, 120_000);

  it('refuses a body that is no JSON, of the wrong type, or with a member that it does not know', async () => {
    for (const { method, path } of endpoints.filter(({ takesBody }) => takesBody)) {
      for (const body of ['{', '[]', '"text"', 'null', '{"unknown": 1}', '{"__proto__": {"x": 1}, "y": 2}']) {
        await refused(async () => codeOf(await bridge.ask(method, path, body, token)), 'malformed_request');
      }
    }
  });

  it('refuses a body that is too large before it is sent', async () => {
    for (const { method, path } of endpoints.filter(({ takesBody }) => takesBody)) {
      const call = { method, path, token, bytes: 50_000_000 };
      await refused(() => announceBody(bridge, call), 'payload_too_large');
    }
  });

  it('refuses a body of another media type', async () => {
    for (const { method, path } of endpoints.filter(({ takesBody }) => takesBody)) {
      const send = async () => {
        const response = await bridge.fetch(bridge.issuer + path, {
          method,
          headers: { authorization: `Bearer ${token}`, 'content-type': 'text/plain' },
          body: '{}',
        });
        return { status: response.status, code: (await response.json()).code };
      };
      await refused(send, 'unsupported_media_type');
    }
  });

  it('refuses a method that the address does not take, and an address that is none', async () => {
    await refused(
      async () => codeOf(await bridge.ask('PATCH', '/admin/v1/domains', {}, token)),
      'method_not_allowed',
    );
    await refused(
      async () => codeOf(await bridge.ask('GET', '/admin/v1/nothing', undefined, token)),
      'not_found',
    );
  });

  it.each([
    ['GET', '/admin/v1/persons?limit=0', undefined, 'malformed_request'],
    ['GET', '/admin/v1/persons?limit=1000', undefined, 'malformed_request'],
    ['GET', '/admin/v1/persons?limit=1&limit=2', undefined, 'malformed_request'],
    ['GET', '/admin/v1/persons?unknown=1', undefined, 'malformed_request'],
    ['GET', '/admin/v1/persons?address=nobody', undefined, 'address_invalid'],
    ['GET', '/admin/v1/persons/nobody', undefined, 'person_unknown'],
    ['POST', '/admin/v1/persons/nobody/close', {}, 'person_unknown'],
    ['POST', '/admin/v1/persons/nobody/reset', {}, 'person_unknown'],
    ['POST', '/admin/v1/persons/nobody/reopen', {}, 'person_unknown'],
    ['POST', '/admin/v1/persons/nobody/close', { reason: 'x'.repeat(501) }, 'malformed_request'],
    ['DELETE', '/admin/v1/persons/nobody/devices/none', undefined, 'device_unknown'],
    ['GET', '/v1/events?since=-1', undefined, 'malformed_request'],
    ['GET', '/v1/events?limit=5000', undefined, 'malformed_request'],
    ['DELETE', '/admin/v1/tokens/none', undefined, 'token_unknown'],
    ['DELETE', '/admin/v1/apps/none', undefined, 'app_unknown'],
    ['POST', '/admin/v1/apps', { name: 'x', redirectUris: ['javascript:alert(1)'] }, 'malformed_request'],
    ['GET', '/admin/v1/connections/none', undefined, 'connection_unknown'],
    ['POST', '/admin/v1/connections/none/test', undefined, 'connection_unknown'],
    [
      'POST',
      '/admin/v1/connections',
      { name: 'x', protocol: 'oidc', settings: { issuer: 'http://plain.example' } },
      'malformed_request',
    ],
    ['POST', '/admin/v1/domains', { domain: 'com' }, 'address_invalid'],
    ['POST', '/admin/v1/domains', { domain: 'co.uk' }, 'domain_refused'],
    ['POST', '/admin/v1/domains', { domain: 'ümlaut.example' }, 'address_invalid'],
    ['POST', '/admin/v1/domains/acme.example/verify', undefined, 'domain_unknown'],
    ['DELETE', '/admin/v1/domains/acme.example', undefined, 'domain_unknown'],
    ['DELETE', '/admin/v1/domains/acme.example?force=maybe', undefined, 'malformed_request'],
    ['POST', '/admin/v1/partners/discover', { domain: 'globex.example' }, 'partner_dns'],
    ['POST', '/admin/v1/partners/suspend', { entityId: 'https://bridge.globex.example' }, 'partner_unknown'],
    ['POST', '/admin/v1/partners/suspend', { entityId: 'http://bridge.globex.example' }, 'malformed_request'],
    ['GET', '/admin/v1/traces/none', undefined, 'not_found'],
    ['GET', '/admin/v1/policy?version=99', undefined, 'policy_unknown'],
    ['GET', '/admin/v1/policy?version=-1', undefined, 'malformed_request'],
    ['GET', '/admin/v1/policy/drafts/none', undefined, 'policy_draft_unknown'],
    ['POST', '/admin/v1/policy/drafts/none/dry-run', undefined, 'policy_draft_unknown'],
    ['POST', '/admin/v1/policy/drafts/none/approve', undefined, 'policy_draft_unknown'],
    ['POST', '/admin/v1/policy/drafts/none/activate', undefined, 'policy_draft_unknown'],
    ['DELETE', '/admin/v1/policy/drafts/none', undefined, 'policy_draft_unknown'],
    ['POST', '/admin/v1/policy/rollback', { version: 99 }, 'policy_unknown'],
    ['POST', '/admin/v1/policy/rollback', { version: 0 }, 'malformed_request'],
    ['GET', '/admin/v1/decisions/none', undefined, 'decision_unknown'],
    ['GET', '/admin/v1/decisions?limit=0', undefined, 'malformed_request'],
    ['POST', '/admin/v1/decisions/explain', { action: 'find' }, 'malformed_request'],
    ['POST', '/admin/v1/bootstrap', { token: 'guessed', name: 'x' }, 'bootstrap_invalid'],
    ['POST', '/admin/v1/bootstrap', { token: 'x'.repeat(200), name: 'x' }, 'malformed_request'],
  ])('%s %s with %j is %s', async (method, path, body, code) => {
    await refused(async () => codeOf(await bridge.ask(method, path, body, token)), code);
  });
});

/** The endpoints that the document says need an administrator, with parameters filled in. */
function endpointsOf(document: Record<string, unknown>): Endpoint[] {
  const paths = document.paths as Record<
    string,
    Record<string, { security?: object[]; requestBody?: object }>
  >;
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, { security = [] }]) => security.some((entry) => 'administrator' in entry))
      .map(([method, { requestBody }]) => ({
        method: method.toUpperCase(),
        path: path.replaceAll(/\{\w+\}/g, 'none'),
        takesBody: requestBody !== undefined,
      })),
  );
}
