import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createFileKeyStore } from '../../client/node-file-key-store.ts';
import { createFilePinStore } from '../../client/node-file-pin-store.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { type RecordedTerminal, recordedTerminal } from '../cli/recorded-terminal.ts';
import { type FakeBridge, startFakeBridge } from '../fakes/fake-bridge/fake-bridge.ts';
import { NOW, testKey } from '../protocol/company.ts';
import { cosignerKey } from '../protocol/keytrans/small-key-log.ts';
import { loggedAlice, witness } from './logged-company.ts';

const ALICE = 'alice@acme.example';
let engine: TransformEngine;
let bridge: FakeBridge;
let close: () => Promise<void>;
let terminal: RecordedTerminal;

beforeAll(async () => {
  engine = await loadTransformEngine({ prefer: 'wasm' });
});
beforeEach(async () => {
  ({ bridge, close } = await startFakeBridge(engine));
  terminal = await recordedTerminal(bridge.fetch);
  await loggedAlice(bridge, engine, {
    keyStore: createFileKeyStore(file('device.json')),
    pinStore: createFilePinStore(file('pins.json')),
  });
  // After its certificate was made: TLS goes by the machine's clock, the command by this one.
  vi.useFakeTimers({ toFake: ['Date'], now: NOW * 1000 });
});
afterEach(async () => {
  vi.useRealTimers();
  await terminal.remove();
  await close();
});

const file = (name: string) => join(terminal.home, name);
const auditSelf = (...args: string[]) =>
  terminal.run([
    ...['audit', 'self', '--keys', file('device.json'), '--pins', file('pins.json')],
    ...['--client-id', 'test-app', ...args],
  ]);

async function addRogueKey(): Promise<void> {
  const { company } = bridge;
  const person = bridge.persons.get(ALICE);
  if (person?.last == null) throw new Error('Alice is enrolled');
  const rogue = await testKey('rogue');
  const keys = [person.last.keys[0], rogue.publicKey] as const;
  const statement = company.nextStatement(person.last, { reason: 'reset', keys: [...keys] });
  bridge.keyHistory.add(person, await company.signedStatement(statement, [rogue, company.keys.statement]));
}

describe('countersign audit self', () => {
  it('shows the history of the own keys where nothing is wrong', async () => {
    const { code, out, said } = await auditSelf();
    expect({ code, said }).toEqual({ code: 0, said: '' });
    expect(out).toMatch(/address: +alice@acme\.example/);
    expect(out).toMatch(/level: +logged \(no_witnesses\)/);
    expect(out).toMatch(/^0 +active +own +2027-01-15 08:00Z +person$/m);
  });

  it('raises an alarm for a key that somebody else made, with an exit code of its own', async () => {
    await addRogueKey();
    const { code, out, said } = await auditSelf();
    expect(code).toBe(3);
    expect(said).toContain(
      'FINDING unrecognized_version for alice@acme.example: version 1 (active) has a key',
    );
    expect(out).toMatch(/^1 +active +unrecognized/m);
    const json = await auditSelf('--json');
    expect(JSON.parse(json.out)).toMatchObject({
      findings: [{ finding: 'unrecognized_version', version: 1 }],
    });
  });

  it('tells the bridge of the key, which tells the SIEM, and the person even where the bridge will not hear of it', async () => {
    await addRogueKey();
    await auditSelf();
    expect(bridge.keyHistory.reported).toMatchObject([
      { finding: 'unrecognized_version', address: ALICE, version: 1 },
    ]);
    bridge.deafToFindings = true;
    expect(await auditSelf()).toMatchObject({
      code: 3,
      said: expect.stringContaining('FINDING unrecognized_version'),
    });
  });

  it('raises the alarm too where the bridge falls silent once the key was found', async () => {
    await addRogueKey();
    const { keyHistory } = bridge;
    const answer = keyHistory.answer.bind(keyHistory);
    let left = Number.POSITIVE_INFINITY;
    const asked = vi.spyOn(keyHistory, 'answer').mockImplementation((...request) => {
      left -= 1;
      if (left === 0) throw new CountersignError('unavailable');
      return answer(...request);
    });
    await auditSelf();
    left = asked.mock.calls.length;
    expect(await auditSelf()).toMatchObject({
      ...{ code: 3, out: '' },
      said: expect.stringContaining('FINDING unrecognized_version'),
    });
  });

  it('takes a policy, and says what is not met', async () => {
    await writeFile(file('policy'), `witness w1 ${cosignerKey(witness)}\nquorum w1\n`);
    expect((await auditSelf('--policy', file('policy'))).said).toContain('FINDING log_frozen');
    bridge.keepLog().cosigners = [{ signer: witness, time: NOW - 5 }];
    const { code, out } = await auditSelf('--policy', file('policy'), '--level', 'witnessed');
    expect(code).toBe(0);
    expect(out).toMatch(/level: +witnessed \(no_auditors\)/);
  });

  it('is called wrongly without keys, with a faulty policy or with no level', async () => {
    expect((await auditSelf('--keys', file('nothing'))).code).toBe(2);
    await writeFile(file('policy'), 'quorum nobody\n');
    expect(await auditSelf('--policy', file('policy'))).toMatchObject({
      code: 2,
      said: expect.stringContaining('line 1'),
    });
    expect((await auditSelf('--level', 'perfect')).code).toBe(2);
    expect((await auditSelf('--every', 'often')).code).toBe(2);
  });

  it('fails, and finds nothing, when the bridge cannot be reached', async () => {
    await close();
    expect(await auditSelf()).toMatchObject({ code: 1, said: expect.stringContaining('bridge_unreachable') });
    ({ bridge, close } = await startFakeBridge(engine));
  });
});
