import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import type { PolicyContent } from '../../protocol/policy-bundle.ts';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { replaceText } from '../fakes/test-policy.ts';

const POLICY = '/admin/v1/policy';
const DRAFTS = `${POLICY}/drafts`;

let bridge: BridgeFixture;
let ada: string;
let bob: string;
let devices = 20;

beforeAll(async () => {
  bridge = await bridgeFixture();
  ada = await bridge.administrator('Ada');
  bob = await bridge.administrator('Bob');
});
afterAll(() => bridge.remove());

/** Another content each time: one device fewer than before. */
let next: PolicyContent;
const changeAgain = () => {
  devices -= 1;
  next = replaceText(readDefaultContent(), 'context.devices < 20', `context.devices < ${devices}`);
};
beforeEach(changeAgain);

const post = (path: string, token: string, body?: unknown) => bridge.ask('POST', path, body, token);
const inForce = async () => (await bridge.ask('GET', POLICY, undefined, ada)).body;

async function draft(token = ada, content = next, note = 'fewer devices'): Promise<string> {
  const answer = await post(DRAFTS, token, { content, note });
  expect(answer.status).toBe(201);
  return String(answer.body.id);
}

async function approved(): Promise<string> {
  const id = await draft();
  expect((await post(`${DRAFTS}/${id}/approve`, bob)).status).toBe(200);
  return id;
}

const activate = (id: string, token = ada) => post(`${DRAFTS}/${id}/activate`, token);
const rollBack = (version: unknown, token = ada) =>
  post(`${POLICY}/rollback`, token, { version, note: 'it did harm' });

