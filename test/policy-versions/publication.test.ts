import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyEncryptionKeys } from '../../bridge/config/key-encryption-keys.ts';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import { createStagingLog } from '../../bridge/keylog/database-key-log.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import { activatePolicy } from '../../bridge/policy/versions/policy-activation.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { entityConfigurationSchema } from '../../protocol/entity-configuration.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { keyBindingSchema } from '../../protocol/key-binding.ts';
import { verifyOnlineKeys } from '../../protocol/online-keys.ts';
import { policyHash, verifyPolicyBundle } from '../../protocol/policy-bundle.ts';
import { SOON } from '../fakes/soon.ts';
import { withLifetimes } from '../fakes/test-lifetimes.ts';
import { type ApiRequest, sendRaw } from '../http/api-request.ts';
import { installPersonApp, type PersonApp } from '../http/person-app.ts';
import { startTwoCompanies, type TwoCompanies } from '../http/two-companies.ts';
import { codeOf } from '../protocol/codes.ts';

const SHIPPED = readDefaultContent();
const SHORTER = withLifetimes({ binding: { default: 3_600 } })(SHIPPED);
const CURRENT = '/.well-known/countersign/policy';

let two: TwoCompanies;
let ada: PersonApp;

beforeAll(async () => {
  two = await startTwoCompanies();
  ada = await two.acme.signIn('ada');
  await ada.client.enrol({ label: 'laptop' });
});
afterAll(() => two?.close());

const send = (request: ApiRequest, { bridge } = two.acme) => sendRaw(two.stage, bridge, request);
const get = (path: string, headers = {}) => send({ method: 'GET', path, headers });

/** Brings a policy into force at Acme as another process on its store does, and waits until the bridge has it. */
async function activate(content: typeof SHIPPED): Promise<string> {
  const { store: database, config, clock, issuer: iss } = two.acme.bridge;
  const signer = await openLocalSigner({ database, ...keyEncryptionKeys(config), iss, clock });
  const logger = createLogger({ level: 'silent' });
  const events = createEventLog({ database, clock, logger, iss });
  const deps = { signer, clock, events, keyLog: createStagingLog() };
  const { hash } = await database.transaction((tx) => activatePolicy(deps, tx, content, SYSTEM));
  await expect.poll(current, SOON).toBe(hash);
  return hash;
}

async function current(): Promise<string> {
  return JSON.parse((await get('/health/ready')).text).policy_hash;
}

describe('the policy in force', () => {
  it('is read by anybody as a signed bundle, which caches keep shortly', async () => {
    const { status, headers, text } = await get(CURRENT);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'application/policy-bundle+jwt',
      'cache-control': 'public, max-age=10',
      'access-control-allow-origin': '*',
    });
    const { rootThumbprint, issuer: iss, clock } = two.acme.bridge;
    const now = Math.floor(clock.now() / 1000);
    const token = (await get('/.well-known/countersign/online-keys')).text;
    const keys = await verifyOnlineKeys(token, { iss, rootThumbprint }, now);
    const bundle = await verifyPolicyBundle(text, keys, now, { hash: policyHash(SHIPPED), version: 0 });
    expect(bundle.content).toEqual(SHIPPED);
  });

  it('is not sent again to whoever has it', async () => {
    const { headers } = await get(CURRENT);
    const etag = String(headers.etag);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await get(CURRENT, { 'if-none-match': known });
      expect(again).toMatchObject({ status: 304, text: '' });
      expect(again.headers.etag).toBe(etag);
    }
    expect((await get(CURRENT, { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it('is found by its hash for good, and no other hash is', async () => {
    const path = `/v1/policy/bundles/${policyHash(SHIPPED)}`;
    const { status, headers, text } = await get(path);
    expect(status).toBe(200);
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(text).toBe((await get(CURRENT)).text);
    const unknown = await get(`/v1/policy/bundles/${policyHash(SHORTER)}`);
    expect(unknown.status).toBe(404);
    expect(JSON.parse(unknown.text).code).toBe('policy_unknown');
  });

  it('is named by what the bridge signs of itself, and partners keep that', async () => {
    const { issuer } = two.acme.bridge;
    const { hash } = await ada.client.policy.bundle();
    const reference = { version: 0, hash, uri: `${issuer}/v1/policy/bundles/${hash}` };
    const { text } = await get('/.well-known/openid-federation');
    const claims = decodeClaims(text, 'entity-statement+jwt', entityConfigurationSchema);
    expect(claims.metadata.key_bridge.policy).toEqual(reference);
    const { partners } = await two.globex.bridge.administrator.get<{ partners: readonly object[] }>(
      '/admin/v1/partners',
    );
    expect(partners).toEqual([expect.objectContaining({ entityId: issuer, policy: reference })]);
  });
});

describe('a client', () => {
  it('reads and verifies the policy of its own bridge, and of a partner whose record it has', async () => {
    const { client } = ada;
    expect((await client.policy.bundle()).content).toEqual(SHIPPED);
    const partner = two.globex.bridge.issuer;
    expect(await codeOf(() => client.policy.bundle({ iss: partner }))).toBe('issuer_unknown');
    await client.lookUp([two.globex.address('gwen')]);
    expect(await client.policy.bundle({ iss: partner })).toMatchObject({ iss: partner, version: 0 });
  });

  it('reads the policy that a credential was made under, also when another one is in force', async () => {
    const { client } = ada;
    const { credential } = await client.me();
    if (credential === null) throw new Error('there is no credential');
    const hash = await activate(SHORTER);
    expect((await client.policy.bundle()).hash).toBe(hash);
    expect(await client.policy.of(credential)).toMatchObject({ hash: policyHash(SHIPPED), version: 0 });
    const next = await client.me();
    if (next.credential === null) throw new Error('there is no credential');
    const { iat, exp, policy_hash } = decodeClaims(
      next.credential.binding,
      'key-binding+jwt',
      keyBindingSchema,
    );
    expect({ life: exp - iat, policy_hash }).toEqual({ life: 3_600, policy_hash: hash });
    expect(await client.policy.of(next.credential)).toMatchObject({ hash, version: 1 });
    expect(await codeOf(() => client.policy.of({ ...credential, binding: `${credential.binding}A` }))).toBe(
      'jws_malformed',
    );
  });

  it('takes no other policy in the place of the one that it asked for', async () => {
    const other = (await get(CURRENT)).text;
    const { stage, acme } = two;
    const lying: typeof fetch = async (input, init) =>
      String(input).includes('/v1/policy/bundles/') ? new Response(other) : stage.fetch(input, init);
    const app = installPersonApp(stage, acme.bridge, lying);
    await app.client.policy.bundle();
    const asked = { hash: policyHash(SHIPPED) };
    expect(await codeOf(() => app.client.policy.bundle(asked))).toBe('policy_bundle_invalid');
  });
});
