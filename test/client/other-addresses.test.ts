import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { KeyFinding } from '../../client/own-key-answers.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { type FakeBridge, startFakeBridge } from '../fakes/fake-bridge/fake-bridge.ts';
import { SOON } from '../fakes/soon.ts';
import { NOW, testKey } from '../protocol/company.ts';
import { HOUR, loggedAlice, policyOf, type Watcher, witness } from './logged-company.ts';

const ALICE = 'alice@acme.example';
const SECOND = 'alice.liddell@acme.example';
const THIRD = 'al@acme.example';
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
  for (const name of ['alice.liddell', 'al']) bridge.addPerson(name);
  bridge.persons.get(ALICE)?.others.push(SECOND, THIRD);
});
afterEach(() => close());

function personAt(address: string) {
  const person = bridge.persons.get(address);
  if (person === undefined) throw new Error(`nobody is at ${address}`);
  return person;
}

/** A key that somebody at the bridge makes for an address of Alice's, in the name of `sub`. */
async function addKeyAt(address: string, sub = personAt(ALICE).sub): Promise<void> {
  const { company } = bridge;
  const rogue = await testKey('rogue');
  const { signed } = personAt(ALICE);
  if (signed === null) throw new Error('Alice is enrolled');
  const statement = {
    ...{ ...signed.statement, sub, address, version: 0, prev: null, since: NOW },
    keys: [signed.statement.keys[0], rogue.publicKey] as const,
  };
  bridge.keyHistory.add(
    personAt(address),
    await company.signedStatement({ ...statement, keys: [...statement.keys] }, [rogue]),
  );
}

async function revokeAt(address: string): Promise<void> {
  const { company } = bridge;
  const { last } = personAt(address);
  if (last === null) throw new Error('there is a key');
  const ended = company.nextStatement(last, { status: 'revoked', reason: 'closed' });
  bridge.keyHistory.add(personAt(address), await company.signedStatement(ended, [company.keys.statement]));
}

const found = () => alice.client.checkOwnKeys();

describe('who has several addresses', () => {
  it('finds nothing where only one of them has keys', async () => {
    expect(await found()).toEqual([]);
    expect(await alice.client.keyHistory()).toMatchObject({ address: ALICE, others: [] });
  });

  it.each([SECOND, THIRD])('finds a key that the bridge’s administrator made for %s', async (address) => {
    await addKeyAt(address);
    expect(await found()).toMatchObject([{ finding: 'unrecognized_version', address, code: null }]);
    const { unrecognized, others } = await alice.client.keyHistory();
    expect(unrecognized).toEqual([]);
    expect(others).toMatchObject([{ address, unrecognized: [{ mark: 'unrecognized' }] }]);
  });

  it('finds it in the name of somebody else too, as the address is theirs now', async () => {
    await addKeyAt(SECOND, 'sub-mallory');
    expect(await found()).toMatchObject([{ finding: 'unrecognized_version', address: SECOND }]);
  });

  it('finds it though a look-up has pinned it at this device before', async () => {
    await addKeyAt(SECOND);
    await alice.client.lookUp([SECOND]);
    expect((await alice.pins.read())?.addresses[SECOND]).toBeDefined();
    expect(await found()).toMatchObject([{ finding: 'unrecognized_version', address: SECOND }]);
  });

  it('is not alarmed by whoever had the address before, whose key is revoked', async () => {
    await addKeyAt(SECOND, 'sub-predecessor');
    await revokeAt(SECOND);
    expect(await found()).toEqual([]);
    expect((await alice.client.keyHistory()).others).toMatchObject([
      { address: SECOND, versions: [{}, {}], unrecognized: [] },
    ]);
  });

  it('looks at one address alone where one is named', async () => {
    await addKeyAt(SECOND);
    expect(await alice.client.checkOwnKeys({ address: ALICE })).toEqual([]);
    expect((await alice.client.keyHistory({ address: ALICE })).others).toEqual([]);
  });

  it('is told what was found before the bridge failed at another address', async () => {
    await addKeyAt(SECOND);
    bridge.lies.keyHistory = (honest) => {
      if (honest.address === THIRD) throw new CountersignError('unavailable');
      return honest;
    };
    expect(await found()).toMatchObject([{ finding: 'unrecognized_version', address: SECOND }]);
  });
});

describe('a monitor of several addresses', () => {
  it('hears of each of them, and tells the application and the bridge at which one it was', async () => {
    const told: KeyFinding[] = [];
    const stop = new AbortController();
    const running = alice.client.monitorOwnKeys({
      ...{ signal: stop.signal, intervalSeconds: HOUR },
      onFinding: (finding) => void told.push(finding),
    });
    await expect
      .poll(() => bridge.seen.filter((path) => path === 'POST /v1/watch').length, SOON)
      .toBeGreaterThan(0);
    await addKeyAt(THIRD);
    bridge.watched = [{ address: THIRD, reason: 'published', as_of: NOW }];
    await expect.poll(() => bridge.keyHistory.reported, SOON).toHaveLength(1);
    stop.abort();
    await running;
    expect(told).toMatchObject([{ finding: 'unrecognized_version', address: THIRD }]);
    expect(bridge.keyHistory.reported).toMatchObject([{ address: THIRD, version: 0 }]);
  });

  it('tells that it could not look at one of them, once that is no accident', async () => {
    const told: KeyFinding[] = [];
    const stop = new AbortController();
    bridge.lies.keyHistory = (honest) => {
      if (honest.address === THIRD) throw new CountersignError('unavailable');
      return honest;
    };
    const running = alice.client.monitorOwnKeys({
      ...{ signal: stop.signal, intervalSeconds: 5 },
      onFinding: (finding) => void told.push(finding),
    });
    await expect.poll(() => told, { timeout: 90_000 }).toHaveLength(1);
    expect(told).toMatchObject([{ finding: 'not_checked', code: 'unavailable' }]);
    stop.abort();
    await running;
  }, 180_000);
});
