import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { savePartner } from '../../bridge/federation/partner-store.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { TRIAL_MS } from '../../bridge/lib/limits.ts';
import { createDryRun, type DryRun } from '../../bridge/lifecycle/policy-dry-run.ts';
import { type PopulationDeps, populationQuestions } from '../../bridge/lifecycle/policy-population.ts';
import { comparedData } from '../../bridge/lifecycle/population-data.ts';
import type { TrialQuestion } from '../../bridge/lifecycle/trial-question.ts';
import { compilePolicy } from '../../bridge/policy/content/compile-policy.ts';
import { readDefaultContent } from '../../bridge/policy/content/default-content.ts';
import { ACTIONS, type AdministratorRole, type DecisionRequest } from '../../bridge/policy/decision.ts';
import { insertDecisions } from '../../bridge/policy/decisions/decision-store.ts';
import type { Assurance } from '../../protocol/claims.ts';
import type { PolicyContent } from '../../protocol/policy-bundle.ts';
import { processorTime } from '../fakes/processor-time.ts';
import { type TemporaryStore, temporaryStore } from '../fakes/temporary-store.ts';
import { replaceText } from '../fakes/test-policy.ts';

const GLOBEX = 'https://bridge.globex.example';
const ISS = 'https://bridge.acme.example';
const shipped = readDefaultContent();
const inForce = compilePolicy(shipped);

let store: TemporaryStore;
beforeEach(async () => {
  store = await temporaryStore({ now: () => 1_000_000 });
});
afterEach(() => store.remove());

interface Wanted {
  readonly name: string;
  readonly assurance?: Assurance;
  readonly devices?: number;
}

async function addPeople(people: readonly Wanted[]): Promise<string[]> {
  const all = people.map((person) => ({ ...person, sub: newId() }));
  await store.database.transaction(async (tx) => {
    for (let at = 0; at < all.length; at += 500) {
      const some = all.slice(at, at + 500);
      await tx
        .insertInto('persons')
        .values(
          some.map(({ sub, name, assurance = 'member', devices = 0 }) => ({
            ...{ sub, name, assurance, created: 1, status: 'active' as const, generation: 0 },
            key_version: devices === 0 ? null : 0,
          })),
        )
        .execute();
      await tx
        .insertInto('addresses')
        .values(
          some.map(({ sub, name }) => ({
            ...{ address: `${name}@acme.example`, domain: 'acme.example', sub, connection_id: 'okta' },
            ...{ is_primary: 1, since: 1, last_asserted: 1 },
          })),
        )
        .execute();
      const devices = some.flatMap(({ sub, name, devices: count = 0 }) =>
        Array.from({ length: count }, (_, n) => ({
          ...{ device_id: `${name}-${n}`, sub, label: 'x', keys: '[]', endorsement: '', key_version: 0 },
          ...{ transform_key: new Uint8Array(1), generation: 0, added: 1, last_seen: 1 },
        })),
      );
      if (devices.length > 0) await tx.insertInto('devices').values(devices).execute();
    }
  });
  return all.map(({ sub }) => sub);
}

function addPartner(): Promise<void> {
  return store.database.transaction((tx) =>
    savePartner(tx, {
      ...{
        entity_id: GLOBEX,
        status: 'active',
        root_thumbprint: 'r',
        domains: ['globex.example'],
        version: 0,
      },
      ...{ organization_name: 'Globex', lookup_endpoint: GLOBEX, online_keys: '', serial: 0 },
      ...{ expires: 2_000_000_000, reason: null, checked: 1, policy: null },
    }),
  );
}

async function addGroup(id: string, people: { readonly admin: string; readonly member: string }) {
  await store.database.transaction(async (tx) => {
    await tx
      .insertInto('groups')
      .values({
        ...{ group_id: id, kind: 'durable', label: 'Board', status: 'active', ends: null, creator: '' },
        ...{ group_key: '', signer: '', key_version: 0, seq: 0, head: '', members_seq: -1 },
        ...{ members_head: null, share: null, generation: 0, created: 1, ended: null },
      })
      .execute();
    await tx
      .insertInto('group_admins')
      .values({
        ...{ group_id: id, sub: people.admin, address: 'alice@acme.example', position: 0 },
        ...{ key_version: 0, vault: null },
      })
      .execute();
    await tx
      .insertInto('group_members')
      .values({
        ...{ group_id: id, kind: 'person', iss: ISS, member_id: people.member },
        ...{
          key_version: 0,
          group_key_version: 0,
          transform_key: new Uint8Array(1),
          generation: 0,
          added: 1,
        },
      })
      .execute();
  });
}

