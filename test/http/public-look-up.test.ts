import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import { verifyCredential } from '../../protocol/credential.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { PUBLIC_LOOK_UP_ADDRESSES, verifyLookUpResponse } from '../../protocol/look-up.ts';
import { verifyOnlineKeys } from '../../protocol/online-keys.ts';
import { uncomment } from '../fakes/test-policy.ts';
import { sendRaw } from './api-request.ts';
import { startTwoCompanies, type TwoCompanies } from './two-companies.ts';

let companies: TwoCompanies;

beforeAll(async () => {
  companies = await startTwoCompanies();
  const ada = await companies.acme.signIn('ada');
  await ada.client.enrol({ label: 'Laptop' });
}, 60_000);
afterAll(() => companies?.close());

const now = () => Math.floor(Date.now() / 1000);

/** Asks as somebody does who has no sign-in anywhere. */
async function ask(addresses: readonly string[], requestId: string = randomUUID()) {
  const body = JSON.stringify({ request_id: requestId, addresses });
  const { stage, acme } = companies;
  const headers = { 'content-type': 'application/json' };
  const asked = { method: 'POST', path: '/v1/public/lookups', headers, body };
  return { requestId, body, ...(await sendRaw(stage, acme.bridge, asked)) };
}

/** Takes the comment signs of the shipped permit away, as an administrator does. */
async function permitThePublic(): Promise<void> {
  const { administrator } = companies.acme.bridge;
  const content = uncomment(readDefaultContent(), 'look-up.cedar', 'public-look-up');
  const { id } = await administrator.post<{ id: string }>('/admin/v1/policy/drafts', { content, note: '' });
  await administrator.post(`/admin/v1/policy/drafts/${id}/activate`);
}

async function onlineKeys() {
  const { issuer, rootThumbprint } = companies.acme.bridge;
  const response = await companies.stage.fetch(`${issuer}/.well-known/countersign/online-keys`);
  return verifyOnlineKeys(await response.text(), { iss: issuer, rootThumbprint }, now());
}

describe('a look-up by the public', () => {
  it('is refused by the shipped policy, which has no permit for it', async () => {
    const { status, text } = await ask(['ada@acme.example']);
    expect([status, JSON.parse(text).code]).toEqual([403, 'forbidden']);
    const denied = (await companies.acme.bridge.events()).findLast(({ type }) => type === 'policy.denied');
    expect(denied).toMatchObject({
      actor: { kind: 'anonymous' },
      data: { action: 'look-up-as-public', policy: 'no-permit' },
    });
  });

  describe('that a policy permits', () => {
    beforeAll(() => permitThePublic());

    it('is answered with a credential that verifies offline, and without a name', async () => {
      const { text, body, requestId } = await ask(['ada@acme.example']);
      const keys = await onlineKeys();
      const asked = {
        ...{ aud: 'public', jti: requestId, requestHash: sha256Base64url(body) },
        addresses: ['ada@acme.example'],
      };
      const { results, records } = await verifyLookUpResponse(text, keys, asked, now());
      expect(records).toBeUndefined();
      const [result] = results;
      if (result?.status !== 'credential') throw new Error(`the answer was ${result?.status}`);
      expect(result.credential.attributes ?? null).toBeNull();
      const { issuer: entity_id, rootThumbprint: root_thumbprint } = companies.acme.bridge;
      const issuer = { entity_id, root_thumbprint, domains: ['acme.example'], status: 'active' } as const;
      const policy = { level: 'logged', maxAge: 86_400 } as const;
      const verified = await verifyCredential(result.credential, 'ada@acme.example', {
        ...{ issuer, policy, now: now(), audience: 'public' },
      });
      expect(verified).toMatchObject({ statement: { address: 'ada@acme.example' }, attributes: null });
      const event = (await companies.acme.bridge.events()).findLast(
        ({ type }) => type === 'look_up.answered',
      );
      expect(event).toMatchObject({ actor: { kind: 'anonymous' }, data: { asked: 1, credential: 1 } });
    });

    it('says no more of partners’ people and unknown ones than that', async () => {
      const { text } = await ask(['nobody@acme.example', 'gwen@globex.example', 'ADA@acme.example']);
      const [, payload = ''] = text.split('.');
      expect(JSON.parse(Buffer.from(payload, 'base64url').toString()).results).toMatchObject([
        { status: 'not_found' },
        { status: 'refused', code: 'partner_unknown' },
        { status: 'refused', code: 'address_invalid' },
      ]);
    });

    it('takes no more addresses than somebody asks for by hand', async () => {
      const many = Array.from(
        { length: PUBLIC_LOOK_UP_ADDRESSES + 1 },
        (_, index) => `p${index}@acme.example`,
      );
      const { status, text } = await ask(many);
      expect([status, JSON.parse(text).code]).toEqual([400, 'malformed_request']);
    });
  });
});