describe('a change of the policy', () => {
  it('is drafted, approved by another administrator, and in force at once', async () => {
    const before = await inForce();
    const id = await draft();
    const refused = await activate(id);
    expect([refused.status, refused.body.code]).toEqual([403, 'policy_approval']);
    const shown = (await bridge.ask('GET', `${DRAFTS}/${id}`, undefined, bob)).body;
    expect(shown).toMatchObject({
      status: 'open',
      author: { name: 'Ada' },
      approvals: [],
      basedOn: before.version,
    });
    expect(String(shown.diff)).toContain(`+when { context.own && context.devices < ${devices} };`);
    const consented = await post(`${DRAFTS}/${id}/approve`, bob);
    expect(consented.body.approvals).toMatchObject([{ administrator: { name: 'Bob' }, counts: true }]);
    const activated = await activate(id);
    expect(activated.status).toBe(200);
    expect(activated.body).toEqual({ version: Number(before.version) + 1, hash: shown.hash });
    expect(await inForce()).toMatchObject({
      ...activated.body,
      inForce: true,
      by: { name: 'Ada' },
      draft: id,
    });
    const types = (await bridge.events()).map(({ type }) => type);
    expect(types.slice(-4)).toEqual([
      ...['policy.drafted', 'policy.denied', 'policy.approved', 'policy.activated'],
    ]);
  });

  it('is not approved by its author, nor by a token that the author made', async () => {
    const id = await draft();
    expect((await post(`${DRAFTS}/${id}/approve`, ada)).body.code).toBe('forbidden');
    const made = await post('/admin/v1/tokens', ada, { name: 'Somebody else' });
    const child = String(made.body.token);
    expect((await post(`${DRAFTS}/${id}/approve`, child)).body.code).toBe('forbidden');
    expect((await activate(id, child)).body.code).toBe('policy_approval');
  });

  it('counts no approval of who has the name of its author', async () => {
    const id = await draft();
    const again = await bridge.administrator(' ADA ');
    const answer = await post(`${DRAFTS}/${id}/approve`, again);
    expect(answer.body.approvals).toMatchObject([{ counts: false }]);
    expect((await activate(id)).body.code).toBe('policy_approval');
  });

  it('counts no approval of a token that has ended', async () => {
    const id = await draft();
    const answer = await post('/admin/v1/tokens', bob, { name: 'Bob at home' });
    expect((await post(`${DRAFTS}/${id}/approve`, String(answer.body.token))).status).toBe(200);
    await bridge.ask('DELETE', `/admin/v1/tokens/${answer.body.id}`, undefined, bob);
    expect((await activate(id)).body.code).toBe('policy_approval');
    await post(`${DRAFTS}/${id}/approve`, bob);
    expect((await activate(id)).status).toBe(200);
  });

  it('is refused once another one came into force', async () => {
    const [first, second] = [await approved(), await approved()];
    expect((await activate(first)).status).toBe(200);
    expect((await activate(second)).body.code).toBe('policy_draft_outdated');
    expect((await post(`${DRAFTS}/${second}/approve`, bob)).body.code).toBe('policy_draft_outdated');
    expect((await activate(first)).body.code).toBe('policy_draft_closed');
    const { drafts } = (await bridge.ask('GET', DRAFTS, undefined, ada)).body;
    const statuses = (drafts as { id: string; status: string }[]).map(({ id, status }) => [id, status]);
    expect(statuses.slice(0, 2)).toEqual([
      [second, 'outdated'],
      [first, 'activated'],
    ]);
  });

  it('comes into force once, of two that are activated at the same moment', async () => {
    const drafts = [await approved(), await approved()];
    const before = Number((await inForce()).version);
    const answers = await Promise.all(drafts.map((id) => activate(id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(answers.map(({ body }) => body.code).filter(Boolean)).toEqual(['policy_draft_outdated']);
    expect((await inForce()).version).toBe(before + 1);
  });

  it('comes into force once, when one is activated twice at the same moment', async () => {
    const id = await approved();
    const before = Number((await inForce()).version);
    const answers = await Promise.all([activate(id), activate(id, bob)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect((await inForce()).version).toBe(before + 1);
  });

  it('can be discarded, and is nothing any more then', async () => {
    const id = await draft();
    expect((await bridge.ask('DELETE', `${DRAFTS}/${id}`, undefined, bob)).status).toBe(204);
    for (const act of ['approve', 'activate']) {
      expect((await post(`${DRAFTS}/${id}/${act}`, bob)).body.code).toBe('policy_draft_closed');
    }
    expect((await bridge.ask('DELETE', `${DRAFTS}/${id}`, undefined, bob)).body.code).toBe(
      'policy_draft_closed',
    );
  });

  it('is refused with every fault and its place', async () => {
    const policies = {
      ...next.policies,
      'a.cedar': 'permit (principal, action, resource) when { principal.nothing };',
      'b.cedar': 'permit (',
    };
    const { status, body } = await post(DRAFTS, ada, { content: { ...next, policies }, note: '' });
    expect([status, body.code]).toEqual([400, 'policy_invalid']);
    expect(String(body.detail)).toMatch(/a\.cedar:1.*\n?.*b\.cedar:1/s);
  });

  it('is refused where nothing changes, and where there is no such draft', async () => {
    const { content } = await inForce();
    expect((await post(DRAFTS, ada, { content, note: '' })).body.code).toBe('malformed_request');
    for (const act of ['approve', 'activate', 'dry-run']) {
      expect((await post(`${DRAFTS}/none/${act}`, bob)).body.code).toBe('policy_draft_unknown');
    }
  });

  it('is for those alone whom policy lets', async () => {
    const id = await draft();
    const made = await post('/admin/v1/tokens', bob, { name: 'Carol', roles: ['auditor'] });
    const auditor = String(made.body.token);
    for (const act of ['approve', 'activate']) {
      expect((await post(`${DRAFTS}/${id}/${act}`, auditor)).body.code).toBe('forbidden');
      expect((await post(`${DRAFTS}/none/${act}`, auditor)).body.code).toBe('forbidden');
    }
    expect((await rollBack(0, auditor)).body.code).toBe('forbidden');
    expect((await post(DRAFTS, auditor, { content: next, note: '' })).body.code).toBe('forbidden');
    expect((await bridge.ask('GET', POLICY, undefined, auditor)).status).toBe(200);
  });
});

describe('a roll-back', () => {
  it('brings the version before back at once, by one administrator, as the next version', async () => {
    const before = await inForce();
    await activate(await approved());
    const answer = await rollBack(before.version, bob);
    expect(answer.body).toEqual({ version: Number(before.version) + 2, hash: before.hash });
    expect(await inForce()).toMatchObject({ hash: before.hash, content: before.content, draft: null });
    const last = (await bridge.events()).filter(({ type }) => type === 'policy.activated').at(-1);
    expect(last?.data).toMatchObject({ rolled_back_to: before.version, note: 'it did harm' });
  });

  it('needs approval for anything older, and for the version before after a day', async () => {
    await activate(await approved());
    changeAgain();
    await activate(await approved());
    const { version } = await inForce();
    expect((await rollBack(Number(version) - 2)).body.code).toBe('policy_approval');
    bridge.clock.advance(86_401_000);
    ada = await bridge.administrator('Ada');
    bob = await bridge.administrator('Bob');
    expect((await rollBack(Number(version) - 1)).body.code).toBe('policy_approval');
  });

  it('is refused to what is in force, and to what never was', async () => {
    await activate(await approved());
    const { version } = await inForce();
    expect((await rollBack(Number(version) + 7)).body.code).toBe('policy_approval');
    expect((await rollBack(version)).body.code).toBe('policy_approval');
  });
});

describe('a policy', () => {
  it('is refused under which nobody could change the policy any more', async () => {
    const alone = replaceText(next, 'context.approvals >= 1 ||', 'context.approvals >= 2 ||');
    const nobody = replaceText(next, '"draft-policy"', '"read-policy"');
    for (const content of [alone, nobody]) {
      const id = await draft(ada, content);
      await post(`${DRAFTS}/${id}/approve`, bob);
      const answer = await activate(id);
      expect([answer.status, answer.body.code]).toEqual([409, 'policy_lock_out']);
    }
  });
});
