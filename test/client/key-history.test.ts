import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryPinStore } from '../../client/memory-stores.ts';
import { emptyPins } from '../../client/pin-store.ts';
import type { KeyHistory } from '../../protocol/key-history.ts';
import type { KeyStatement, SignedStatement } from '../../protocol/key-statement.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { type FakeBridge, startFakeBridge } from '../fakes/fake-bridge/fake-bridge.ts';
import type { FakePerson } from '../fakes/fake-bridge/fake-person.ts';
import { codeOf } from '../protocol/codes.ts';
import { NOW, testEncryptionKey, testKey } from '../protocol/company.ts';
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
beforeEach(async () => {
  ({ bridge, close } = await startFakeBridge(engine));
  alice = await loggedAlice(bridge, engine, { policy: policyOf('signed') });
});
afterEach(() => close());

function person(): FakePerson {
  const found = bridge.persons.get(ALICE);
  if (found === undefined) throw new Error('Alice is there');
  return found;
}

function last(): KeyStatement {
  const statement = person().last;
  if (statement === null) throw new Error('Alice is enrolled');
  return statement;
}

/** The bridge revokes Alice's key, and makes one of its own in her name. */
async function replaceKeys(): Promise<void> {
  const { company } = bridge;
  const ended = company.nextStatement(last(), { status: 'revoked', reason: 'reset' });
  bridge.keyHistory.add(person(), await company.signedStatement(ended, [company.keys.statement]));
  const rogue = await testKey('rogue');
  const begun = company.nextStatement(ended, {
    ...{ status: 'active', reason: 're-enrolled', key_version: ended.key_version + 1 },
    keys: [ended.keys[0], rogue.publicKey],
  });
  bridge.keyHistory.add(person(), await company.signedStatement(begun, [rogue, company.keys.statement]));
}

const lie = (change: (honest: KeyHistory) => KeyHistory | Promise<KeyHistory>) => {
  bridge.lies.keyHistory = change;
};
const code = () => codeOf(async () => void (await alice.client.keyHistory()));

describe('the history of the own keys', () => {
  it('has every version, who caused it and when, and proves that the last is the newest', async () => {
    alice.log.cosigners = [{ signer: witness, time: NOW - 7 }];
    expect(await alice.client.keyHistory()).toMatchObject({
      ...{
        address: ALICE,
        level: 'witnessed',
        age: 7,
        shortOf: 'auditor_quorum',
        epoch: 1,
        unrecognized: [],
      },
      versions: [{ mark: 'own', logged: NOW, by: { kind: 'person' }, statement: { version: 0 } }],
    });
  });

  it('shows a key that the bridge made in the person’s name', async () => {
    await replaceKeys();
    const { versions, unrecognized } = await alice.client.keyHistory();
    expect(versions.map(({ mark }) => mark)).toEqual(['own', 'own', 'unrecognized']);
    expect(unrecognized).toMatchObject([{ statement: { version: 2, reason: 're-enrolled' } }]);
  });

  it('knows a key that the known one continues, from then on too', async () => {
    const { company } = bridge;
    const [old, rotated] = [await testKey('carol'), await testKey('carol rotated')];
    const carol = bridge.addPerson('carol');
    const { sub, address } = carol;
    const first = company.statement({ sub, address, keys: [testEncryptionKey('carol'), old.publicKey] });
    bridge.keyHistory.add(carol, await company.signedStatement(first, [old]));
    const next = company.nextStatement(first, { key_version: 1, keys: [first.keys[0], rotated.publicKey] });
    bridge.keyHistory.add(carol, await company.signedStatement(next, [old, rotated]));
    const own_key = { address, client_half: null, sigs: [old.kid] };
    const pinStore = createMemoryPinStore({ ...emptyPins(bridge.issuer), own_key });
    const client = newClient(bridge, engine, { pinStore });
    await signIn(bridge, client, address);
    expect((await client.keyHistory()).versions.map(({ mark }) => mark)).toEqual(['own', 'continued']);
    expect((await client.keyHistory()).versions.map(({ mark }) => mark)).toEqual(['own', 'own']);
  });

  it('does not blame anybody for what was there before the person’s first key', async () => {
    await replaceKeys();
    const bob = newClient(bridge, engine);
    await signIn(bridge, bob, ALICE);
    await bob.me().catch(() => null);
    const { versions, unrecognized } = await bob.keyHistory();
    expect(versions.map(({ mark }) => mark)).toEqual(['unrecognized', 'unrecognized', 'own']);
    expect(unrecognized).toEqual([]);
  });
});

describe('a bridge that lies about the history', () => {
  const without = (index: number) => (honest: KeyHistory) => ({
    ...honest,
    versions: honest.versions.filter((_, at) => at !== index),
  });

  it('cannot skip a version', async () => {
    await replaceKeys();
    lie(without(1));
    expect(await code()).toBe('key_history');
    lie(without(0));
    expect(await code()).toBe('key_history');
  });

  it('cannot double a version', async () => {
    await replaceKeys();
    lie((honest) => ({ ...honest, versions: honest.versions.flatMap((each) => [each, each]) }));
    expect(await code()).toBe('key_history');
  });

  it('cannot leave out the newest: the ladder shows that there is one more', async () => {
    const before = await alice.client.keyHistory();
    expect(before.versions).toHaveLength(1);
    await replaceKeys();
    const stale = await staleProof();
    lie((honest) => ({ ...honest, versions: honest.versions.slice(0, 1), log_proof: stale }));
    expect(await code()).toBe('log_proof');
  });

  /** The proof of version 0 as the newest, by a log that has version 2. */
  async function staleProof(): Promise<string> {
    await alice.client.me().catch(() => null);
    for (const signed of bridge.keyHistory.of(person())) await alice.log.stapleOf(signed, NOW);
    return alice.log.small.staple(await alice.log.note(), ALICE, 0);
  }

  it('cannot leave out the newest with a proof from before: the log is older than it was', async () => {
    const signed = person().signed;
    if (signed === null) throw new Error('Alice is enrolled');
    const { log_proof } = await alice.log.stapleOf(signed, NOW);
    await replaceKeys();
    await alice.client.keyHistory();
    lie((honest) => ({ ...honest, versions: honest.versions.slice(0, 1), log_proof }));
    expect(await code()).toBe('checkpoint_rollback');
  });

  it('cannot leave out the log proof', async () => {
    lie(({ log_proof: _left, ...honest }) => honest);
    expect(await code()).toBe('log_proof');
  });

  it('cannot show another version 0 than this device saw', async () => {
    const rogue = await testKey('rogue');
    const other = { ...last(), keys: [last().keys[0], rogue.publicKey] as KeyStatement['keys'] };
    const signed: SignedStatement = await bridge.company.signedStatement(other, [rogue]);
    lie(async (honest) => ({ ...honest, versions: [{ ...signed, logged: NOW, by: null }] }));
    expect(await code()).toBe('statement_forked');
  });

  it('cannot show a version without the signature that it needs', async () => {
    await replaceKeys();
    lie((honest) => ({
      ...honest,
      versions: honest.versions.map((each) => ({ ...each, signatures: each.signatures.slice(0, 1) })),
    }));
    expect(await code()).toBe('statement_signature');
  });

  it('cannot show the history of another address', async () => {
    lie((honest) => ({ ...honest, address: 'mallory@acme.example' }));
    expect(await code()).toBe('key_history');
  });

  it('cannot go on for ever', async () => {
    lie((honest) => ({ ...honest, more: true, versions: [] }));
    expect(await code()).toBe('bridge_invalid');
  });
});
