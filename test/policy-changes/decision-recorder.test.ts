import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deletePerson, insertPerson } from '../../bridge/directory/persons.ts';
import { DECISION_LIFE_S, DECISIONS_OF_ACTION, DECISIONS_PER_FLUSH } from '../../bridge/lib/limits.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { ACTIONS, type Action, type DecisionRequest } from '../../bridge/policy/decision.ts';
import {
  createDecisionRecorder,
  type DecisionRecorder,
} from '../../bridge/policy/decisions/decision-recorder.ts';
import {
  deleteDecisionsOf,
  findDecision,
  listDecisions,
} from '../../bridge/policy/decisions/decision-store.ts';
import type { Policy } from '../../bridge/policy/policy.ts';
import { type TemporaryStore, temporaryStore } from '../fakes/temporary-store.ts';
import { testPolicy } from '../fakes/test-policy.ts';
import { type MovableClock, movableClock } from '../signer/signer-fixture.ts';

const ALICE = '019aa000-0000-7000-8000-000000000001';

let clock: MovableClock;
let store: TemporaryStore;
let recorder: DecisionRecorder;
let policy: Policy;

beforeEach(async () => {
  clock = movableClock(Date.now());
  store = await temporaryStore(clock);
  recorder = createDecisionRecorder({
    database: store.database,
    clock,
    logger: createLogger({ level: 'silent' }),
  });
  policy = recorder.watch(testPolicy());
  await store.database.transaction((tx) =>
    insertPerson(tx, { sub: ALICE, name: 'Alice', assurance: 'member', created: 1 }),
  );
});
afterEach(() => store.remove());

function request(changes: Partial<DecisionRequest> = {}): DecisionRequest {
  return {
    action: 'look-up',
    principal: { kind: 'person', id: ALICE, assurance: 'member', endorsed: true },
    resource: { kind: 'bridge', id: 'https://bridge.acme.example' },
    context: {},
    ...changes,
  };
}

const denied = (id: string, action: Action = 'look-up') =>
  request({ action, principal: { kind: 'anonymous', id: 'anonymous' }, resource: { kind: 'bridge', id } });

const kept = (effect?: 'allow' | 'deny') =>
  store.database.read((query) => listDecisions(query, { effect, limit: 1_000 }));

