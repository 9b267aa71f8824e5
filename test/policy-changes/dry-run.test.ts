import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { savePartner } from '../../bridge/federation/partner-store.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { createDryRun, type DryRun } from '../../bridge/lifecycle/policy-dry-run.ts';
import { compilePolicy } from '../../bridge/policy/compile-policy.ts';
import type { AdministratorRole, DecisionRequest } from '../../bridge/policy/decision.ts';
import { insertDecisions } from '../../bridge/policy/decision-store.ts';
import { readDefaultContent } from '../../bridge/policy/default-content.ts';
import type { Assurance } from '../../protocol/claims.ts';
import type { PolicyContent } from '../../protocol/policy-bundle.ts';
import { type TemporaryStore, temporaryStore } from '../fakes/temporary-store.ts';
import { replaceText } from '../fakes/test-policy.ts';

const GLOBEX = 'https://bridge.globex.example';
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

async function addPeople(people: readonly Wanted[]): Promise<void> {
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

function tryOut(content: PolicyContent, given: { roles?: AdministratorRole[]; withExamples?: boolean } = {}) {
  const { roles = ['owner'], withExamples = true } = given;
  const run = createDryRun({
    ...{ database: store.database, iss: 'https://bridge.acme.example' },
    policy: { current: { compiled: inForce } },
    administrators: async () => [{ id: 'a-1', name: 'Ada', roles }],
    connections: async () => [{ id: 'okta', name: 'Okta', status: 'active' }],
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
    expect(present.map(({ action }) => action)).toContain('read-persons');
    expect(present.every(({ examples }) => examples.lost.includes('Ada'))).toBe(true);
  });

  it('says what could be signed in through no more', async () => {
    const content = withPolicy(
      'no-okta',
      'forbid (principal, action == Countersign::Action::"sign-in", resource == Countersign::Connection::"okta");',
    );
    const { present } = await tryOut(content);
    expect(sentences(present)).toEqual(['1 connection could no longer be signed in through.']);
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
    const turns = longestTurns();
    const { present, looked, notLookedAt } = await tryOut(content);
    const took = turns.stop();
    expect(present).toMatchObject([
      { action: 'find', lost: 1 },
      { action: 'find', lost: 1 },
    ]);
    expect(looked.people).toBe(10_000);
    expect(notLookedAt.join()).not.toContain('beyond');
    // Seconds of the processor: what other processes take meanwhile is not its fault.
    expect(took.total).toBeLessThan(5);
    // The first turn compiles the draft.
    expect(took.longest[1]).toBeLessThan(0.1);
  });
});

/** How long the turns of the event loop take of the thread's own time, in seconds, the longest first. */
function longestTurns() {
  const cpu = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const begun = cpu();
  const turns: number[] = [];
  let last = begun;
  let running = true;
  const turn = () => {
    const now = cpu();
    turns.push(now - last);
    last = now;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  return {
    stop() {
      running = false;
      return { total: cpu() - begun, longest: turns.sort((a, b) => b - a).slice(0, 5) };
    },
  };
}
