import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../bridge/lib/ids.ts';
import { POLICY_DRAFTS } from '../../bridge/lib/limits.ts';
import { insertDraft, type StoredDraft } from '../../bridge/policy/changes/draft-store.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { replaceText } from '../fakes/test-policy.ts';

const DRAFTS = '/admin/v1/policy/drafts';

let bridge: BridgeFixture;
let ada: string;

beforeAll(async () => {
  bridge = await bridgeFixture();
  ada = await bridge.administrator('Ada');
});
afterAll(() => bridge.remove());

const content = replaceText(readDefaultContent(), 'context.devices < 20', 'context.devices < 19');
const draft = () => bridge.ask('POST', DRAFTS, { content, note: '' }, ada);
const statusOf = async (id: string) => (await bridge.ask('GET', `${DRAFTS}/${id}`, undefined, ada)).status;

/** Puts drafts into the store; answers their ids. */
function stored(number: number, changes: Partial<StoredDraft>): Promise<string[]> {
  const ids = Array.from({ length: number }, () => newId());
  return bridge.inStore((database) =>
    database.transaction(async (tx) => {
      await tx.deleteFrom('policy_drafts').execute();
      const given = { hash: 'h', content: JSON.stringify(content), note: '', based_on: 0 };
      const author = { author: 'a', author_name: 'A', author_root: 'a', author_root_name: 'A' };
      for (const id of ids) {
        const created = Math.floor(bridge.clock.now() / 1_000);
        const draft = { id, ...given, ...author, administrators: 1, created, status: 'open' as const };
        await insertDraft(tx, { ...draft, ...changes });
      }
      return ids;
    }),
  );
}

describe('drafts that are kept', () => {
  it.each([
    ['discarded', { status: 'discarded' }],
    ['activated', { status: 'activated' }],
    ['outdated', { based_on: 7 }],
  ] as const)('make room for another one, the oldest first, once they are %s', async (_, changes) => {
    const [oldest = '', second = ''] = await stored(POLICY_DRAFTS, changes);
    expect((await draft()).status).toBe(201);
    expect([await statusOf(oldest), await statusOf(second)]).toEqual([404, 200]);
  });

  it('leave no room while all of them are open, until one is discarded', async () => {
    const [oldest = ''] = await stored(POLICY_DRAFTS, {});
    const refused = await draft();
    expect([refused.status, refused.body.code]).toEqual([409, 'conflict']);
    expect((await bridge.ask('DELETE', `${DRAFTS}/${oldest}`, undefined, ada)).status).toBe(204);
    expect((await draft()).status).toBe(201);
    expect(await statusOf(oldest)).toBe(404);
  });
});
