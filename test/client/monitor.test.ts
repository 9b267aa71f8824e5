import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { KeyFinding } from '../../client/own-key-answers.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { verifySplitView } from '../../protocol/tlog/split-view.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { type FakeBridge, startFakeBridge } from '../fakes/fake-bridge/fake-bridge.ts';
import { SOON } from '../fakes/soon.ts';
import { codeOf } from '../protocol/codes.ts';
import { NOW, testKey } from '../protocol/company.ts';
import { HOUR, loggedAlice, policyOf, type Watcher, witness } from './logged-company.ts';

const ALICE = 'alice@acme.example';
let engine: TransformEngine;
let bridge: FakeBridge;
let close: () => Promise<void>;
let alice: Watcher;

beforeAll(async () => {
  engine = await loadTransformEngine({ prefer: 'wasm' });
});
beforeEach(async () => {
  ({ bridge, close } = await startFakeBridge(engine));
  alice = await loggedAlice(bridge, engine, { policy: policyOf('signed') });
  alice.log.cosigners = [{ signer: witness, time: NOW }];
});
afterEach(() => close());

/** What one look finds. */
const found = () => alice.client.checkOwnKeys();

async function addRogueKey(): Promise<void> {
  const { company } = bridge;
  const person = bridge.persons.get(ALICE);
  if (person?.last == null) throw new Error('Alice is enrolled');
  const rogue = await testKey('rogue');
  const statement = company.nextStatement(person.last, {
    ...{ reason: 'reset', keys: [person.last.keys[0], rogue.publicKey] },
  });
  bridge.keyHistory.add(person, await company.signedStatement(statement, [rogue, company.keys.statement]));
}

describe('who looks after their own keys', () => {
  it('finds nothing where nothing is wrong, and joins what was seen of the log', async () => {
    alice.log.grow(NOW);
    expect(await found()).toEqual([]);
    expect((await alice.pins.read())?.logs[bridge.issuer]).toMatchObject({
      anchor: { size: 5 },
      unproven: [],
    });
  });

  it('finds a key that the bridge’s administrator added', async () => {
    await addRogueKey();
    expect(await found()).toMatchObject([
      { finding: 'unrecognized_version', address: ALICE, code: null, version: { statement: { version: 1 } } },
    ]);
  });

  it('finds that the history does not match the ladder', async () => {
    await addRogueKey();
    await alice.client.me().catch(() => null);
    const staple = alice.log.small.staple(await alice.log.note(), ALICE, 0);
    bridge.lies.keyHistory = (honest) => ({
      ...honest,
      versions: honest.versions.slice(0, 1),
      log_proof: staple,
    });
    expect(await found()).toMatchObject([{ finding: 'not_in_log', code: 'log_proof' }]);
  });

  it('finds that versions were skipped', async () => {
    await addRogueKey();
    bridge.lies.keyHistory = (honest) => ({ ...honest, versions: honest.versions.slice(1) });
    expect(await found()).toMatchObject([{ finding: 'history_broken', code: 'key_history' }]);
  });

  it('finds that the log stands still: nobody has witnessed it for as long as the policy allows', async () => {
    alice.log.cosigners = [{ signer: witness, time: NOW - 6 * HOUR - 61 }];
    expect(await found()).toMatchObject([{ finding: 'log_frozen', code: 'log_frozen' }]);
  });

  it('finds that it alone is held at an old state, by the checkpoint that others are shown', async () => {
    const frozen = alice.log.fork();
    alice.log.grow(NOW);
    const note = await alice.log.note();
    bridge.lies.checkpoint = () => note;
    bridge.log = frozen;
    expect(await found()).toMatchObject([{ finding: 'log_rolled_back', code: 'checkpoint_rollback' }]);
  });

  it('finds that it is shown a fork, and proves it', async () => {
    const fork = alice.log.fork();
    alice.log.grow(NOW);
    await found();
    for (const ago of [3, 2]) fork.grow(NOW - ago);
    bridge.log = fork;
    const [finding] = await found();
    expect(finding).toMatchObject({ finding: 'log_split', code: 'log_split_view' });
    expect((await verifySplitView(finding?.evidence)).origin).toBe(`${new URL(bridge.issuer).host}/log`);
  });

  it('finds that it is shown a fork of the log that everybody else is shown', async () => {
    const fork = alice.log.fork();
    for (const ago of [5, 4]) alice.log.grow(NOW - ago);
    fork.grow(NOW - 3);
    fork.grow(NOW - 2);
    fork.grow(NOW - 1);
    const note = await alice.log.note();
    bridge.lies.checkpoint = () => note;
    bridge.log = fork;
    expect(await found()).toMatchObject([{ finding: 'log_split' }]);
  });

  it('cannot look without a bridge', async () => {
    await close();
    expect(await codeOf(async () => void (await found()))).toBe('bridge_unreachable');
    ({ bridge, close } = await startFakeBridge(engine));
  });
});

