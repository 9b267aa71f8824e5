import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signDpopProof } from '../../protocol/dpop.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { type Endpoint, endpointsOf, isPathOf, readApiDocument } from './api-document.ts';
import { type ApiRequest, deviceHeaders, sendRaw } from './api-request.ts';
import { faultyBodies } from './faulty-bodies.ts';
import { type Cast, playMainFlow } from './main-flow.ts';
import type { PersonApp } from './person-app.ts';
import { expectRefusal } from './refusal.ts';
import { storedRows } from './stored-rows.ts';
import { startTwoCompanies, type TwoCompanies } from './two-companies.ts';
import { wrongProofs } from './wrong-proofs.ts';

/** A right request to each endpoint; one that is missing here fails the suite. */
interface Case {
  path(): Promise<string>;
  /** Whose device may ask it. */
  asker?(): PersonApp;
  /** A body that the endpoint's schema takes. */
  body?(): string;
}

let companies: TwoCompanies;
let cast: Cast;
let endpoints: readonly Endpoint[];

beforeAll(async () => {
  companies = await startTwoCompanies('offered');
  cast = await playMainFlow(companies);
  endpoints = endpointsOf(await readApiDocument(companies.stage, companies.acme.bridge));
});
afterAll(() => companies?.close());

const fixed = (path: string) => async () => path;
const ofWaiting = (rest: string) => async () => `/v1/device-requests/${cast.waitingRequest.id}${rest}`;

/** What the endpoint was really sent in the main flow. */
function sentTo(id: string): string {
  const endpoint = endpoints.find((each) => each.id === id);
  const exchange = companies.acme.traffic.exchanges.findLast(
    ({ method, path }) => method === endpoint?.method && isPathOf(endpoint, path),
  );
  if (exchange?.body == null) throw new Error(`nothing was sent to ${id} in the main flow`);
  return exchange.body;
}

/** The path of an exchange of the main flow, with the ids in it. */
function pathOf(id: string): string {
  const endpoint = endpoints.find((each) => each.id === id);
  const exchange = companies.acme.traffic.exchanges.find(
    ({ method, path }) => method === endpoint?.method && isPathOf(endpoint, path),
  );
  if (exchange === undefined) throw new Error(`${id} was not asked in the main flow`);
  return exchange.path;
}

/** Each case is what the main flow sent. */
const OF_GROUPS: readonly string[] = [
  'get /v1/groups',
  'post /v1/groups',
  'post /v1/groups/offers/{id}/confirmation',
  'post /v1/groups/view',
  'post /v1/groups/memberships',
  'get /v1/groups/{group}/members',
  'post /v1/groups/{group}/members',
  'post /v1/groups/{group}/exclusions',
  'post /v1/groups/{group}/keys',
  'get /v1/groups/{group}/vault',
  'post /v1/groups/{group}/end',
  'get /v1/groups/{group}/sealed-keys',
  'post /v1/policy/recipients',
  'post /v1/sealed-keys',
  'post /v1/key-openings',
];

/** A case that is what the main flow sent, with a body or without. */
function asSent(id: string): [string, Case] {
  const takesBody = id.startsWith('post') && !id.endsWith('/end');
  return [id, { path: async () => pathOf(id), ...(takesBody ? { body: () => sentTo(id) } : {}) }];
}

