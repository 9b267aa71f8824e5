import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setConnectionDomains } from '../../bridge/directory/domains.ts';
import { findPerson } from '../../bridge/directory/persons.ts';
import { linkPerson } from '../../bridge/directory/upstream-identities.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { createLifecycle } from '../../bridge/lifecycle/lifecycle.ts';
import { personOf } from '../../bridge/signals/signal-subject.ts';
import type { Transmitter } from '../../bridge/signals/transmitter.ts';
import { expectCode } from '../binding/expect-code.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';

const ALICE = 'alice@acme.example';
const ISSUER = 'https://login.acme.example';
const WORK: Transmitter = {
  ...{ connection: 'work', issuer: 'https://ssf.acme.example', jwks_uri: 'https://ssf.acme.example/jwks' },
  ...{ audience: 'countersign', subject_issuer: ISSUER, effects: {} },
  ...{ created: 0, changed: 0, last_signal: null },
};

let parts: BridgeParts;
let alice: string;

beforeEach(async () => {
  parts = await bridgeParts({ domains: ['acme.example', 'acme.test'] });
  alice = await parts.addPerson({ addresses: [ALICE, 'alice@acme.test'] });
  await parts.database.transaction((tx) => setConnectionDomains(tx, 'work', ['acme.example']));
});
afterEach(() => parts.remove());

const link = (connectionId: string) =>
  parts.database.transaction((tx) =>
    linkPerson(tx, { connectionId, subject: 'alice-1', sub: alice, now: 1 }),
  );

const find = (subject: { format: string; [name: string]: unknown }) =>
  parts.database.transaction((tx) => personOf(tx, subject, WORK));

describe('the subject of a signal, by address', () => {
  it('is the person who is known through the connection', async () => {
    await link('work');
    expect(await find({ format: 'email', email: ALICE })).toBe(alice);
  });

  it('is nobody where the person is known through another connection alone, which shares the domain', async () => {
    await link('other');
    expect(await find({ format: 'email', email: ALICE })).toBeUndefined();
  });

  it('is refused on another domain, although it is the same person’s', async () => {
    await link('work');
    await expectCode(find({ format: 'email', email: 'alice@acme.test' }), 'set_subject');
  });
});

describe('the subject of a signal, by issuer and sub', () => {
  it('is the person whom this connection knows by that sub', async () => {
    await link('work');
    expect(await find({ format: 'iss_sub', iss: ISSUER, sub: 'alice-1' })).toBe(alice);
    expect(await find({ format: 'iss_sub', iss: ISSUER, sub: 'alice-2' })).toBeUndefined();
  });

  it('is nobody whom another connection knows by that sub', async () => {
    await link('other');
    expect(await find({ format: 'iss_sub', iss: ISSUER, sub: 'alice-1' })).toBeUndefined();
  });

  it('is refused from another issuer', async () => {
    await expectCode(find({ format: 'iss_sub', iss: WORK.issuer, sub: 'alice-1' }), 'set_subject');
  });
});

describe('the subject of a signal, as an account', () => {
  it('is the person of that address of ours', async () => {
    await link('work');
    expect(await find({ format: 'account', uri: `acct:${ALICE}` })).toBe(alice);
    expect(await find({ format: 'account', uri: 'acct:%61lice@acme.example' })).toBe(alice);
  });

  it.each(['acct:alice@acme.test', 'acct:alice', 'https://acme.example/alice', 'acct:%zz@acme.example'])(
    'is refused as %s',
    async (uri) => {
      await link('work');
      await expectCode(find({ format: 'account', uri }), 'set_subject');
    },
  );
});

describe('the subject of a signal, by aliases', () => {
  const email = (address: string) => ({ format: 'email', email: address });
  const aliases = (...identifiers: object[]) => ({ format: 'aliases', identifiers });

  it('is the one person whom those name that are the transmitter’s to name', async () => {
    await link('work');
    const phone = { format: 'phone_number', phone_number: '+12065550100' };
    const bySub = { format: 'iss_sub', iss: ISSUER, sub: 'alice-1' };
    expect(await find(aliases(phone, email('alice@home.example'), email(ALICE), bySub))).toBe(alice);
    expect(await find({ format: 'complex', user: aliases(bySub) })).toBe(alice);
  });

  it('is nobody where none is anybody here', async () => {
    expect(await find(aliases(email('nobody@acme.example')))).toBeUndefined();
  });

  it('is refused where they are of several persons, or none is the transmitter’s to name', async () => {
    await link('work');
    const bob = await parts.addPerson({ addresses: ['bob@acme.example'] });
    await parts.database.transaction((tx) =>
      linkPerson(tx, { connectionId: 'work', subject: 'bob-1', sub: bob, now: 1 }),
    );
    await expectCode(find(aliases(email(ALICE), email('bob@acme.example'))), 'set_subject');
    await expectCode(find(aliases(email('alice@home.example'))), 'set_subject');
    await expectCode(find(aliases({ format: 'opaque', id: 'x' })), 'set_subject');
    await expectCode(find(aliases(aliases(email(ALICE)))), 'set_subject');
  });
});

describe('signing a person out', () => {
  it('ends their tokens, raises their generation, and leaves them as they are', async () => {
    const ended: string[] = [];
    const revokePerson = async (_tx: unknown, sub: string) => ended.push(sub) && 3;
    const tokens = { revokePerson, revokeDevice: async () => 0 };
    const lifecycle = createLifecycle({ ...parts, decide: parts.policy.decide, tokens });
    const before = await parts.database.read((query) => findPerson(query, alice));
    const done = await parts.database.transaction((tx) =>
      lifecycle.within(tx).signOutPerson(alice, 'session-revoked', SYSTEM),
    );
    expect(done).toEqual({ sub: alice, status: 'active', tokens: 3 });
    expect(ended).toEqual([alice]);
    const after = await parts.database.read((query) => findPerson(query, alice));
    expect(after).toEqual({ ...before, generation: (before?.generation ?? 0) + 1 });
    expect((await parts.eventsSoFar()).at(-1)).toMatchObject({
      ...{ type: 'token.revoked', subject: { sub: alice }, data: { count: 3, reason: 'session-revoked' } },
    });
  });

  it('does nothing where the transaction is lost', async () => {
    const tokens = { revokePerson: async () => 1, revokeDevice: async () => 0 };
    const lifecycle = createLifecycle({ ...parts, decide: parts.policy.decide, tokens });
    const lost = parts.database.transaction(async (tx) => {
      await lifecycle.within(tx).closePerson(alice, undefined, SYSTEM);
      throw new Error('lost');
    });
    await expect(lost).rejects.toThrow('lost');
    expect(await parts.database.read((query) => findPerson(query, alice))).toMatchObject({
      status: 'active',
    });
    expect((await parts.eventsSoFar()).filter(({ type }) => type === 'person.closed')).toEqual([]);
  });
});
