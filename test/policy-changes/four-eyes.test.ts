import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keyEncryptionKeys } from '../../bridge/config/key-encryption-keys.ts';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import { createStagingLog } from '../../bridge/keylog/database-key-log.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import { activatePolicy } from '../../bridge/policy/versions/policy-activation.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import type { Database } from '../../bridge/storage/database.ts';
import type { PolicyContent } from '../../protocol/policy-bundle.ts';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { replaceText } from '../fakes/test-policy.ts';

const POLICY = '/admin/v1/policy';
const DRAFTS = `${POLICY}/drafts`;
const TOKENS = '/admin/v1/tokens';

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
beforeEach(() => {
  devices -= 1;
  next = replaceText(readDefaultContent(), 'context.devices < 20', `context.devices < ${devices}`);
});

const post = (path: string, token: string, body?: unknown) => bridge.ask('POST', path, body, token);
const approve = (id: string, token: string) => post(`${DRAFTS}/${id}/approve`, token);
const activate = (id: string, token = ada) => post(`${DRAFTS}/${id}/activate`, token);

async function draft(token = ada, content = next): Promise<string> {
  const answer = await post(DRAFTS, token, { content, note: '' });
  expect(answer.status).toBe(201);
  return String(answer.body.id);
}

/** A token made with another one, and how to end it. */
async function made(by: string, settings: object) {
  const { body } = await post(TOKENS, by, settings);
  const id = String(body.id);
  return { token: String(body.token), revoke: () => bridge.ask('DELETE', `${TOKENS}/${id}`, undefined, by) };
}

describe('a draft', () => {
  it.each([
    ['was revoked', async (revoke: () => Promise<unknown>) => void (await revoke())],
    ['expired', async () => void bridge.clock.advance(901_000)],
  ])('is not approved by who drafted it with a token that has ended since: it %s', async (_, end) => {
    const { token, revoke } = await made(ada, { name: 'pipeline', expiresIn: 900 });
    const id = await draft(token);
    await end(revoke);
    expect((await post(DRAFTS, token, { content: next, note: '' })).status).toBe(401);
    const own = await approve(id, ada);
    expect(own.body.code).toBe('forbidden');
    expect(own.body.detail).toContain('nobody-approves-their-own-draft');
    const second = await made(ada, { name: 'night shift' });
    expect((await approve(id, second.token)).body.code).toBe('forbidden');
    expect((await activate(id)).body.code).toBe('policy_approval');
    expect((await approve(id, bob)).body.approvals).toMatchObject([{ counts: true }]);
    expect((await activate(id)).status).toBe(200);
  });
});

describe('the need for a second administrator', () => {
  /** Ends every token of Bob’s. */
  async function revokeBob(): Promise<void> {
    const { tokens } = (await bridge.ask('GET', TOKENS, undefined, ada)).body;
    for (const { id, name } of tokens as { id: string; name: string }[]) {
      if (name === 'Bob') await bridge.ask('DELETE', `${TOKENS}/${id}`, undefined, ada);
    }
  }
  beforeEach(async () => {
    bob = await bridge.administrator('Bob');
  });

  it('stays with a draft that was made while there was one, whoever is revoked since', async () => {
    const id = await draft();
    await revokeBob();
    expect((await activate(id)).body.code).toBe('policy_approval');
    bob = await bridge.administrator('Bob');
    await approve(id, bob);
    expect((await activate(id)).status).toBe(200);
  });

  it('stays with a draft that a second one has read, or that was refused for want of them', async () => {
    await revokeBob();
    const [read, refused] = [await draft(), await draft()];
    bob = await bridge.administrator('Bob');
    await bridge.ask('GET', `${DRAFTS}/${read}`, undefined, bob);
    expect((await activate(refused)).body.code).toBe('policy_approval');
    await revokeBob();
    expect((await activate(read)).body.code).toBe('policy_approval');
    expect((await activate(refused)).body.code).toBe('policy_approval');
    expect((await activate(await draft())).status).toBe(200);
  });
});

describe('how many administrators there are', () => {
  it('is told with every fact that an approval is asked with: a rule about one of them hides nobody', async () => {
    const second = await bridge.administrator('Bob');
    const rule = `@id("few-approvals")
@reason("Three approvals are enough.")
forbid (principal, action == Countersign::Action::"approve-policy", resource)
unless { context has approvals && context.approvals < 3 };
`;
    const ruled = { ...next, policies: { ...next.policies, 'own.cedar': rule } };
    const first = await draft(ada, ruled);
    await approve(first, second);
    expect((await activate(first)).status).toBe(200);
    const id = await draft();
    expect((await activate(id)).body.code).toBe('policy_approval');
    expect((await approve(id, second)).status).toBe(200);
    expect((await activate(id)).status).toBe(200);
  });
});

describe('what was taken back', () => {
  /** As on the bridge’s machine. */
  async function restoreDefaults(database: Database): Promise<void> {
    const { clock, issuer: iss } = bridge;
    const events = createEventLog({ database, clock, logger: createLogger({ level: 'silent' }), iss });
    const signer = await openLocalSigner({ database, ...keyEncryptionKeys(bridge.config), iss, clock });
    const deps = { signer, events, clock, keyLog: createStagingLog() };
    await database.transaction((tx) => activatePolicy(deps, tx, readDefaultContent(), SYSTEM));
  }
  const inForce = async () => Number((await bridge.ask('GET', POLICY, undefined, ada)).body.version);
  const rollBack = (version: number, token = ada) =>
    post(`${POLICY}/rollback`, token, { version, note: 'it did harm' });
  async function bringIntoForce(): Promise<number> {
    const id = await draft();
    await approve(id, bob);
    expect((await activate(id)).status).toBe(200);
    return inForce();
  }
  beforeEach(async () => {
    bob = await bridge.administrator('Bob');
  });

  it('does not come back by one administrator alone after a roll-back', async () => {
    const harmful = await bringIntoForce();
    expect((await rollBack(harmful - 1, bob)).status).toBe(200);
    expect((await rollBack(harmful)).body.code).toBe('policy_approval');
    expect(await inForce()).toBe(harmful + 1);
  });

  it('does not come back by one administrator alone after restore-defaults', async () => {
    const harmful = await bringIntoForce();
    await bridge.inStore(restoreDefaults);
    expect((await rollBack(harmful)).body.code).toBe('policy_approval');
    expect(await inForce()).toBe(harmful + 1);
  });
});