const administrators: Awaited<ReturnType<PopulationDeps['administrators']>> = [
  { id: 'a-1', name: 'Ada', roles: ['owner'] },
];

function populationDeps(): PopulationDeps {
  return {
    ...{ database: store.database, iss: ISS },
    administrators: async () => administrators,
    connections: async () => [{ id: 'okta', name: 'Okta', status: 'active' }],
  };
}

/** What is asked about who is there. */
async function questions(): Promise<TrialQuestion[]> {
  const looked = { people: 0, groups: 0, partners: 0, administrators: 0, connections: 0, notLookedAt: [] };
  const { kinds } = comparedData(inForce.policies);
  const asked: TrialQuestion[] = [];
  for await (const batch of populationQuestions(populationDeps(), looked, kinds)) asked.push(...batch);
  return asked;
}

const actionsAsked = async () => new Set((await questions()).map(({ topic }) => topic.action));

/** Of everything something: people with keys and without, a partner, and a group of two of ours. */
async function addEverybody(): Promise<void> {
  const [alice = '', bob = ''] = await addPeople([
    { name: 'alice', devices: 2 },
    { name: 'bob', devices: 1 },
    { name: 'carol' },
  ]);
  await addPartner();
  await addGroup('g-1', { admin: alice, member: bob });
}

function tryOut(content: PolicyContent, given: { roles?: AdministratorRole[]; withExamples?: boolean } = {}) {
  const { roles = ['owner'], withExamples = true } = given;
  const run = createDryRun({
    compile: compilePolicy,
    ...populationDeps(),
    policy: { current: { compiled: inForce } },
    administrators: async () => [{ id: 'a-1', name: 'Ada', roles }],
  });
  return run(content, { withExamples });
}

const sentences = (found: DryRun['present']) => found.flatMap((finding) => finding.sentences);

function withPolicy(id: string, text: string): PolicyContent {
  const own = `@id("${id}")\n@reason("It is tried.")\n${text}\n`;
  return { ...shipped, policies: { ...shipped.policies, 'own.cedar': own } };
}