const CASES: Readonly<Record<string, Case>> = {
  'post /v1/enrolments': { path: fixed('/v1/enrolments'), body: () => sentTo('post /v1/enrolments') },
  'post /v1/enrolments/{id}/confirmation': {
    path: async () => pathOf('post /v1/enrolments/{id}/confirmation'),
    body: () => sentTo('post /v1/enrolments/{id}/confirmation'),
  },
  'get /v1/me': { path: fixed('/v1/me') },
  'get /v1/me/key-history': { path: fixed('/v1/me/key-history') },
  'post /v1/me/key-findings': {
    path: fixed('/v1/me/key-findings'),
    body: () => sentTo('post /v1/me/key-findings'),
  },
  'get /v1/vault': { path: fixed('/v1/vault') },
  'post /v1/device-requests': {
    path: fixed('/v1/device-requests'),
    body: () => sentTo('post /v1/device-requests'),
  },
  'get /v1/device-requests': { path: fixed('/v1/device-requests') },
  'get /v1/device-requests/{id}': { path: ofWaiting('') },
  'post /v1/device-requests/{id}/challenge': {
    path: ofWaiting('/challenge'),
    body: () => sentTo('post /v1/device-requests/{id}/challenge'),
  },
  'post /v1/device-requests/{id}/reveal': {
    path: ofWaiting('/reveal'),
    body: () => sentTo('post /v1/device-requests/{id}/reveal'),
  },
  'post /v1/device-requests/{id}/approval': {
    path: ofWaiting('/approval'),
    body: () => sentTo('post /v1/device-requests/{id}/approval'),
  },
  'post /v1/device-requests/{id}/refusal': { path: ofWaiting('/refusal') },
  'delete /v1/devices/{device}': {
    path: async () => `/v1/devices/${(await cast.phone.secrets()).sig.kid}`,
  },
  'get /v1/rotations/next': { path: fixed('/v1/rotations/next') },
  'post /v1/rotations': { path: fixed('/v1/rotations'), body: () => sentTo('post /v1/rotations') },
  'post /v1/devices/current/rotation': {
    path: fixed('/v1/devices/current/rotation'),
    body: () => sentTo('post /v1/devices/current/rotation'),
  },
  'post /v1/escrow/opening': { path: fixed('/v1/escrow/opening') },
  'post /v1/escrow/recoveries': {
    path: fixed('/v1/escrow/recoveries'),
    body: () => sentTo('post /v1/escrow/recoveries'),
  },
  'post /v1/recoveries': {
    path: fixed('/v1/recoveries'),
    body: () => sentTo('post /v1/recoveries'),
  },
  'get /v1/recoveries/{id}': { path: async () => pathOf('get /v1/recoveries/{id}') },
  'post /v1/meetings/state': {
    path: fixed('/v1/meetings/state'),
    body: () => sentTo('post /v1/meetings/state'),
  },
  'post /v1/meetings/rekeys': {
    path: fixed('/v1/meetings/rekeys'),
    body: () => sentTo('post /v1/meetings/rekeys'),
  },
  'post /v1/meetings/presence': {
    path: fixed('/v1/meetings/presence'),
    body: () => sentTo('post /v1/meetings/presence'),
  },
  'post /v1/meetings/presence/renewals': {
    path: fixed('/v1/meetings/presence/renewals'),
    body: () => sentTo('post /v1/meetings/presence/renewals'),
  },
  'post /v1/meetings/members': {
    path: fixed('/v1/meetings/members'),
    body: () => sentTo('post /v1/meetings/members'),
  },
  'post /v1/meetings/roster': {
    path: fixed('/v1/meetings/roster'),
    body: () => sentTo('post /v1/meetings/roster'),
  },
  'post /v1/meetings/stream': {
    path: fixed('/v1/meetings/stream'),
    // A stream is not among what was kept of the main flow.
    body: () => JSON.stringify({ ...JSON.parse(sentTo('post /v1/meetings/members')), since: 0 }),
  },
  'post /v1/meetings/leave': {
    path: fixed('/v1/meetings/leave'),
    body: () => sentTo('post /v1/meetings/leave'),
  },
  'post /v1/lookups': { path: fixed('/v1/lookups'), body: () => sentTo('post /v1/lookups') },
  'post /v1/watch': {
    path: fixed('/v1/watch'),
    body: () => JSON.stringify({ addresses: ['bob@acme.example'], since: 1 }),
  },
  ...Object.fromEntries(OF_GROUPS.map(asSent)),
};

/** Endpoints that authenticate nobody: what they take is held elsewhere in this file, or they take nothing. */
const OPEN: readonly string[] = [
  'get /health/live',
  'get /health/ready',
  'get /.well-known/openid-federation',
  'get /.well-known/ssf-configuration',
  'get /ssf/v1/jwks',
  'get /.well-known/countersign/online-keys',
  'get /.well-known/countersign/policy',
  'get /.well-known/countersign/logged-trust',
  'get /v1/policy/bundles/{hash}',
  'post /v1/public/lookups',
  'post /federation/v1/lookups',
  'post /federation/v1/groups',
  'post /federation/v1/groups/memberships',
  'post /federation/v1/key-openings',
  'post /federation/v1/sealed-keys',
  'post /federation/v1/meetings',
  'post /federation/v1/signals',
  'post /signals/v1/connections/{connection}',
  'post /admin/v1/bootstrap',
  'get /admin/bootstrap',
  'get /log/checkpoint',
  'get /log/tile/{path}',
  'post /log/cosignature',
  'get /witness/{origin_hash}/checkpoint',
  'post /witness/add-checkpoint',
];

const send = (request: ApiRequest) => sendRaw(companies.stage, companies.acme.bridge, request);

/** The rate limit lets 600 refusals of one address pass in a minute; a test here has fewer than half of that. */
const REFUSALS_AT_A_TIME = 300;
let refusals = 0;

async function refused(request: ApiRequest, code: ErrorCode, what?: string): Promise<void> {
  refusals += 1;
  await expectRefusal(companies.acme.bridge, () => send(request), code, what);
}

/** As the app would send it, with the given device's token and a fresh proof. */
async function requestOf(id: string, app: PersonApp): Promise<ApiRequest> {
  const given = CASES[id];
  if (given === undefined) throw new Error(`no case for ${id}`);
  const request = { method: id.slice(0, id.indexOf(' ')), path: await given.path() };
  const body = given.body?.();
  const headers = await deviceHeaders(companies.acme.bridge, app, request);
  return {
    ...request,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    body,
  };
}

