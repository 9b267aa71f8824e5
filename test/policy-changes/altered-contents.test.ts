import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import { policyHash } from '../../protocol/policy-bundle.ts';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { replaceText } from '../fakes/test-policy.ts';

const POLICY = '/admin/v1/policy';
const DRAFTS = `${POLICY}/drafts`;
const LAX = replaceText(readDefaultContent(), 'context.devices < 20', 'context.devices < 9000');

let bridge: BridgeFixture;
let ada: string;
let bob: string;
let siem: string;
let devices = 20;

beforeAll(async () => {
  bridge = await bridgeFixture();
  ada = await bridge.administrator('Ada');
  bob = await bridge.administrator('Bob');
  siem = String((await post('/admin/v1/tokens', ada, { name: 'SIEM', roles: ['siem'] })).body.token);
});
afterAll(() => bridge.remove());

const post = (path: string, token: string, body?: unknown) => bridge.ask('POST', path, body, token);
const activate = (id: string, token = ada) => post(`${DRAFTS}/${id}/activate`, token);
const rollBack = (version: number, token = ada) => post(`${POLICY}/rollback`, token, { version, note: '' });
const version = async () => Number((await bridge.ask('GET', POLICY, undefined, ada)).body.version);

async function draft(): Promise<string> {
  devices -= 1;
  const content = replaceText(readDefaultContent(), 'context.devices < 20', `context.devices < ${devices}`);
  return String((await post(DRAFTS, ada, { content, note: '' })).body.id);
}

/** As somebody does who has the store, and no key of the bridge. */
const alterDraft = (id: string, content: string) =>
  bridge.inStore((database) =>
    database.transaction((tx) =>
      tx.updateTable('policy_drafts').set({ content }).where('id', '=', id).execute(),
    ),
  );
const alterVersion = (version: number, changes: { content: string; hash?: string }) =>
  bridge.inStore((database) =>
    database.transaction((tx) =>
      tx.updateTable('policy_versions').set(changes).where('version', '=', version).execute(),
    ),
  );

describe('a draft whose content was altered in the store after it was approved', () => {
  let id: string;
  beforeEach(async () => {
    id = await draft();
  });

  it.each([
    ['another policy', JSON.stringify(LAX)],
    ['no JSON', '{'],
  ])('does not come into force: %s', async (_, content) => {
    await post(`${DRAFTS}/${id}/approve`, bob);
    await alterDraft(id, content);
    const before = await version();
    expect((await activate(id)).body.code).toBe('policy_bundle_invalid');
    expect(await version()).toBe(before);
  });

  it('is not even looked into for who may not activate it', async () => {
    await alterDraft(id, '{');
    expect((await activate(id, siem)).body.code).toBe('forbidden');
    expect((await activate(id)).body.code).toBe('policy_approval');
  });
});

describe('a version whose content was altered in the store', () => {
  let altered: number;
  beforeEach(async () => {
    altered = await version();
    const id = await draft();
    await post(`${DRAFTS}/${id}/approve`, bob);
    expect((await activate(id)).status).toBe(200);
  });

  it('is not brought back, whether its hash was altered as well or not', async () => {
    await alterVersion(altered, { content: JSON.stringify(LAX) });
    expect((await rollBack(altered)).body.code).toBe('policy_bundle_invalid');
    await alterVersion(altered, { content: JSON.stringify(LAX), hash: policyHash(LAX) });
    expect((await rollBack(altered)).body.code).toBe('policy_bundle_invalid');
    expect(await version()).toBe(altered + 1);
  });

  it('is not even looked into for who may not bring it back', async () => {
    await alterVersion(altered, { content: '{' });
    expect((await rollBack(altered, siem)).body.code).toBe('forbidden');
  });
});
