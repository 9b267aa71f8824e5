import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { keyEncryptionKeys } from '../../bridge/config/key-encryption-keys.ts';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import { createStagingLog } from '../../bridge/keylog/database-key-log.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import type { Action } from '../../bridge/policy/decision.ts';
import { activatePolicy } from '../../bridge/policy/versions/policy-activation.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { SOON } from '../fakes/soon.ts';
import { DECIDED_ROUTES } from '../policy/decided-routes.ts';
import { deviceHeaders, sendRaw } from './api-request.ts';
import { type Cast, playMainFlow } from './main-flow.ts';
import type { PersonApp } from './person-app.ts';
import { expectRefusal } from './refusal.ts';
import { startTwoCompanies, type TwoCompanies } from './two-companies.ts';

const JSON_HEADERS = { 'content-type': 'application/json' };

let companies: TwoCompanies;
let cast: Cast;
let group: string;

beforeAll(async () => {
  companies = await startTwoCompanies('offered');
  cast = await playMainFlow(companies);
  group = sent(/groups\/[^/]+\/members$/).path.split('/')[3] ?? '';
  await permitNothing();
});
afterAll(() => companies?.close());

/** Brings a policy into force at Acme that permits administrators alone, as another process on its store does. */
async function permitNothing(): Promise<void> {
  const { stage, acme } = companies;
  const { store: database, config, clock, issuer: iss } = acme.bridge;
  const signer = await openLocalSigner({ database, ...keyEncryptionKeys(config), iss, clock });
  const events = createEventLog({ database, clock, logger: createLogger({ level: 'silent' }), iss });
  const deps = { signer, clock, events, keyLog: createStagingLog() };
  const { policies, ...rest } = readDefaultContent();
  const ofAdministrators = policies['administration.cedar'] ?? '';
  const content = { ...rest, policies: { 'administration.cedar': ofAdministrators } };
  const { hash } = await database.transaction((tx) => activatePolicy(deps, tx, content, SYSTEM));
  await vi.waitUntil(async () => {
    const { text } = await sendRaw(stage, acme.bridge, { method: 'GET', path: '/health/ready' });
    return JSON.parse(text).policy_hash === hash;
  }, SOON);
}

/** What was sent to the first, or last, path that fits, when policy permitted it; with another request id. */
function sent(path: RegExp, which: 'first' | 'last' = 'first'): { path: string; body: object } {
  const fits = companies.acme.traffic.exchanges.filter(
    (each) => each.method === 'post' && path.test(each.path) && each.body !== null,
  );
  const exchange = which === 'first' ? fits[0] : fits.at(-1);
  if (exchange?.body == null) throw new Error(`nothing was sent to ${path}`);
  const body = JSON.parse(exchange.body);
  return {
    path: exchange.path,
    body: 'request_id' in body ? { ...body, request_id: crypto.randomUUID() } : body,
  };
}

/** Holds that policy alone refuses it, asked for this action, which the table of routes names. */
async function expectDenied(
  app: PersonApp,
  route: string,
  action: Action,
  given: object = {},
): Promise<void> {
  const { bridge } = companies.acme;
  const [method = '', pattern = ''] = route.split(' ');
  const { path = pattern, body } = given as { path?: string; body?: object };
  expect(DECIDED_ROUTES[route], route).toContain(action);
  const headers = await deviceHeaders(bridge, app, { method, path });
  const request =
    body === undefined
      ? { method, path, headers }
      : {
          ...{ method, path, body: JSON.stringify(body) },
          headers: { ...headers, 'content-type': 'application/json' },
        };
  await expectRefusal(bridge, () => sendRaw(companies.stage, bridge, request), 'forbidden', route);
  const said = (await bridge.events()).filter(({ type }) => type === 'policy.denied').at(-1);
  expect(said?.data, route).toMatchObject({ action, policy: 'no-permit' });
}