describe('a monitor', () => {
  it('tells the application once, and the bridge, and goes on until it is stopped', async () => {
    const told: KeyFinding[] = [];
    const stop = new AbortController();
    await addRogueKey();
    const running = alice.client.monitorOwnKeys({
      signal: stop.signal,
      onFinding: (finding) => void told.push(finding),
    });
    await expect.poll(() => bridge.keyHistory.reported, SOON).toHaveLength(1);
    stop.abort();
    await running;
    expect(told).toMatchObject([{ finding: 'unrecognized_version' }]);
    expect(bridge.keyHistory.reported).toMatchObject([
      { finding: 'unrecognized_version', address: ALICE, version: 1, statement_hash: expect.any(String) },
    ]);
  });

  it('looks at once when it hears of a change, without waiting for its interval', async () => {
    const told: KeyFinding[] = [];
    const stop = new AbortController();
    const running = alice.client.monitorOwnKeys({
      ...{ signal: stop.signal, intervalSeconds: HOUR },
      onFinding: (finding) => void told.push(finding),
    });
    await expect
      .poll(() => bridge.seen.filter((path) => path === 'POST /v1/watch').length, SOON)
      .toBeGreaterThan(0);
    await addRogueKey();
    bridge.watched = [{ address: ALICE, reason: 'published', as_of: NOW }];
    await expect.poll(() => told, SOON).toHaveLength(1);
    stop.abort();
    await running;
  });

  it('knows a key that this device is about to enrol, before its enrolment is answered', async () => {
    const person = bridge.persons.get(ALICE);
    if (person?.last == null) throw new Error('Alice is enrolled');
    const { company } = bridge;
    const ended = company.nextStatement(person.last, { status: 'revoked', reason: 'reset' });
    bridge.keyHistory.add(person, await company.signedStatement(ended, [company.keys.statement]));
    let seen: readonly KeyFinding[] | undefined;
    bridge.lies.enrolled = async (honest) => {
      seen = await found();
      return honest;
    };
    await alice.client.enrol({ label: 'laptop' });
    expect(seen).toEqual([]);
  });

  it('tells the application even if the bridge does not want to hear of it', async () => {
    const told: KeyFinding[] = [];
    const stop = new AbortController();
    await addRogueKey();
    bridge.deafToFindings = true;
    const running = alice.client.monitorOwnKeys({
      signal: stop.signal,
      onFinding: (finding) => void told.push(finding),
    });
    await expect.poll(() => told, SOON).toHaveLength(1);
    stop.abort();
    await running;
  });

  it('tells that it could not look, of a bridge that is unavailable for this person alone', async () => {
    const told: KeyFinding[] = [];
    const stop = new AbortController();
    await addRogueKey();
    bridge.lies.keyHistory = () => {
      throw new CountersignError('unavailable');
    };
    const running = alice.client.monitorOwnKeys({
      ...{ signal: stop.signal, intervalSeconds: 5 },
      onFinding: (finding) => void told.push(finding),
    });
    await expect.poll(() => told, { timeout: 90_000 }).toHaveLength(1);
    expect(told).toMatchObject([{ finding: 'not_checked', code: 'unavailable', address: ALICE }]);
    delete bridge.lies.keyHistory;
    await expect.poll(() => told.map(({ finding }) => finding), SOON).toContain('unrecognized_version');
    stop.abort();
    await running;
  }, 180_000);

  it('tells that it could not look, of a bridge that keeps it busy with changes meanwhile', async () => {
    const told: KeyFinding[] = [];
    const stop = new AbortController();
    bridge.lies.keyHistory = () => {
      bridge.watched = [{ address: ALICE, reason: 'published', as_of: NOW }];
      throw new CountersignError('unavailable');
    };
    const running = alice.client.monitorOwnKeys({
      ...{ signal: stop.signal, intervalSeconds: 5, address: ALICE },
      onFinding: (finding) => void told.push(finding),
    });
    await expect.poll(() => told, { timeout: 90_000 }).toHaveLength(1);
    expect(told).toMatchObject([{ finding: 'not_checked' }]);
    stop.abort();
    await running;
  }, 180_000);

  it('goes on after every interval where the stream of changes is broken for it', async () => {
    const told: KeyFinding[] = [];
    const stop = new AbortController();
    bridge.watched = [{ nonsense: 1 } as never];
    const running = alice.client.monitorOwnKeys({
      ...{ signal: stop.signal, intervalSeconds: 5 },
      onFinding: (finding) => void told.push(finding),
    });
    await expect
      .poll(() => bridge.seen.filter((path) => path === 'POST /v1/watch').length, SOON)
      .toBeGreaterThan(0);
    await addRogueKey();
    await expect.poll(() => told, SOON).toHaveLength(1);
    stop.abort();
    await running;
  });

  it('waits out a bridge that cannot be reached, and ends when nobody is signed in', async () => {
    const stop = new AbortController();
    bridge.lies.keyHistory = () => {
      stop.abort();
      throw new Error('it breaks');
    };
    await alice.client.monitorOwnKeys({ signal: stop.signal, onFinding: () => undefined }).catch(() => null);
    await alice.client.signOut();
    const ended = alice.client.monitorOwnKeys({ onFinding: () => undefined });
    expect(await codeOf(() => ended)).toBe('sign_in_required');
  });
});
