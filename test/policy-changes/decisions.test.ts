import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insertPerson } from '../../bridge/directory/persons.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { type BridgeFixture, bridgeFixture } from '../administration/bridge-fixture.ts';
import { tablesWith } from '../lifecycle/stored-bytes.ts';

const DECISIONS = '/admin/v1/decisions';

let bridge: BridgeFixture;
let ada: string;

beforeAll(async () => {
  bridge = await bridgeFixture();
  ada = await bridge.administrator('Ada');
});
afterAll(() => bridge.remove());

const get = (path: string, token = ada) => bridge.ask('GET', path, undefined, token);
const explain = (body: unknown) => bridge.ask('POST', `${DECISIONS}/explain`, body, ada);
const flush = () => bridge.running.services.decisions.flush();

/** Refuses a SIEM's token what it may not do; answers what it was told. */
async function refused(): Promise<Record<string, unknown>> {
  const made = await bridge.ask('POST', '/admin/v1/tokens', { name: 'SIEM', roles: ['siem'] }, ada);
  const { status, body } = await get('/admin/v1/connections', String(made.body.token));
  expect(status).toBe(403);
  await flush();
  return { ...body, principal: made.body.id };
}

describe('what was decided', () => {
  it('is explained by the id that the refusal and its event name', async () => {
    const { decision_id: id, principal } = await refused();
    const { status, body } = await get(`${DECISIONS}/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ id, effect: 'deny', policy: 'no-permit', deciding: [], inForce: true, times: 1 },
      request: { action: 'read-administration', principal: { kind: 'administrator', roles: ['siem'] } },
      seen: { principal: { attrs: { roles: ['siem'] } }, context: { own: false } },
    });
    const nearest = body.nearest as { id: string; file: string; text: string }[];
    expect(nearest.length).toBeGreaterThan(0);
    expect(nearest[0]).toMatchObject({ effect: 'permit', file: 'administration.cedar' });
    expect(nearest[0]?.text).toContain(`@id("${nearest[0]?.id}")`);
    const event = (await bridge.events()).filter(({ type }) => type === 'policy.denied').at(-1);
    expect(event?.data).toMatchObject({ decision: id, policy: 'no-permit' });
    const page = (await get(`${DECISIONS}?effect=deny&principal=${principal}`)).body;
    expect(page.decisions).toMatchObject([{ id, action: 'read-administration', times: 1 }]);
  });

  it('comes in pages, and by effect, action and who asked', async () => {
    await refused();
    await refused();
    const first = (await get(`${DECISIONS}?limit=1&effect=deny`)).body;
    const second = (await get(`${DECISIONS}?limit=1&effect=deny&before=${first.next}`)).body;
    const ids = [first, second].map(({ decisions }) => (decisions as { id: string }[])[0]?.id);
    expect(new Set(ids).size).toBe(2);
    const allowed = (await get(`${DECISIONS}?action=manage-access&effect=allow`)).body.decisions;
    expect(allowed).toMatchObject([{ policy: 'owners-administer' }, {}, {}]);
    expect((await get(`${DECISIONS}?action=nothing`)).body.code).toBe('malformed_request');
    expect((await get(`${DECISIONS}/none`)).body.code).toBe('decision_unknown');
  });

  it('is told to nobody whom policy does not let', async () => {
    const made = await bridge.ask('POST', '/admin/v1/tokens', { name: 'Op', roles: ['operator'] }, ada);
    const operator = String(made.body.token);
    for (const path of [DECISIONS, `${DECISIONS}/none`]) {
      expect((await get(path, operator)).body.code).toBe('forbidden');
    }
    expect((await bridge.ask('POST', `${DECISIONS}/explain`, {}, operator)).body.code).toBe(
      'malformed_request',
    );
  });

  it('is not told to who approves policies, who may ask what would be decided', async () => {
    const roles = ['policy-approver'];
    const made = await bridge.ask('POST', '/admin/v1/tokens', { name: 'Bob', roles }, ada);
    const approver = String(made.body.token);
    for (const path of [DECISIONS, `${DECISIONS}/none`]) {
      expect((await get(path, approver)).body.code).toBe('forbidden');
    }
    const resource = { kind: 'bridge', id: 'b' };
    const question = {
      action: 'read-policy',
      principal: { kind: 'administrator', id: 'a', roles },
      resource,
    };
    const { status, body } = await bridge.ask('POST', `${DECISIONS}/explain`, question, approver);
    expect(status).toBe(200);
    expect(body).toMatchObject({ effect: 'allow', policy: 'policy-approvers-approve' });
  });

  it('leaves nothing of a person who was erased, written or still in memory', async () => {
    const sub = newId();
    await bridge.inStore((database) =>
      database.transaction((tx) => insertPerson(tx, { sub, name: 'Alice', assurance: 'member', created: 1 })),
    );
    await get(`/admin/v1/persons/${sub}`);
    await flush();
    const traces = () => bridge.inStore((database) => tablesWith(database, [sub]));
    expect(await traces()).toContain('policy_decisions');
    await bridge.ask('POST', `/admin/v1/persons/${sub}/close`, {}, ada);
    expect((await bridge.ask('POST', `/admin/v1/persons/${sub}/erase`, {}, ada)).status).toBe(200);
    await flush();
    expect(await traces()).toEqual([]);
  });
});

describe('what would be decided', () => {
  const person = { kind: 'person', id: 'p', assurance: 'guest', endorsed: true };

  it('is answered with the policies that would decide it, and not recorded', async () => {
    const request = {
      ...{ action: 'find', principal: person },
      resource: { kind: 'address', id: 'bob@acme.example', domain: 'acme.example' },
    };
    const { body } = await explain(request);
    expect(body).toMatchObject({
      ...{ effect: 'allow', policy: 'own-people-see-attributes', nearest: [], inForce: true },
      deciding: [{ id: 'own-people-see-attributes', file: 'look-up.cedar', effect: 'permit' }],
    });
    await flush();
    expect((await get(`${DECISIONS}?principal=p`)).body.decisions).toEqual([]);
  });

  it.each([
    [{}],
    [{ action: 'nothing', principal: person, resource: { kind: 'bridge', id: 'b' } }],
    [{ action: 'find', principal: { ...person, roles: [] }, resource: { kind: 'bridge', id: 'b' } }],
    [{ action: 'find', principal: person, resource: { kind: 'bridge', id: 'b' }, context: { devices: -1 } }],
  ])('is refused for %j', async (body) => {
    expect((await explain(body)).body.code).toBe('malformed_request');
  });
});
