import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SplitViewError } from '../../client/split-view-error.ts';
import { verifySplitView } from '../../protocol/tlog/split-view.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { type FakeBridge, startFakeBridge } from '../fakes/fake-bridge/fake-bridge.ts';
import { FakeLog } from '../fakes/fake-bridge/fake-log.ts';
import { codeOf } from '../protocol/codes.ts';
import { DAY, makeCompany, NOW } from '../protocol/company.ts';
import { HOUR, loggedAlice, policyOf, TRUST, type Watcher } from './logged-company.ts';

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
  alice = await loggedAlice(bridge, engine);
});
afterEach(() => close());

const pinned = async () => (await alice.pins.read())?.logs[bridge.issuer];

/** Alice's own credential as it is stapled now. */
async function currentCredential() {
  const signed = bridge.persons.get(ALICE)?.signed;
  if (signed == null) throw new Error('Alice is enrolled');
  return bridge.company.credential(signed, await alice.log.stapleOf(signed, bridge.time));
}

/** From now on Alice is shown this credential, made now. */
function show(credential: Awaited<ReturnType<typeof currentCredential>>): void {
  bridge.lookUps.results.set(ALICE, ({ address, source, iss }) => ({
    ...{ status: 'credential', address, source, iss, as_of: bridge.time, credential },
  }));
}

describe('what a client remembers of a log', () => {
  it('is the first checkpoint, and those after it until a proof joins them', async () => {
    expect(await pinned()).toMatchObject({
      anchor: { size: 3, epoch: 1, time: NOW, level: 'logged' },
      unproven: [],
    });
    alice.log.grow(NOW);
    alice.log.grow(NOW);
    await client().lookUp([ALICE]);
    expect(await pinned()).toMatchObject({ anchor: { size: 3 }, unproven: [{ size: 7, epoch: 3 }] });
    expect(await client().checkLog()).toEqual({
      issuer: bridge.issuer,
      size: 7,
      level: 'logged',
      continued: 1,
    });
    expect(await pinned()).toMatchObject({ anchor: { size: 7 }, unproven: [] });
  });

  it('is bounded, and the newest stays', async () => {
    for (let epoch = 0; epoch < 12; epoch++) {
      alice.log.grow(NOW);
      await client().lookUp([ALICE]);
    }
    const pin = await pinned();
    expect(pin?.unproven).toHaveLength(8);
    expect(pin?.unproven.at(-1)?.size).toBe(27);
    expect((await client().checkLog()).continued).toBe(8);
  });

  it('is of each issuer by itself', async () => {
    const globex = await makeCompany('globex', 'bob');
    bridge.lookUps.partners.push(globex);
    bridge.partnerLogs.set(globex.iss, new FakeLog(globex));
    expect(await client().lookUp(['bob@globex.example'])).toMatchObject([
      { status: 'verified', level: 'logged' },
    ]);
    expect(Object.keys((await alice.pins.read())?.logs ?? {})).toEqual([bridge.issuer, globex.iss]);
  });

  it('can be checked of nobody whose root is not pinned', async () => {
    expect(await codeOf(async () => void (await client().checkLog('https://bridge.other.example')))).toBe(
      'issuer_unknown',
    );
  });
});

const client = () => alice.client;

