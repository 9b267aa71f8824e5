import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryKeyStore } from '../../client/memory-stores.ts';
import { logTrustOf } from '../../client/policy-text.ts';
import type { VerificationPolicy } from '../../protocol/credential.ts';
import type { LogTrust } from '../../protocol/keytrans/log-trust.ts';
import { loadTransformEngine } from '../../recrypt/load-node.ts';
import type { TransformEngine } from '../../recrypt/transform-engine.ts';
import { type FakeBridge, startFakeBridge } from '../fakes/fake-bridge/fake-bridge.ts';
import { codeOf } from '../protocol/codes.ts';
import { DAY, NOW } from '../protocol/company.ts';
import { cosignerKey, noteSigner } from '../protocol/keytrans/small-key-log.ts';
import { enrolled, newClient } from './fixture.ts';
import { auditor, HOUR, loggedAlice, policyOf, TRUST, witness } from './logged-company.ts';

const ALICE = 'alice@acme.example';
let engine: TransformEngine;
let bridge: FakeBridge;
let close: () => Promise<void>;

beforeAll(async () => {
  engine = await loadTransformEngine({ prefer: 'wasm' });
});
beforeEach(async () => {
  ({ bridge, close } = await startFakeBridge(engine));
});
afterEach(() => close());

/** What a look-up of Alice answers under this policy; whoever is named cosigned so many seconds ago. */
async function lookedUp(policy: VerificationPolicy, ago: { witness?: number; auditor?: number } = {}) {
  const log = bridge.keepLog();
  log.cosigners = [
    ...(ago.witness === undefined ? [] : [{ signer: witness, time: NOW - ago.witness }]),
    ...(ago.auditor === undefined ? [] : [{ signer: auditor, time: NOW - ago.auditor }]),
  ];
  const { client } = await loggedAlice(bridge, engine, { policy });
  return client.lookUp([ALICE]);
}

describe('a verified answer', () => {
  it('is signed where the bridge keeps no log, and says so', async () => {
    bridge.addPerson('alice');
    const client = await enrolled(bridge, engine, ALICE);
    expect(await client.lookUp([ALICE])).toMatchObject([
      { level: 'signed', age: 0, shortOf: 'no_log_proof' },
    ]);
  });

  const of = (log: LogTrust | undefined): VerificationPolicy => ({
    ...{ level: 'signed', maxAge: DAY },
    ...(log === undefined ? {} : { log }),
  });
  const two = {
    ...TRUST,
    witnesses: [...TRUST.witnesses, cosignerKey(noteSigner('w2.example/w'))],
    witnessQuorum: 2,
  };

  it.each([
    ['logged, for a policy that trusts nobody', of(undefined), {}, 'logged', 'no_witnesses'],
    ['logged, without the witness', of(TRUST), {}, 'logged', 'witness_quorum'],
    ['logged, with one of two witnesses', of(two), { witness: 5 }, 'logged', 'witness_quorum'],
    ['logged, with a cosignature of yesterday', of(TRUST), { witness: DAY }, 'logged', 'witnesses_old'],
    ['logged, with the auditor alone', of(TRUST), { auditor: 5 }, 'logged', 'witness_quorum'],
    ['witnessed, without the auditor', of(TRUST), { witness: 5 }, 'witnessed', 'auditor_quorum'],
    [
      'witnessed, by an audit of yesterday',
      of(TRUST),
      { witness: 5, auditor: DAY },
      'witnessed',
      'auditors_old',
    ],
    [
      'witnessed, for a policy without auditors',
      of({ ...TRUST, auditors: [], auditorQuorum: 0 }),
      { witness: 5, auditor: 5 },
      'witnessed',
      'no_auditors',
    ],
    ['audited', of(TRUST), { witness: 5, auditor: 90 }, 'audited', null],
  ] as const)('is %s', async (_what, policy, ago, level, shortOf) => {
    const [answer] = await lookedUp(policy, ago);
    expect(answer).toMatchObject({ status: 'verified', level, shortOf });
  });

  it('is as old as what carries its level', async () => {
    expect(await lookedUp(policyOf('signed'), { witness: 5, auditor: 90 })).toMatchObject([{ age: 90 }]);
  });
});

