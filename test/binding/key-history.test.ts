import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKeyHistories, type KeyHistories } from '../../bridge/binding/key-history.ts';
import { FINDINGS_PER_HOUR } from '../../bridge/lib/limits.ts';
import { createLifecycle } from '../../bridge/lifecycle/lifecycle.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import type { KeyFindingReport } from '../../protocol/key-history.ts';
import { keyHistorySchema } from '../../protocol/key-history.ts';
import { statementHash } from '../../protocol/key-statement.ts';
import { verifyLoggedStatement } from '../../protocol/keytrans/logged-statement.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { contextOf, type Enrolled, enrol } from '../fakes/client-side.ts';
import { expectCode } from './expect-code.ts';

const ALICE = 'alice@acme.example';
const ADMINISTRATOR = { kind: 'administrator', id: 'admin-1', name: 'Ada Admin' } as const;

let parts: BridgeParts;
let histories: KeyHistories;
let sub: string;
let alice: Enrolled;

beforeEach(async () => {
  parts = await bridgeParts({ domains: ['acme.example'] });
  histories = createKeyHistories({ ...parts, cache: new MemoryCache({ clock: parts.clock }) });
  sub = await parts.addPerson({ addresses: [ALICE, 'alice.two@acme.example'] });
  alice = await enrol(parts, sub);
});
afterEach(() => parts.remove());

const read = (who = alice.who, address?: string) => histories.read(who, { address, from: 0 });

async function reset(reason: string): Promise<void> {
  const tokens = { revokeDevice: async () => 0, revokePerson: async () => 0 };
  const { decide } = parts.policy;
  const lifecycle = createLifecycle({ ...parts, decide, tokens });
  await lifecycle.resetPerson(sub, reason, { requestId: 'request-7', actor: ADMINISTRATOR });
  await parts.keyLog.published('address', ALICE, 1);
}

describe('the history of somebody’s key', () => {
  it('has the statement, when it was logged, by which device, and proves that it is the newest', async () => {
    const history = await read();
    expect(keyHistorySchema.parse(JSON.parse(JSON.stringify(history)))).toEqual(history);
    const now = Math.floor(parts.clock.now() / 1000);
    expect(history).toMatchObject({ iss: parts.signer.iss, address: ALICE, more: false });
    expect(history.versions).toEqual([
      {
        ...{ statement: alice.offer.statement, signatures: expect.any(Array) },
        ...{ logged: now, by: { kind: 'person', device: alice.who.deviceId } },
      },
    ]);
    const proven = await verifyLoggedStatement(
      history.log_proof ?? '',
      alice.offer.statement,
      parts.signer.onlineKeys(),
      { trust: undefined, now },
    );
    expect(proven).toMatchObject({ level: 'logged', epoch: 1 });
  });

  it('says which administrator reset it, what they wrote, and who enrolled afterwards', async () => {
    await reset('the laptop\nwas stolen');
    const again = await enrol(parts, sub);
    const { versions } = await read(again.who);
    expect(
      versions.map(({ statement: { version, reason }, by, said }) => ({ version, reason, by, said })),
    ).toEqual([
      { version: 0, reason: undefined, by: { kind: 'person', device: alice.who.deviceId }, said: undefined },
      {
        ...{ version: 1, reason: 'reset', said: 'the laptop\nwas stolen' },
        by: { kind: 'administrator', id: 'admin-1', name: 'Ada Admin' },
      },
      {
        version: 2,
        reason: 'reset',
        by: { kind: 'person', device: again.who.deviceId },
        said: undefined,
      },
    ]);
  });

  it('of a reset told the SIEM already, as such', async () => {
    await reset('the laptop was stolen');
    const events = await parts.eventsSoFar();
    const { statement } = (await read()).versions[1] ?? {};
    expect(events.filter(({ actor }) => actor.kind === 'administrator')).toMatchObject([
      { type: 'person.reset', subject: { sub } },
      {
        ...{ type: 'statement.revoked', subject: { sub, address: ALICE } },
        data: { version: 1, reason: 'reset', statement_hash: statement && statementHash(statement) },
      },
      { type: 'device.removed' },
    ]);
  });

  it('is empty for an address that was never enrolled', async () => {
    const { versions, log_proof } = await read(alice.who, 'alice.two@acme.example');
    expect({ versions, log_proof }).toEqual({ versions: [], log_proof: undefined });
  });

  it('is nobody else’s to read', async () => {
    await expectCode(read(alice.who, 'bob@acme.example'), 'forbidden');
    const bob = await parts.addPerson({ addresses: ['bob@acme.example'] });
    await expectCode(read({ ...alice.who, sub: bob }, ALICE), 'forbidden');
  });

  it('goes on from any version', async () => {
    await reset('stolen');
    const { versions } = await histories.read(alice.who, { from: 1 });
    expect(versions.map(({ statement }) => statement.version)).toEqual([1]);
  });
});

describe('what a person’s client finds', () => {
  const finding: KeyFindingReport = {
    finding: 'unrecognized_version',
    address: ALICE,
    version: 3,
    code: 'key_history',
  };
  const report = (changes: Partial<KeyFindingReport> = {}) =>
    histories.report(alice.who, { ...finding, ...changes }, contextOf(alice.who));

  it('becomes an event, which the SIEM gets', async () => {
    await report();
    expect((await parts.eventsSoFar()).at(-1)).toMatchObject({
      ...{ type: 'key.unrecognized', outcome: 'failure', code: 'key_history' },
      actor: { kind: 'person', sub },
      subject: { sub, address: ALICE, device: alice.who.deviceId },
      data: { finding: 'unrecognized_version', version: 3 },
    });
  });

  it('is not taken about others', async () => {
    await expectCode(report({ address: 'bob@acme.example' }), 'forbidden');
  });

  it('is taken so often and no more', async () => {
    for (let times = 0; times < FINDINGS_PER_HOUR; times++) await report();
    await expectCode(report(), 'rate_limited');
    parts.clock.advance(3_601);
    await report();
  });
});
