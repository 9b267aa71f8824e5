import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient, createMemoryKeyStore, createMemoryPinStore } from '../../client/index.ts';
import type { Stage } from '../../demo/stage/stage.ts';
import { signDpopProof } from '../../protocol/dpop.ts';
import { generateSigningKey, type SigningKey, signBytes } from '../../protocol/ed25519.ts';
import { setTestStage } from '../fakes/test-stage.ts';
import { startWholeBridge, type WholeBridge } from '../http/whole-bridge.ts';

interface Registered {
  readonly id: string;
  readonly sub: string;
  readonly assurance: string;
}

let stage: Stage;
let bridge: WholeBridge;
let key: SigningKey;
let bot: Registered;

beforeAll(async () => {
  stage = await setTestStage();
  bridge = await startWholeBridge(stage, 'bridge.acme.localhost');
  await bridge.proveDomain('acme.example');
  key = await generateSigningKey(false);
  bot = await register('bot', 'bot@acme.example');
});
afterAll(() => stage?.close());

function body(assurance: string, address: string, publicKey: object = key.publicKey) {
  return { name: `The ${assurance}`, assurance, address, jwks: { keys: [publicKey] } };
}

const register = (assurance: string, address: string) =>
  bridge.administrator.post<Registered>('/admin/v1/services', body(assurance, address));

function newClient(clientId: string) {
  return createClient({
    ...{ issuer: bridge.issuer, clientId, engine: stage.engine, clock: bridge.clock },
    ...{ keyStore: createMemoryKeyStore(), pinStore: createMemoryPinStore(), fetch: stage.fetch },
  });
}

async function assertion(signer: SigningKey, id: string, changes: object = {}): Promise<string> {
  const now = Math.floor(bridge.clock.now() / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    iss: id,
    sub: id,
    aud: bridge.issuer,
    jti: randomUUID(),
    iat: now,
    exp: now + 60,
    ...changes,
  };
  const signed = `${part({ alg: 'Ed25519', kid: signer.kid })}.${part(claims)}`;
  return `${signed}.${await signBytes(signer, new TextEncoder().encode(signed))}`;
}

let nonce: string | null = null;