describe('a policy that demands more than the answer reaches', () => {
  it('rejects it', async () => {
    const keyStore = createMemoryKeyStore();
    const { client, log } = await loggedAlice(bridge, engine, { keyStore, policy: policyOf('logged') });
    log.cosigners = [{ signer: witness, time: NOW }];
    expect(await client.lookUp([ALICE])).toMatchObject([{ status: 'verified', level: 'witnessed' }]);
    const demanding = newClient(bridge, engine, { keyStore, policy: policyOf('audited') });
    expect(await demanding.lookUp([ALICE])).toMatchObject([{ status: 'rejected', code: 'level_too_low' }]);
  });

  it('is not met by what the staple says of itself: a cosigner of the bridge’s own choice', async () => {
    const log = bridge.keepLog();
    log.cosigners = [{ signer: noteSigner('friend.example/w'), time: NOW }];
    expect(
      await codeOf(async () => void (await loggedAlice(bridge, engine, { policy: policyOf('witnessed') }))),
    ).toBe('level_too_low');
  });
});

describe('a bridge that keeps a log', () => {
  it('cannot leave its proof out for one key', async () => {
    const { client } = await loggedAlice(bridge, engine);
    bridge.lies.result = (honest) => {
      if (honest.status !== 'credential') return honest;
      const { log_proof: _left, ...credential } = honest.credential;
      return { ...honest, credential };
    };
    expect(await client.lookUp([ALICE])).toMatchObject([{ status: 'rejected', code: 'level_too_low' }]);
  });

  it('cannot staple a broken proof in place of none', async () => {
    const { client } = await loggedAlice(bridge, engine);
    bridge.lies.result = (honest) =>
      honest.status === 'credential'
        ? {
            ...honest,
            credential: { ...honest.credential, log_proof: 'c2sp.org/tlog-proof@v1\nindex 0\n\n' },
          }
        : honest;
    expect(await client.lookUp([ALICE])).toMatchObject([{ status: 'rejected', code: 'log_proof' }]);
  });

  it('shows that a revocation is logged too', async () => {
    const { client, log } = await loggedAlice(bridge, engine, { policy: policyOf('signed') });
    log.cosigners = [{ signer: witness, time: NOW - 30 }];
    const person = bridge.persons.get(ALICE);
    const before = person?.signed?.statement;
    if (before === undefined) throw new Error('Alice is enrolled');
    const ended = bridge.company.nextStatement(before, { status: 'revoked', reason: 'closed' });
    const signed = await bridge.company.signedStatement(ended, [bridge.company.keys.statement]);
    const revocation = {
      ...signed,
      online_keys: await bridge.company.onlineKeysToken(),
      ...(await log.stapleOf(signed, NOW)),
    };
    bridge.lookUps.results.set(ALICE, ({ address, source, iss }) => ({
      ...{ status: 'revoked', address, source, iss, as_of: NOW, revocation },
    }));
    expect(await client.lookUp([ALICE])).toMatchObject([
      { status: 'revoked', level: 'witnessed', age: 30, shortOf: 'auditor_quorum' },
    ]);
  });
});

describe('a policy as text', () => {
  const w1 = cosignerKey(witness);
  const w2 = cosignerKey(noteSigner('witness.example/w2'));
  const a1 = cosignerKey(auditor);

  it('names witnesses, their quorum, and auditors', () => {
    const text = [`witness one ${w1}`, `witness two ${w2}`, 'group both any one two', `witness au ${a1}`];
    expect(
      logTrustOf([...text, 'group auditors all au', 'quorum both'].join('\n'), { maxCheckpointAge: HOUR }),
    ).toEqual({
      ...{ witnesses: [w1, w2], witnessQuorum: 1, auditors: [a1], auditorQuorum: 1, maxCheckpointAge: HOUR },
    });
  });

  it('names one witness alone, or none', () => {
    expect(logTrustOf(`witness one ${w1}\nquorum one`)).toMatchObject({ witnesses: [w1], witnessQuorum: 1 });
    expect(logTrustOf('quorum none')).toEqual({
      witnesses: [],
      witnessQuorum: 0,
      auditors: [],
      auditorQuorum: 0,
    });
  });

  it.each([
    ['a group within a group', `witness one ${w1}\ngroup in all one\ngroup out all in\nquorum out`],
    ['its auditors as witnesses', `witness au ${a1}\ngroup auditors all au\nquorum auditors`],
    ['one auditor as its witness', `witness au ${a1}\ngroup auditors all au\nquorum au`],
    ['no quorum', `witness one ${w1}`],
  ])('is refused with %s', async (_what, text) => {
    expect(await codeOf(() => logTrustOf(text))).toBe('log_policy_invalid');
  });
});
