import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import type { PolicyContent } from '../../protocol/policy-bundle.ts';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { replaceText } from '../fakes/test-policy.ts';

const DRAFTS = '/admin/v1/policy/drafts';
const shipped = readDefaultContent();

let bridge: BridgeFixture;
let ada: string;

beforeAll(async () => {
  bridge = await bridgeFixture();
  ada = await bridge.administrator('Ada');
});
afterAll(() => bridge.remove());

const post = (path: string, body?: unknown) => bridge.ask('POST', path, body, ada);

function withRule(text: string, content = shipped): PolicyContent {
  const own = `@id("own-rule")\n@reason("It is tried.")\n${text}\n`;
  return { ...content, policies: { ...content.policies, 'own.cedar': own } };
}

async function activated(content: PolicyContent) {
  const { body } = await post(DRAFTS, { content });
  return post(`${DRAFTS}/${body.id}/activate`);
}

describe('the guard against locking everybody out', () => {
  it('refuses a policy that forbids what the routes ask', async () => {
    for (const action of ['draft-policy', 'activate-policy']) {
      const rule = `forbid (principal, action == Countersign::Action::"${action}", resource is Countersign::Policy);`;
      const { body } = await activated(withRule(rule));
      expect([action, body.code]).toEqual([action, 'policy_lock_out']);
    }
  });

  it('lets a policy pass that permits drafts of the policy alone, and they are made under it', async () => {
    const without = replaceText(shipped, 'Countersign::Action::"draft-policy",\n', '');
    const rule =
      'permit (principal is Countersign::Administrator, action == Countersign::Action::"draft-policy", resource is Countersign::Policy) when { principal.roles.contains("owner") };';
    expect((await activated(withRule(rule, without))).status).toBe(200);
    const again = await post(DRAFTS, { content: shipped });
    expect(again.status).toBe(201);
    expect((await bridge.ask('DELETE', `${DRAFTS}/${again.body.id}`, undefined, ada)).status).toBe(204);
  });

  it('has nothing to say of rules about anything else: such a draft is not valid', async () => {
    for (const action of ['draft-policy', 'approve-policy', 'activate-policy']) {
      const rule = `forbid (principal, action == Countersign::Action::"${action}", resource is Countersign::Bridge);`;
      const { body } = await post(DRAFTS, { content: withRule(rule) });
      expect([action, body.code]).toEqual([action, 'policy_invalid']);
    }
  });
});
