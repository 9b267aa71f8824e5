import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import type { Signer } from '../../bridge/signer/signer.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { type ApiRequest, deviceHeaders, sendRaw } from './api-request.ts';
import { type Cast, playMainFlow } from './main-flow.ts';
import type { PersonApp } from './person-app.ts';
import { expectNothingStored, expectRefusal } from './refusal.ts';
import { startTwoCompanies, type TwoCompanies } from './two-companies.ts';
import type { WholeBridge } from './whole-bridge.ts';

let companies: TwoCompanies;
let cast: Cast;

beforeAll(async () => {
  companies = await startTwoCompanies('offered');
  cast = await playMainFlow(companies);
});
afterAll(() => companies?.close());

function refused(request: ApiRequest, code: ErrorCode, what?: string): Promise<void> {
  const { bridge } = companies.acme;
  const send = () => sendRaw(companies.stage, bridge, request);
  return expectNothingStored(bridge, () => expectRefusal(bridge, send, code, what));
}

/** A request of this person's device; `body` is sent as JSON, or again as it was sent in the main flow. */
async function asked(
  app: PersonApp,
  method: string,
  path: string,
  body?: object | string,
): Promise<ApiRequest> {
  const headers = await deviceHeaders(companies.acme.bridge, app, { method, path });
  if (body === undefined) return { method, path, headers };
  return {
    ...{ method, path, headers: { ...headers, 'content-type': 'application/json' } },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}

/** The body of the first request whose path fits, as Ada's or Bob's apps sent it. */
function sent(path: RegExp): { path: string; body: string } {
  const exchange = companies.acme.traffic.exchanges.find(
    (each) => each.method === 'post' && path.test(each.path),
  );
  if (exchange?.body == null) throw new Error(`nothing was sent to ${path}`);
  return { path: exchange.path, body: exchange.body };
}

const NONCE = 'A'.repeat(43);

describe('what is another person’s', () => {
  const pathOfWaiting = (rest = '') => `/v1/device-requests/${cast.waitingRequest.id}${rest}`;

  it('does not exist: a request to add a device', async () => {
    await refused(await asked(cast.bob, 'GET', pathOfWaiting()), 'device_request_unknown');
    for (const step of ['/challenge', '/reveal']) {
      await refused(
        await asked(cast.bob, 'POST', pathOfWaiting(step), { nonce: NONCE }),
        'device_request_unknown',
      );
    }
    const approval = sent(/approval$/).body;
    await refused(
      await asked(cast.bob, 'POST', pathOfWaiting('/approval'), approval),
      'device_request_unknown',
    );
    await refused(await asked(cast.bob, 'POST', pathOfWaiting('/refusal')), 'device_request_unknown');
  });

  it('does not exist: a device', async () => {
    const path = `/v1/devices/${(await cast.phone.secrets()).sig.kid}`;
    await refused(await asked(cast.bob, 'DELETE', path), 'device_unknown');
    await refused(await asked(cast.ada, 'DELETE', `/v1/devices/${NONCE}`), 'device_unknown', 'nobody’s');
  });

  it('does not exist: an enrolment', async () => {
    const { path, body } = sent(/confirmation$/);
    await refused(await asked(cast.bob, 'POST', path, body), 'enrolment_unknown');
  });

  it('cannot be enrolled for: an address', async () => {
    const right = JSON.parse(sent(/enrolments$/).body);
    const body = { ...right, request_id: crypto.randomUUID(), address: 'bob@acme.example' };
    await refused(await asked(cast.ada, 'POST', '/v1/enrolments', body), 'forbidden');
  });
});

describe('what was used before', () => {
  it('counts once: an enrolment', async () => {
    const { body } = sent(/enrolments$/);
    const again = { ...JSON.parse(body), request_id: crypto.randomUUID() };
    await refused(await asked(cast.ada, 'POST', '/v1/enrolments', again), 'already_enrolled');
  });

  it('counts once: a confirmation with another body', async () => {
    const { path, body } = sent(/confirmation$/);
    const other = { ...JSON.parse(body), vault: 'AAAA' };
    await refused(await asked(cast.ada, 'POST', path, other), 'replayed');
  });

  it('counts once: the id of a request to add a device', async () => {
    const { exchanges } = companies.acme.traffic;
    const last = exchanges.findLast(
      ({ method, path }) => method === 'post' && path === '/v1/device-requests',
    );
    const other = { ...JSON.parse(last?.body ?? ''), label: 'Another name' };
    await refused(await asked(cast.waiting, 'POST', '/v1/device-requests', other), 'request_id_reused');
  });

  it('counts once: a decided request to add a device', async () => {
    const approval = sent(/approval$/);
    await refused(await asked(cast.ada, 'POST', approval.path, approval.body), 'device_request_state');
    const path = approval.path.replace(/approval$/, 'refusal');
    await refused(await asked(cast.ada, 'POST', path), 'device_request_state');
  });
});

describe('a device that was not approved', () => {
  it('may not open the vault, look anybody up, or approve a device, itself least of all', async () => {
    const own = `/v1/device-requests/${cast.waitingRequest.id}`;
    const asking = (...request: [method: string, path: string, body?: object | string]) =>
      asked(cast.waiting, ...request);
    await refused(await asking('GET', '/v1/vault'), 'forbidden', 'vault');
    await refused(await asking('POST', '/v1/lookups', sent(/lookups$/).body), 'forbidden', 'look-up');
    await refused(await asking('POST', `${own}/approval`, sent(/approval$/).body), 'forbidden', 'approval');
    await refused(await asking('POST', `${own}/challenge`, { nonce: NONCE }), 'forbidden', 'challenge');
  });
});

describe('a token that has run out', () => {
  it('is refused, and the client gets another', async () => {
    const { client, secrets } = cast.bob;
    const stale = await secrets();
    companies.acme.bridge.clock.advance(16 * 60);
    companies.globex.bridge.clock.advance(16 * 60);
    await refused(await asked({ client, secrets: async () => stale }, 'GET', '/v1/me'), 'unauthenticated');
    await client.me();
    expect((await secrets()).accessToken).not.toBe(stale.accessToken);
    for (const app of [cast.ada, cast.phone, cast.waiting]) await app.client.me();
  });
});

describe('an address that is none', () => {
  it.each([
    '/',
    '/v1',
    '/v1/nothing',
    '/v1/me/',
    '/V1/ME',
    '/federation/v1',
    '/admin',
    '/%2e%2e/etc',
    '/v1/%',
  ])('is not found: %s', async (path) => refused({ method: 'GET', path }, 'not_found'));

  it('takes no method that it does not name', async () => {
    for (const [method, path] of [
      ['PUT', '/v1/me'],
      ['DELETE', '/v1/me'],
      ['GET', '/v1/enrolments'],
      ['PATCH', '/v1/devices/x'],
      ['GET', '/federation/v1/lookups'],
      ['POST', '/health/live'],
      ['TRACE', '/v1/me'],
      ['PROPFIND', '/v1/me'],
    ] as const) {
      await refused({ method, path }, 'method_not_allowed', `${method} ${path}`);
    }
  });
});

describe('the one-time link', () => {
  it.each([
    ['{', 'malformed_request'],
    ['{"token":"x"}', 'malformed_request'],
    ['{"token":7,"name":"x"}', 'malformed_request'],
    [`{"token":"${'x'.repeat(500)}","name":"x"}`, 'malformed_request'],
    ['{"token":"guessed","name":"x"}', 'bootstrap_invalid'],
    ['{"token":"guessed","name":""}', 'malformed_request'],
  ] as const)('is not had by %s', async (body, code) => {
    const headers = { 'content-type': 'application/json' };
    await refused({ method: 'POST', path: '/admin/v1/bootstrap', headers, body }, code);
  });
});

describe('a look-up between bridges', () => {
  const PATH = '/federation/v1/lookups';
  const TYPE = 'application/key-lookup-request+jwt';
  const lookUp = (body: string | undefined, type = TYPE): ApiRequest => ({
    ...{ method: 'POST', path: PATH, body },
    headers: { 'content-type': type },
  });

  /** What Globex's bridge signs, as whoever holds its online keys can. */
  async function signedBy(bridge: WholeBridge, change: object = {}): Promise<string> {
    const signer = await signerOf(bridge);
    const now = Math.floor(bridge.clock.now() / 1000);
    return signer.sign('federation', 'key-lookup-request+jwt', {
      ...{ iss: bridge.issuer, aud: companies.acme.bridge.issuer, jti: crypto.randomUUID() },
      ...{ iat: now, exp: now + 60, addresses: ['ada@acme.example'], max_age: 0 },
      ...change,
    });
  }

  it('is answered once, and refused when it is sent again', async () => {
    const { stage, acme, globex } = companies;
    const request = lookUp(await signedBy(globex.bridge));
    expect((await sendRaw(stage, acme.bridge, request)).status).toBe(200);
    await refused(request, 'replayed');
  });

  it('is refused in any other form', async () => {
    const signed = await signedBy(companies.globex.bridge);
    await refused(lookUp(signed, 'application/jwt'), 'unsupported_media_type');
    await refused(lookUp(signed, 'application/json'), 'unsupported_media_type');
    for (const text of ['', '{}', 'a.b.c', `${signed}.x`, `${signed}\n`, '\udc00']) {
      await refused(lookUp(text), 'jws_malformed', text);
    }
    await refused({ ...lookUp(undefined), announced: 50_000_000 }, 'payload_too_large');
    await refused({ ...lookUp(undefined), unannounced: 600_000 }, 'payload_too_large');
  });

  it('is refused with a changed payload, another key, or no signature', async () => {
    const { acme, globex } = companies;
    const [header = '', payload = '', signature = ''] = (await signedBy(globex.bridge)).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const changed = encoded({ ...claims, addresses: ['bob@acme.example'] });
    await refused(lookUp(`${header}.${changed}.${signature}`), 'jws_signature', 'changed');
    await refused(lookUp(`${header}.${payload}.${'A'.repeat(86)}`), 'jws_signature', 'zeros');
    const none = encoded({ ...JSON.parse(Buffer.from(header, 'base64url').toString()), alg: 'none' });
    await refused(lookUp(`${none}.${payload}.${signature}`), 'jws_algorithm', 'none');
    const posing = await signedBy(acme.bridge);
    const [theirs = ''] = posing.split('.');
    // An unknown key has the partner read again, if that was not done just now.
    await sendRaw(companies.stage, acme.bridge, lookUp(`${theirs}.${payload}.${signature}`));
    await refused(lookUp(`${theirs}.${payload}.${signature}`), 'jws_unknown_key', 'another bridge’s key');
  });

  it('is refused for somebody else, out of time, or from nobody known', async () => {
    const { acme, globex } = companies;
    const now = Math.floor(globex.bridge.clock.now() / 1000);
    const old = { iat: now - 600, exp: now - 540 };
    await refused(lookUp(await signedBy(globex.bridge, { aud: globex.bridge.issuer })), 'jws_audience');
    await sendRaw(companies.stage, acme.bridge, lookUp(await signedBy(globex.bridge, old)));
    await refused(lookUp(await signedBy(globex.bridge, old)), 'jws_expired');
    await refused(lookUp(await signedBy(globex.bridge, { exp: now + 3_600 })), 'claims_invalid', 'too long');
    await refused(lookUp(await signedBy(acme.bridge)), 'partner_unknown', 'ourselves');
    const [header = '', payload = ''] = (await signedBy(globex.bridge)).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const posing = Buffer.from(JSON.stringify({ ...claims, iss: 'https://bridge.evil.example' }));
    const stranger = `${header}.${posing.toString('base64url')}.${'A'.repeat(86)}`;
    await refused(lookUp(stranger), 'partner_unknown', 'a stranger');
  });

  it('is refused with members of the wrong type, too many, or too few', async () => {
    const { globex } = companies;
    for (const change of [
      { addresses: [] },
      { addresses: 'ada@acme.example' },
      { addresses: [7] },
      { addresses: Array.from({ length: 1_001 }, (_, index) => `p${index}@acme.example`) },
      { max_age: -1 },
      { max_age: '0' },
      { jti: undefined },
      { unknown: 1 },
    ]) {
      const token = await signedBy(globex.bridge, change);
      await refused(lookUp(token), 'claims_invalid', JSON.stringify(change).slice(0, 80));
    }
  });
});

async function signerOf({ config, store, clock, issuer }: WholeBridge): Promise<Signer> {
  const keyEncryptionKey = new Uint8Array(
    Buffer.from(config.signer.key_encryption_key.reveal(), 'base64url'),
  );
  return openLocalSigner({ database: store, keyEncryptionKey, iss: issuer, clock });
}