describe('a dry run', () => {
  it('says of the same policy that nothing changes', async () => {
    await addPeople([{ name: 'alice', devices: 2 }, { name: 'bob' }]);
    await addPartner();
    expect(await tryOut(shipped)).toMatchObject({
      ...{ present: [], recent: [], lifetimes: [] },
      looked: { people: 2, partners: 1, administrators: 1, connections: 1, groups: 0 },
    });
  });

  it('says how many people a partner could no longer find, and names five of them', async () => {
    await addPeople(Array.from({ length: 42 }, (_, n) => ({ name: `p${n}` })));
    await addPartner();
    const content = withPolicy(
      'globex-finds-nobody',
      `forbid (principal == Countersign::Partner::"${GLOBEX}", action == Countersign::Action::"find", resource);`,
    );
    const { present } = await tryOut(content);
    expect(present).toMatchObject([{ action: 'find', who: 'people', lost: 42, gained: 0 }]);
    expect(present[0]?.examples.lost).toHaveLength(5);
    expect(sentences(present)).toEqual([`42 people could no longer be found by ${GLOBEX}.`]);
    const [quiet] = (await tryOut(content, { withExamples: false })).present;
    expect(quiet).toMatchObject({ lost: 42, examples: { lost: [], gained: [] } });
  });

  it('tells one person who is named from all the others', async () => {
    await addPeople([{ name: 'alice' }, { name: 'bob' }, { name: 'carol' }]);
    const content = withPolicy(
      'nobody-finds-bob',
      'forbid (principal, action == Countersign::Action::"find", resource == Countersign::Address::"bob@acme.example");',
    );
    const { present } = await tryOut(content);
    expect(present).toMatchObject([{ action: 'find', lost: 1, examples: { lost: ['bob@acme.example'] } }]);
  });

  it('counts the devices that are over a lower limit, and who could add no more', async () => {
    await addPeople([
      { name: 'alice', devices: 5 },
      { name: 'bob', devices: 3 },
      { name: 'carol', devices: 4 },
    ]);
    const { present } = await tryOut(replaceText(shipped, 'context.devices < 20', 'context.devices < 3'));
    expect(sentences(present)).toContain(
      '3 devices over the limit: what is there stays, and could not be added again.',
    );
    expect(sentences(present)).toContain(
      '3 people could no longer add another device after a sign-in with several factors just now.',
    );
  });

  it('says what administrators could do no more', async () => {
    const content = replaceText(
      shipped,
      'principal.roles.contains("auditor")',
      'principal.roles.contains("siem")',
    );
    const { present } = await tryOut(content, { roles: ['auditor'] });
    const lost = present.filter((finding) => finding.lost > 0);
    expect(lost.map(({ action }) => action)).toContain('read-persons');
    expect(lost.every(({ examples }) => examples.lost.includes('Ada'))).toBe(true);
    // Nobody has it now: somebody will tomorrow.
    const [gained] = present.filter((finding) => finding.gained > 0);
    expect(gained).toMatchObject({ who: 'roles that no present administrator has alone', gained: 1 });
  });

  it('asks what administrators could read of a person, and of a connection, beside the lists of them', async () => {
    for (const [action, kind] of [
      ['read-persons', 'Subject'],
      ['read-administration', 'Connection'],
    ]) {
      const rule = `forbid (principal, action == Countersign::Action::"${action}", resource is Countersign::${kind});`;
      const { present } = await tryOut(withPolicy('not-in-particular', rule));
      expect(present).toContainEqual(expect.objectContaining({ action, who: 'administrators', lost: 1 }));
    }
  });

  it('says what administrators could do alone', async () => {
    const content = replaceText(shipped, 'context.approvals >= 1 ||', 'context.approvals >= 0 ||');
    expect(sentences((await tryOut(content)).present)).toContain(
      '1 administrator could newly activate a draft that nobody approved.',
    );
  });

  it('says what could be signed in through no more', async () => {
    const content = withPolicy(
      'no-okta',
      'forbid (principal, action == Countersign::Action::"sign-in", resource == Countersign::Connection::"okta");',
    );
    const { present } = await tryOut(content);
    expect(sentences(present)).toEqual(['1 connection could no longer be signed in through.']);
  });

  it('asks about every action, or says that it does not', async () => {
    const asked = await actionsAsked();
    const { notLookedAt } = await tryOut(shipped);
    const gaps = notLookedAt.join();
    expect(ACTIONS.filter((action) => !asked.has(action) && !gaps.includes(`“${action}”`))).toEqual([]);
    expect(gaps).toContain('“enrol”');
    await addEverybody();
    expect(await actionsAsked()).toEqual(new Set(ACTIONS));
    expect((await tryOut(shipped)).notLookedAt.join()).not.toContain('“');
  });

  it('has a question for every permit that is shipped, which without it would be refused', async () => {
    await addEverybody();
    const alone = new Set<string>();
    for (const { request } of await questions()) {
      const { effect, policies } = inForce.decide(request);
      const [only] = policies;
      if (effect === 'allow' && policies.length === 1 && only !== undefined) alone.add(only);
    }
    const permits = inForce.policies.filter(({ json }) => json.effect === 'permit').map(({ id }) => id);
    expect(permits.length).toBeGreaterThan(30);
    expect(permits.filter((id) => !alone.has(id))).toEqual([]);
  });

  it('says for whom data would be that is for others now', async () => {
    await addPeople([{ name: 'alice' }]);
    const content = replaceText(shipped, '@recipients("%USER%, %LOGGED_IN_USER%")', '@recipients("%USER%")');
    const { present } = await tryOut(content);
    // As a category, with each sensitivity that there is.
    expect(present).toMatchObject([{ action: 'receive', who: 'kinds of data' }]);
    expect(present[0]?.examples.gained).toContain('personal/other');
    expect(sentences(present)).toEqual([
      expect.stringMatching(/^\d+ kinds of data would no longer be for %LOGGED_IN_USER%, %USER%\.$/),
      expect.stringMatching(/^\d+ kinds of data would be for %USER%\.$/),
    ]);
  });

  it('says for whom data would be where another rule comes first', async () => {
    await addPeople([{ name: 'alice' }]);
    const first = `@id("first")
@order("ORDER")
@recipients("%USER%")
@reason("It is tried.")
permit (principal is Countersign::Person, action == Countersign::Action::"receive", resource is Countersign::Data)
when { resource.category == "personal" };
`;
    const withOrder = (order: string): PolicyContent => ({
      ...shipped,
      policies: { ...shipped.policies, 'own.cedar': first.replace('ORDER', order) },
    });
    expect((await tryOut(withOrder('101'))).present).toEqual([]);
    expect((await tryOut(withOrder('99'))).present).toMatchObject([{ action: 'receive' }]);
  });

  it('asks about a place in a group with the connection of whose it is', async () => {
    await addEverybody();
    const content = withPolicy(
      'okta-opens-nothing',
      'forbid (principal is Countersign::Person, action == Countersign::Action::"open-key", resource is Countersign::Group) when { principal has connection && principal.connection == "okta" };',
    );
    expect(sentences((await tryOut(content)).present)).toContain(
      '2 places in groups could no longer be used to open its keys.',
    );
  });

  it('says that it did not ask about whom a rule names, where one of each kind was asked about', async () => {
    await addPeople([{ name: 'alice' }]);
    const content = withPolicy(
      'one-makes-no-groups',
      'forbid (principal == Countersign::Person::"alice", action == Countersign::Action::"create-group", resource);',
    );
    const { present, notLookedAt } = await tryOut(content);
    expect(present).toEqual([]);
    expect(notLookedAt).toContain(
      'whom rules mean in particular, for “create-group”: one of each kind was asked about',
    );
  });

  it('decides recent decisions again, each as often as it was asked', async () => {
    const request: DecisionRequest = {
      action: 'look-up',
      principal: { kind: 'person', id: 'alice', assurance: 'guest', endorsed: true },
      resource: { kind: 'bridge', id: 'https://bridge.acme.example' },
      context: {},
    };
    const decided = { decided: 1_000_000_000, decision: inForce.decide(request) };
    await store.database.transaction((tx) =>
      insertDecisions(tx, [
        { ...decided, id: newId(), request, times: 3 },
        { ...decided, id: newId(), request: { ...request, context: { devices: 1 } }, times: 1 },
      ]),
    );
    const content = withPolicy(
      'guests-look-nobody-up',
      'forbid (principal is Countersign::Person, action == Countersign::Action::"look-up", resource) when { principal.assurance == "guest" };',
    );
    const { recent, looked } = await tryOut(content);
    expect(sentences(recent)).toEqual(['4 recent requests of people for “look-up” would be refused.']);
    expect(looked.recent).toBe(2);
  });

  it('says which lifetimes change', async () => {
    const { lifetimes } = shipped.data as { lifetimes: Record<string, never> };
    const changed = { ...lifetimes, binding: { default: 86_400, guest: 3_600 }, meeting: 7_200 };
    const found = await tryOut({ ...shipped, data: { lifetimes: changed } });
    expect(found.lifetimes).toEqual([
      { name: 'binding', of: 'guest', before: 86_400, after: 3_600 },
      { name: 'meeting', of: null, before: 2_678_400, after: 7_200 },
    ]);
  });

  it('takes seconds for ten thousand people, and leaves the event loop to others', async () => {
    await addPeople(Array.from({ length: 10_000 }, (_, n) => ({ name: `p${n}`, devices: n % 3 })));
    await addPartner();
    const content = withPolicy(
      'nobody-finds-p7',
      'forbid (principal, action == Countersign::Action::"find", resource == Countersign::Address::"p7@acme.example");',
    );
    // Seconds of the processor, to the trial too, which ends after some: what other processes take meanwhile is not its fault.
    const timer = vi.spyOn(performance, 'now').mockImplementation(() => processorTime() * 1_000);
    const turns = longestTurns();
    const { present, looked, notLookedAt } = await tryOut(content).finally(() => timer.mockRestore());
    const took = turns.stop();
    expect(present).toMatchObject([
      { action: 'find', lost: 1 },
      { action: 'find', lost: 1 },
    ]);
    expect(looked.people).toBe(10_000);
    expect(notLookedAt.join()).not.toContain('beyond');
    expect(took.total).toBeLessThan(TRIAL_MS / 1_000);
    // The first turn compiles the draft.
    expect(took.longest[1]).toBeLessThan(0.1);
  });
});

/** How long the turns of the event loop take of the thread's own time, in seconds, the longest first. */
function longestTurns() {
  const begun = processorTime();
  const turns: number[] = [];
  let last = begun;
  let running = true;
  const turn = () => {
    const now = processorTime();
    turns.push(now - last);
    last = now;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  return {
    stop() {
      running = false;
      return { total: processorTime() - begun, longest: turns.sort((a, b) => b - a).slice(0, 5) };
    },
  };
}