describe('where policy permits nothing', () => {
  it('nobody gets to their own keys and devices', async () => {
    const { ada, bob, phone, waiting, waitingRequest } = cast;
    const pending = `/v1/device-requests/${waitingRequest.id}`;
    const approval = sent(/approval$/).body;
    await expectDenied(ada, 'get /v1/me', 'see-self');
    await expectDenied(ada, 'get /v1/me/key-history', 'see-self');
    await expectDenied(bob, 'post /v1/me/key-findings', 'report-finding', sent(/key-findings$/));
    await expectDenied(ada, 'get /v1/vault', 'open-vault');
    await expectDenied(ada, 'get /v1/rotations/next', 'rotate-keys');
    await expectDenied(ada, 'post /v1/rotations', 'rotate-keys', sent(/v1\/rotations$/));
    await expectDenied(phone, 'post /v1/devices/current/rotation', 'rotate-keys', sent(/current\/rotation$/));
    await expectDenied(bob, 'post /v1/escrow/opening', 'recover', { body: {} });
    await expectDenied(
      waiting,
      'post /v1/device-requests',
      'request-device',
      sent(/device-requests$/, 'last'),
    );
    await expectDenied(ada, 'get /v1/device-requests', 'see-self');
    await expectDenied(ada, 'get /v1/device-requests/:id', 'see-self', { path: pending });
    await expectDenied(ada, 'post /v1/device-requests/:id/challenge', 'approve-device', {
      ...{ path: `${pending}/challenge`, body: { nonce: 'A'.repeat(43) } },
    });
    await expectDenied(ada, 'post /v1/device-requests/:id/approval', 'approve-device', {
      ...{ path: `${pending}/approval`, body: approval },
    });
    await expectDenied(ada, 'post /v1/device-requests/:id/refusal', 'refuse-device', {
      path: `${pending}/refusal`,
    });
    const own = `/v1/devices/${(await phone.secrets()).sig.kid}`;
    await expectDenied(ada, 'delete /v1/devices/:device', 'remove-device', { path: own });
  });

  it('nobody looks anybody up, neither our people nor a partner', async () => {
    const { ada, gwen } = cast;
    await expectDenied(ada, 'post /v1/lookups', 'look-up', sent(/lookups$/));
    await expectDenied(ada, 'post /v1/watch', 'look-up', { body: { addresses: ['bob@acme.example'] } });
    const open = { request_id: crypto.randomUUID(), addresses: ['ada@acme.example'] };
    const { bridge } = companies.acme;
    const asked = { method: 'POST', path: '/v1/public/lookups', headers: JSON_HEADERS };
    const refused = await sendRaw(companies.stage, bridge, { ...asked, body: JSON.stringify(open) });
    expect([refused.status, JSON.parse(refused.text).code]).toEqual([403, 'forbidden']);
    const [answer] = await gwen.client.lookUp(['ada@acme.example'], { maxAge: 0 });
    expect(answer).toMatchObject({ status: 'refused' });
    const denied = (await companies.acme.bridge.events()).findLast(({ type }) => type === 'policy.denied');
    expect(denied).toMatchObject({ actor: {}, data: { action: 'look-up-as-partner' } });
  });

  it('nobody sees, changes or uses a group', async () => {
    const { ada, bob } = cast;
    const of = (rest: string) => `/v1/groups/${group}/${rest}`;
    const { iss } = sent(/groups\/view$/).body as { iss: string };
    const elsewhere = companies.globex.bridge.issuer;
    await expectDenied(ada, 'post /v1/groups', 'create-group', sent(/v1\/groups$/));
    await expectDenied(ada, 'get /v1/groups', 'see-self');
    await expectDenied(bob, 'post /v1/groups/view', 'see-group', { body: { iss, group } });
    await expectDenied(bob, 'post /v1/groups/view', 'see-foreign-group', { body: { iss: elsewhere, group } });
    await expectDenied(bob, 'get /v1/groups/:group/members', 'see-group', { path: of('members') });
    await expectDenied(bob, 'get /v1/groups/:group/sealed-keys', 'see-group', { path: of('sealed-keys') });
    await expectDenied(ada, 'get /v1/groups/:group/vault', 'manage-group', { path: of('vault') });
    await expectDenied(ada, 'post /v1/groups/:group/end', 'manage-group', { path: of('end') });
    for (const what of ['members', 'exclusions'] as const) {
      const change = sent(new RegExp(`${group}/${what}$`));
      await expectDenied(ada, `post /v1/groups/:group/${what}`, 'manage-group', change);
    }
    const opening = sent(/key-openings$/).body as { to: object };
    await expectDenied(bob, 'post /v1/key-openings', 'open-key', {
      body: { ...opening, to: { iss, group } },
    });
  });

  it('nobody asks another bridge for its meetings', async () => {
    const meeting = { iss: companies.globex.bridge.issuer, group };
    for (const act of ['state', 'members'] as const) {
      await expectDenied(cast.ada, `post /v1/meetings/${act}`, 'join-foreign-meeting', { body: meeting });
    }
  });
});