describe('the cases', () => {
  it('are for every endpoint of the API that is not an administrator’s', () => {
    const ofDevices = endpoints.filter(({ authentication }) => authentication === 'device');
    expect(Object.keys(CASES).sort()).toEqual(ofDevices.map(({ id }) => id).sort());
    const open = endpoints.filter(({ authentication }) => authentication === 'none');
    expect([...OPEN].sort()).toEqual(open.map(({ id }) => id).sort());
  });

  it('have a body exactly where the endpoint takes one', () => {
    for (const { id, operation } of endpoints.filter((each) => each.id in CASES)) {
      expect(CASES[id]?.body !== undefined, id).toBe(operation.requestBody !== undefined);
    }
  });
});

describe.each(Object.keys(CASES))('%s', (id) => {
  const takesBody = CASES[id]?.body !== undefined;
  let rows: Record<string, string>;

  beforeEach(async () => {
    const { bridge } = companies.acme;
    if (refusals > REFUSALS_AT_A_TIME) {
      await bridge.passTime(61);
      refusals = 0;
    }
    rows = await storedRows(bridge.store);
  });
  afterEach(async () => {
    expect(await storedRows(companies.acme.bridge.store)).toEqual(rows);
  });

  it('refuses who brings no token, a wrong one, or one in another scheme', async () => {
    const request = await requestOf(id, cast.ada);
    const { accessToken } = await cast.ada.secrets();
    const { authorization: _own, ...others } = request.headers ?? {};
    await refused({ ...request, headers: {} }, 'unauthenticated', 'nothing');
    await refused({ ...request, headers: others }, 'unauthenticated', 'only a proof');
    for (const wrong of [
      '',
      'DPoP',
      'DPoP ',
      'DPoP a b',
      'Basic YTpi',
      `Bearer ${accessToken}`,
      accessToken,
    ]) {
      await refused({ ...request, headers: { ...others, authorization: wrong } }, 'unauthenticated', wrong);
    }
    const forged = await proofFor(request, 'x'.repeat(43));
    await refused(
      { ...request, headers: { ...others, ...forged } },
      'unauthenticated',
      'a token that is none',
    );
  });

  it('refuses every proof of possession but a fresh one for this very request', async () => {
    const request = await requestOf(id, cast.ada);
    const { accessToken, sig } = await cast.ada.secrets();
    const asked = {
      method: request.method.toUpperCase(),
      url: companies.acme.bridge.issuer + request.path,
      accessToken,
    };
    const now = Math.floor(companies.acme.bridge.clock.now() / 1000);
    for (const { fault, dpop, code } of await wrongProofs(sig, asked, now)) {
      const { dpop: _own, ...headers } = request.headers ?? {};
      const given = dpop === undefined ? {} : { dpop };
      await refused({ ...request, headers: { ...headers, ...given } }, code, fault);
    }
  });

  it('refuses a proof that was used before', async () => {
    const used = await requestOf('get /v1/me', cast.ada);
    expect((await send(used)).status).toBe(200);
    await refused(used, 'replayed');
  });

  it('refuses the tokens of a removed device, of a closed person, and of another company', async () => {
    for (const [whose, app] of Object.entries({
      removed: cast.removed,
      closed: cast.closed,
      gwen: cast.gwen,
    })) {
      await refused(await requestOf(id, app), 'unauthenticated', whose);
    }
  });

  if (!takesBody) return;

  it('refuses a body that is not in the form that it takes', async () => {
    const endpoint = endpoints.find((each) => each.id === id);
    const schema = endpoint?.operation.requestBody?.content['application/json']?.schema;
    const { body = '' } = await requestOf(id, cast.ada);
    for (const { fault, text } of faultyBodies(JSON.parse(body), schema ?? {})) {
      await refused({ ...(await requestOf(id, cast.ada)), body: text }, 'malformed_request', fault);
    }
  });

  it('refuses a body of another media type', async () => {
    for (const type of [undefined, 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
      const request = await requestOf(id, cast.ada);
      const { 'content-type': _own, ...headers } = request.headers ?? {};
      const given = type === undefined ? headers : { ...headers, 'content-type': type };
      await refused({ ...request, headers: given }, 'unsupported_media_type', type);
    }
  });

  it('refuses a body that is too large, announced or not', async () => {
    await refused({ ...(await requestOf(id, cast.ada)), announced: 50_000_000 }, 'payload_too_large');
    const { body: _own, ...request } = await requestOf(id, cast.ada);
    await refused({ ...request, unannounced: 1_200_000 }, 'payload_too_large');
  });
});

async function proofFor(request: ApiRequest, accessToken: string) {
  const { sig } = await cast.ada.secrets();
  const url = companies.acme.bridge.issuer + request.path;
  const now = Math.floor(companies.acme.bridge.clock.now() / 1000);
  const dpop = await signDpopProof(sig, { method: request.method.toUpperCase(), url, accessToken }, now);
  return { authorization: `DPoP ${accessToken}`, dpop };
}