describe('the recorder of decisions', () => {
  it('decides as the policy does, and names what was denied by an id under which it is found', async () => {
    const decision = policy.decide(denied('b'));
    expect(decision).toMatchObject({ effect: 'deny', policy: 'no-permit', hash: policy.hash });
    await recorder.flush();
    const found = await store.database.read((query) => findDecision(query, decision.id ?? ''));
    const { nearest, ...answer } = decision;
    expect(nearest).toEqual([]);
    expect(found).toEqual({
      ...{ id: decision.id, decided: clock.now(), request: denied('b'), times: 1 },
      decision: answer,
    });
  });

  it('gives what was allowed no id, and keeps it all the same', async () => {
    expect(policy.decide(request())).toMatchObject({ effect: 'allow' });
    expect(policy.decide(request()).id).toBeUndefined();
    await recorder.flush();
    expect(await kept()).toMatchObject([{ request: request(), decision: { effect: 'allow' }, times: 2 }]);
  });

  it('keeps equal denials of one second as one, under the one id that all of them were told', async () => {
    const [first, second] = [policy.decide(denied('b')), policy.decide(denied('b'))];
    expect(second.id).toBe(first.id);
    await recorder.flush();
    expect(await kept()).toMatchObject([{ id: first.id, times: 2 }]);
    const later = policy.decide(denied('b'));
    await recorder.flush();
    expect(later.id).not.toBe(first.id);
    expect(await kept()).toHaveLength(2);
  });

  it('tells denials apart that differ in their context alone', async () => {
    const one = policy.decide({ ...denied('b'), context: { devices: 1 } });
    const two = policy.decide({ ...denied('b'), context: { devices: 2 } });
    expect(two.id).not.toBe(one.id);
    await recorder.flush();
    expect(await kept()).toHaveLength(2);
  });

  it('writes no more of one action than its share, counts the rest, and gives that no id', async () => {
    const decisions = Array.from({ length: DECISIONS_OF_ACTION + 3 }, (_, n) =>
      policy.decide(denied(`${n}`)),
    );
    expect(decisions.filter(({ id }) => id === undefined)).toHaveLength(3);
    expect(decisions.every(({ effect }) => effect === 'deny')).toBe(true);
    await recorder.flush();
    expect(await kept()).toHaveLength(DECISIONS_OF_ACTION);
    expect(recorder.leftOut).toBe(3);
  });

  it('leaves out what was allowed first, when there is more than a second may write', async () => {
    for (const device of ['a', 'b', 'c'])
      policy.decide(request({ resource: { kind: 'bridge', id: device } }));
    const several = ACTIONS.slice(0, Math.ceil(DECISIONS_PER_FLUSH / DECISIONS_OF_ACTION));
    for (const action of several) {
      for (let n = 0; n < DECISIONS_OF_ACTION; n += 1) policy.decide(denied(`${n}`, action));
    }
    await recorder.flush();
    expect(await kept('deny')).toHaveLength(DECISIONS_PER_FLUSH);
    expect(await kept('allow')).toEqual([]);
    expect(recorder.leftOut).toBe(3);
  });

  it('takes a sample of what is allowed many times, and says how much it left out', async () => {
    for (let n = 0; n < 1_000; n += 1) policy.decide(request({ resource: { kind: 'bridge', id: `${n}` } }));
    await recorder.flush();
    const rows = await kept('allow');
    expect(rows).toHaveLength(DECISIONS_OF_ACTION);
    expect(recorder.leftOut).toBe(1_000 - DECISIONS_OF_ACTION);
    expect(rows.some(({ request }) => Number(request.resource.id) >= DECISIONS_OF_ACTION)).toBe(true);
  });

  it('keeps what it is asked about ids that no store takes as they are', async () => {
    const strange = 'x\0\ud800';
    const { id } = policy.decide(denied(strange));
    policy.decide(denied('y'.repeat(100_000)));
    await recorder.flush();
    const found = await store.database.read((query) => findDecision(query, id ?? ''));
    expect(found?.request.resource.id).toBe(strange);
    expect(await kept()).toHaveLength(2);
  });

  it('writes what is left when it stops', async () => {
    recorder.start();
    policy.decide(denied('b'));
    await recorder.stop();
    expect(await kept()).toHaveLength(1);
  });

  it('writes nothing about a person who was erased between the decision and the writing', async () => {
    policy.decide(request());
    policy.decide(denied('b'));
    policy.decide({ ...denied('c'), resource: { kind: 'device', id: 'c', owner: ALICE } });
    await store.database.transaction((tx) => deletePerson(tx, ALICE));
    await recorder.flush();
    expect((await kept()).map(({ request }) => request.resource.id)).toEqual(['b']);
  });
});

describe('what was decided', () => {
  it('is forgotten after a week', async () => {
    policy.decide(denied('b'));
    await recorder.flush();
    clock.advance(DECISION_LIFE_S * 1_000);
    expect(await recorder.purge()).toBe(0);
    clock.advance(1);
    expect(await recorder.purge()).toBe(1);
    expect(await kept()).toEqual([]);
  });

  it('is forgotten with the person who asked, whose thing it was, or whose address', async () => {
    policy.decide(request());
    policy.decide(denied('b'));
    policy.decide({ ...denied('c'), resource: { kind: 'device', id: 'c', owner: ALICE } });
    policy.decide({ ...denied('d'), resource: { kind: 'person', id: ALICE } });
    policy.decide({ ...denied('e'), resource: { kind: 'address', id: 'alice@acme.example' } });
    await recorder.flush();
    expect(await kept()).toHaveLength(5);
    await store.database.transaction((tx) =>
      deleteDecisionsOf(tx, { sub: ALICE, addresses: ['alice@acme.example'] }),
    );
    expect((await kept()).map(({ request }) => request.resource.id)).toEqual(['b']);
  });
});