describe('a checkpoint that is older than the newest seen', () => {
  async function showOld(): Promise<void> {
    const old = await currentCredential();
    alice.log.grow(NOW);
    await client().lookUp([ALICE]);
    show(old);
  }

  it('counts while checkpoints may be so old: a cache, or the newest that witnesses have seen', async () => {
    await showOld();
    expect(await client().lookUp([ALICE])).toMatchObject([{ status: 'verified' }]);
  });

  it('does not count for ever: a bridge that holds everybody at yesterday', async () => {
    await showOld();
    bridge.time = NOW + DAY - 60;
    expect(await client().lookUp([ALICE])).toMatchObject([{ status: 'verified' }]);
    const later = NOW + DAY + 61;
    bridge.lookUps.records.set(bridge.issuer, (honest) => ({ ...honest, exp: later + DAY }));
    bridge.time = later;
    const signed = bridge.persons.get(ALICE)?.signed;
    if (signed == null) throw new Error('Alice is enrolled');
    const binding = await bridge.company.binding(signed, { iat: later, nbf: later, exp: later + DAY });
    show({ ...(await oldCredential()), binding });
    expect(await client().lookUp([ALICE])).toMatchObject([
      { status: 'rejected', code: 'checkpoint_rollback' },
    ]);
  });

  /** The proof that was shown last. */
  async function oldCredential() {
    const result = await bridge.lookUps.results.get(ALICE)?.({
      ...{ status: 'not_found', address: ALICE, source: 'own', iss: bridge.issuer, as_of: 0 },
    });
    if (result?.status !== 'credential') throw new Error('a credential is shown');
    return result.credential;
  }

  it('counts as long as the pinned policy says, and no longer', async () => {
    bridge.persons.clear();
    bridge.log = null;
    alice = await loggedAlice(bridge, engine, {
      policy: { ...policyOf('signed'), log: { ...TRUST, maxCheckpointAge: HOUR } },
    });
    await showOld();
    bridge.time = NOW + HOUR + 61;
    expect(await client().lookUp([ALICE])).toMatchObject([
      { status: 'rejected', code: 'checkpoint_rollback' },
    ]);
  });
});

describe('a bridge that forks its log', () => {
  it('is caught by two trees of one size, with evidence that anybody can check', async () => {
    const fork = alice.log.fork();
    alice.log.grow(NOW);
    await client().lookUp([ALICE]);
    fork.grow(NOW - 1);
    bridge.log = fork;
    const [answer] = await client().lookUp([ALICE]);
    expect(answer).toMatchObject({ status: 'rejected', code: 'log_split_view' });
    const evidence =
      answer?.status === 'rejected' && answer.error instanceof SplitViewError ? answer.error.evidence : null;
    const { root } = bridge.company;
    expect(await verifySplitView(evidence, { root: root.kid })).toMatchObject({
      sizes: [5, 5],
      root: root.kid,
    });
    expect(await client().splitViews()).toEqual({ [bridge.issuer]: evidence });
  });

  it('is caught when it shows the fork of the person’s own credential', async () => {
    const fork = alice.log.fork();
    alice.log.grow(NOW);
    await client().me();
    fork.grow(NOW - 1);
    bridge.log = fork;
    expect(await codeOf(async () => void (await client().me()))).toBe('log_split_view');
    expect(Object.keys(await client().splitViews())).toEqual([bridge.issuer]);
  });

  it('is caught by a proof of consistency when it shows the fork only once it is longer', async () => {
    const fork = alice.log.fork();
    alice.log.grow(NOW);
    await client().lookUp([ALICE]);
    for (const ago of [3, 2, 1]) fork.grow(NOW - ago);
    bridge.log = fork;
    expect(await client().lookUp([ALICE])).toMatchObject([{ status: 'verified' }]);
    expect(await codeOf(async () => void (await client().checkLog()))).toBe('log_split_view');
    const { [bridge.issuer]: evidence } = await client().splitViews();
    expect((await verifySplitView(evidence)).sizes).toEqual([5, 9]);
  });

  it('is caught when it shows a fork for a while and comes back', async () => {
    const fork = alice.log.fork();
    fork.grow(NOW - 1);
    const honest = bridge.log;
    bridge.log = fork;
    await client().lookUp([ALICE]);
    bridge.log = honest;
    for (const ago of [3, 2, 1]) alice.log.grow(NOW - ago);
    await client().lookUp([ALICE]);
    expect(await codeOf(async () => void (await client().checkLog()))).toBe('log_split_view');
  });

  it('gains nothing by tiles that do not make up what it signed: nothing is proved, and nothing is forgotten', async () => {
    const fork = alice.log.fork();
    alice.log.grow(NOW);
    await client().lookUp([ALICE]);
    for (const ago of [3, 2, 1]) fork.grow(NOW - ago);
    const note = await fork.note();
    for (const ago of [30, 20, 10]) alice.log.grow(NOW - ago);
    bridge.lies.checkpoint = () => note;
    expect(await codeOf(async () => void (await client().checkLog()))).toBe('log_proof');
    expect(await pinned()).toMatchObject({ anchor: { size: 3 }, unproven: [{ size: 5 }, { size: 9 }] });
  });
});
