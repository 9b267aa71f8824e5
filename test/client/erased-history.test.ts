import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { KeyHistory } from '../../protocol/key-history.ts';
import type { KeyStatement } from '../../protocol/key-statement.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { type FakeBridge, startFakeBridge } from '../fakes/fake-bridge/fake-bridge.ts';
import { codeOf } from '../protocol/codes.ts';
import { NOW, testKey } from '../protocol/company.ts';
import { newClient, signIn } from './fixture.ts';
import { loggedAlice, policyOf, type Watcher, witness } from './logged-company.ts';

const ALICE = 'alice@acme.example';
let engine: TransformEngine;
let bridge: FakeBridge;
let close: () => Promise<void>;
let alice: Watcher;

beforeAll(async () => {
  engine = await loadTransformEngine({ prefer: 'wasm' });
});
/** Of the address: Alice's own version 0, revoked by 1; somebody's 2, revoked by 3; and somebody's 4. */
beforeEach(async () => {
  ({ bridge, close } = await startFakeBridge(engine));
  alice = await loggedAlice(bridge, engine, { policy: policyOf('signed') });
  alice.log.cosigners = [{ signer: witness, time: NOW }];
  const first = bridge.persons.get(ALICE)?.last;
  if (first == null) throw new Error('Alice is enrolled');
  await revoked(await enrolled('second', await revoked(first)));
  const { last } = person();
  if (last !== null) await enrolled('third', last);
});
afterEach(() => close());

function person() {
  const found = bridge.persons.get(ALICE);
  if (found === undefined) throw new Error('Alice is there');
  return found;
}

async function revoked(before: KeyStatement): Promise<KeyStatement> {
  const { company } = bridge;
  const next = company.nextStatement(before, { status: 'revoked', reason: 'closed' });
  bridge.keyHistory.add(person(), await company.signedStatement(next, [company.keys.statement]));
  return next;
}

async function enrolled(name: string, before: KeyStatement): Promise<KeyStatement> {
  const { company } = bridge;
  const key = await testKey(name);
  const next = company.nextStatement(before, {
    ...{ status: 'active', reason: 're-enrolled', key_version: before.key_version + 1 },
    keys: [before.keys[0], key.publicKey],
  });
  bridge.keyHistory.add(person(), await company.signedStatement(next, [key, company.keys.statement]));
  return next;
}

function show(shown: readonly number[], erased: number[]): void {
  bridge.lies.keyHistory = (honest: KeyHistory) => ({
    ...honest,
    erased,
    versions: honest.versions.filter(({ statement }) => shown.includes(statement.version)),
  });
}

const code = () => codeOf(async () => void (await alice.client.keyHistory()));

describe('a history in which somebody is erased', () => {
  it('begins with who has the address now, who is told what is gone', async () => {
    show([4], [0, 1, 2, 3]);
    const bob = newClient(bridge, engine);
    await signIn(bridge, bob, ALICE);
    await bob.me().catch(() => null);
    expect(await bob.keyHistory()).toMatchObject({
      ...{ erased: [0, 1, 2, 3], unrecognized: [] },
      versions: [{ statement: { version: 4 } }],
    });
  });

  it('has no keys of anybody while nobody has enrolled since', async () => {
    show([], [0, 1, 2, 3]);
    const bob = newClient(bridge, engine);
    await signIn(bridge, bob, ALICE);
    expect(await codeOf(async () => void (await bob.keyHistory()))).toBe('not_enrolled');
  });

  it('tells who had the address before that somebody has had it since', async () => {
    show([0, 1, 4], [2, 3]);
    expect(await alice.client.checkOwnKeys()).toMatchObject([
      { finding: 'unrecognized_version', version: { statement: { version: 4 } } },
      { finding: 'unrecognized_version', version: null, detail: expect.stringContaining('version 2, 3') },
    ]);
  });
});

describe('a bridge that says of what it hides that it is erased', () => {
  it('cannot hide who followed on an active key, or ended it', async () => {
    show([0], [1]);
    expect(await code()).toBe('key_history');
    show([0, 2, 3, 4], [1]);
    expect(await code()).toBe('key_history');
  });

  it('cannot hide what an enrolment continues but another ended', async () => {
    show([0, 1, 3, 4], [2]);
    expect(await code()).toBe('key_history');
  });

  it('cannot hide the newest from whoever had the address before', async () => {
    show([0, 1], [2, 3, 4]);
    expect(await alice.client.checkOwnKeys()).toMatchObject([
      { finding: 'history_broken', code: 'key_history' },
    ]);
  });

  it('cannot leave a gap beside it, or name what it shows', async () => {
    show([0, 1, 4], [2]);
    expect(await code()).toBe('key_history');
    show([0, 1, 4], [2, 3, 5]);
    expect(await code()).toBe('key_history');
    show([0, 1, 2, 3, 4], [2]);
    expect(await code()).toBe('key_history');
  });
});