/** Asks for a token with this assertion, once with the nonce that the bridge wants. */
async function askToken(
  token: string,
  proof = true,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const url = `${bridge.issuer}/oauth/token`;
  const now = Math.floor(bridge.clock.now() / 1000);
  const proven = { method: 'POST', url, ...(nonce === null ? {} : { nonce }) };
  const dpop = await signDpopProof(await generateSigningKey(false), proven, now);
  const response = await stage.fetch(url, {
    method: 'POST',
    headers: proof ? { dpop } : {},
    body: new URLSearchParams({
      ...{ grant_type: 'client_credentials', scope: 'countersign', client_assertion: token },
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    }),
  });
  nonce = response.headers.get('dpop-nonce') ?? nonce;
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('a registered service', () => {
  it.each(['gateway', 'recorder'])('enrols by its key, and others see that it is a %s', async (assurance) => {
    const service = await register(assurance, `${assurance}@acme.example`);
    const client = newClient(service.id);
    await client.signInWithKey(key);
    const { verified } = await client.enrol({ label: 'Rack 3' });
    expect(verified.statement).toMatchObject({
      assurance,
      address: `${assurance}@acme.example`,
      sub: service.sub,
    });
    const [answer] = await client.lookUp([`${assurance}@acme.example`]);
    expect(answer).toMatchObject({ status: 'verified' });
    expect((await bridge.events()).map(({ type }) => type)).toContain('service.registered');
  });

  it('keeps its assurance, whatever its token asks for', async () => {
    const claims = { assurance: 'member', scope: 'openid countersign admin' };
    // The first only fetches the nonce.
    await askToken(await assertion(key, bot.id));
    expect((await askToken(await assertion(key, bot.id, claims))).status).toBe(200);
    const client = newClient(bot.id);
    await client.signInWithKey(key);
    expect(await client.me()).toMatchObject({
      sub: bot.sub,
      assurance: 'bot',
      addresses: ['bot@acme.example'],
    });
  });

  it('gets no token without a proof of the key that it shall be bound to', async () => {
    const { status, body: answer } = await askToken(await assertion(key, bot.id), false);
    expect({ status, error: answer.error }).toEqual({ status: 400, error: 'invalid_grant' });
  });

  it('has other keys when they are replaced: the old one and its tokens are of no use, its devices stay', async () => {
    const service = await register('recorder', 'reel@acme.example');
    const client = newClient(service.id);
    await client.signInWithKey(key);
    await client.enrol({ label: 'Rack 5' });
    const next = await generateSigningKey(false);
    const put = (id: string, jwks: object) =>
      bridge.administrator.put<Registered>(`/admin/v1/services/${id}/keys`, jwks);
    expect(await put(service.id, { keys: [next.publicKey] })).toMatchObject({ id: service.id });
    await expect(client.me()).rejects.toMatchObject({ code: 'sign_in_required' });
    await expect(client.signInWithKey(key)).rejects.toMatchObject({ code: 'sign_in_refused' });
    await client.signInWithKey(next);
    expect((await client.me()).credential).not.toBeNull();
    const replaced = (await bridge.events()).findLast(({ type }) => type === 'service.keys_replaced');
    expect(replaced).toMatchObject({ subject: { app: service.id }, data: { keys: next.kid } });
    await expect(put('service-nobody', { keys: [next.publicKey] })).rejects.toThrow('app_unknown');
    await expect(put(service.id, { keys: [] })).rejects.toThrow('malformed_request');
  });

  it('is closed for good: token, keys and address are gone', async () => {
    const service = await register('recorder', 'tape@acme.example');
    const client = newClient(service.id);
    await client.signInWithKey(key);
    await client.enrol({ label: 'Rack 4' });
    await bridge.administrator.post(`/admin/v1/services/${service.id}/close`);
    await expect(client.me()).rejects.toMatchObject({ code: 'sign_in_required' });
    await expect(client.signInWithKey(key)).rejects.toMatchObject({ code: 'sign_in_refused' });
    const { services } = await bridge.administrator.get<{ services: { id: string; status: string }[] }>(
      '/admin/v1/services',
    );
    expect(services.find(({ id }) => id === service.id)?.status).toBe('closed');
    await bridge.administrator.post(`/admin/v1/persons/${service.sub}/reopen`, {});
    await expect(client.signInWithKey(key)).rejects.toMatchObject({ code: 'sign_in_refused' });
    expect(await register('recorder', 'tape@acme.example')).toMatchObject({ assurance: 'recorder' });
  });
});

describe('an assertion of a service', () => {
  it('counts once', async () => {
    await askToken(await assertion(key, bot.id));
    const token = await assertion(key, bot.id);
    expect((await askToken(token)).status).toBe(200);
    expect(await askToken(token)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    const refused = (await bridge.events()).findLast(({ type }) => type === 'request.refused');
    expect(refused?.code).toBe('replayed');
    const used = await bridge.store.read((query) =>
      query.selectFrom('one_time').select('id').where('kind', '=', 'client-assertion').execute(),
    );
    expect(used.length).toBeGreaterThan(0);
  });

  it.each([
    ['for another audience', { aud: 'https://bridge.globex.example' }],
    ['for several audiences', { aud: ['https://bridge.globex.example'] }],
    ['that lives for hours', { exp: 4_000_000_000 }],
    ['that is over', { exp: 1 }],
    ['without an id', { jti: undefined }],
    ['of another issuer', { iss: 'service-other' }],
    ['about somebody else', { sub: 'test-app' }],
  ])('is refused %s', async (_what, changes) => {
    const { status, body: answer } = await askToken(await assertion(key, bot.id, changes));
    expect({ status, error: answer.error }).toEqual({ status: 401, error: 'invalid_client' });
  });

  it('is refused by another key, and by the key of another service', async () => {
    const stranger = await generateSigningKey(false);
    expect((await askToken(await assertion(stranger, bot.id))).status).toBe(401);
    await expect(newClient(bot.id).signInWithKey(stranger)).rejects.toMatchObject({
      code: 'sign_in_refused',
    });
    const theirs = await bridge.administrator.post<Registered>(
      '/admin/v1/services',
      body('bot', 'other@acme.example', stranger.publicKey),
    );
    expect((await askToken(await assertion(key, theirs.id))).status).toBe(401);
  });
});

describe('registering a service', () => {
  const refusal = (asked: object) => bridge.administrator.refusal('/admin/v1/services', asked);

  it('is refused on an unproven domain, for an address that is held, and with a private key', async () => {
    const publicKey = key.publicKey;
    expect((await refusal(body('bot', 'bot@globex.example', publicKey))).code).toBe('domain_unknown');
    expect((await refusal(body('bot', 'bot@acme.example', publicKey))).code).toBe('address_taken');
    expect((await refusal(body('bot', 'nowhere', publicKey))).code).toBe('address_invalid');
    expect((await refusal(body('member', 'x@acme.example', publicKey))).code).toBe('malformed_request');
    const leaked = { ...publicKey, d: 'A'.repeat(43) };
    expect((await refusal(body('bot', 'x@acme.example', leaked))).code).toBe('malformed_request');
    const broken = { ...publicKey, x: 'A'.repeat(43) };
    expect((await refusal(body('bot', 'x@acme.example', broken))).code).toBe('key_invalid');
  });

  it('keeps the ids of apps apart', async () => {
    const app = { id: 'service-x', name: 'X', redirectUris: ['https://x.example/'] };
    expect((await bridge.administrator.refusal('/admin/v1/apps', app)).code).toBe('malformed_request');
  });
});
