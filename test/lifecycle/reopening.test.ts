import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addressesOf } from '../../bridge/directory/addresses.ts';
import { findPerson } from '../../bridge/directory/persons.ts';
import { latestStatement } from '../../bridge/directory/statements.ts';
import { linkPerson } from '../../bridge/directory/upstream-identities.ts';
import { resolvePerson } from '../../bridge/identity/link-person.ts';
import type { RequestContext } from '../../bridge/lib/request-context.ts';
import { createLifecycle, type Lifecycle } from '../../bridge/lifecycle/lifecycle.ts';
import { parseAddress } from '../../protocol/address.ts';
import { statementHash } from '../../protocol/key-statement.ts';
import { expectCode } from '../binding/expect-code.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { contextOf, type Enrolled, enrol } from '../fakes/client-side.ts';

const ALICE = 'alice@acme.example';
const ADA: RequestContext = { requestId: 'r-1', actor: { kind: 'administrator', id: 'a-1', name: 'Ada' } };

let parts: BridgeParts;
let lifecycle: Lifecycle;
let alice: string;
let enrolled: Enrolled;

/** Alice enrolled once, and was closed. */
beforeEach(async () => {
  parts = await bridgeParts();
  const tokens = { revokePerson: async () => 0, revokeDevice: async () => 0 };
  lifecycle = createLifecycle({ ...parts, decide: parts.policy.decide, tokens });
  alice = await parts.addPerson({ addresses: [ALICE] });
  await parts.database.transaction((tx) =>
    linkPerson(tx, { connectionId: 'connection-1', subject: 'alice', sub: alice, now: 1 }),
  );
  enrolled = await enrol(parts, alice);
  await lifecycle.closePerson(alice, 'left', ADA);
  await parts.keyLog.published('address', ALICE, 1);
});

afterEach(() => parts.remove());

const read = <T>(work: Parameters<typeof parts.database.read<T>>[0]) => parts.database.read(work);

/** What a sign-in at the IdP does in the directory. */
function signIn(subject: string): Promise<string> {
  const linking = {
    ...({ connectionId: 'connection-1', subject, assurance: 'member', name: null } as const),
    addresses: [parseAddress(ALICE)],
    whyNone: '',
    now: Math.floor(parts.clock.now() / 1000),
  };
  return parts.database.transaction((tx) => resolvePerson(tx, linking, async () => undefined));
}

describe('reopening a closed person', () => {
  it('lets them sign in, which the closing refused, and hold their address again', async () => {
    await expectCode(signIn('alice'), 'person_closed');
    expect(await lifecycle.reopenPerson(alice, undefined, ADA)).toEqual({ sub: alice, status: 'active' });
    expect(await signIn('alice')).toBe(alice);
    expect((await read((query) => addressesOf(query, alice))).map(({ address }) => address)).toEqual([ALICE]);
  });

  it('lets them enrol anew: the statement’s version goes on and says that the keys are others', async () => {
    await lifecycle.reopenPerson(alice, undefined, ADA);
    await signIn('alice');
    const revocation = await read((query) => latestStatement(query, ALICE));
    const { offer } = await enrol(parts, alice);
    expect(offer.statement).toMatchObject({
      version: 2,
      key_version: 1,
      status: 'active',
      reason: 're-enrolled',
    });
    expect(offer.statement.prev).toBe(revocation && statementHash(revocation.statement));
    expect((await parts.credentials.forAddress(ALICE)).status).toBe('credential');
  });

  it('brings back no address, no key and no device by itself', async () => {
    await lifecycle.reopenPerson(alice, undefined, ADA);
    expect(await read((query) => addressesOf(query, alice))).toEqual([]);
    await expectCode(parts.vaults.open(enrolled.who, contextOf(enrolled.who)), 'device_not_endorsed');
    expect(await parts.credentials.deviceBinding(enrolled.who.deviceId)).toBeNull();
    expect((await parts.credentials.forAddress(ALICE)).status).toBe('revoked');
  });

  it('takes no address from whoever got it meanwhile', async () => {
    const successor = await signIn('successor');
    await lifecycle.reopenPerson(alice, undefined, ADA);
    await expectCode(signIn('alice'), 'address_taken');
    expect((await read((query) => addressesOf(query, successor))).map(({ address }) => address)).toEqual([
      ALICE,
    ]);
  });

  it('raises the generation, and leaves one event however often it is done', async () => {
    const before = await read((query) => findPerson(query, alice));
    await lifecycle.reopenPerson(alice, 'came back', ADA);
    await lifecycle.reopenPerson(alice, 'came back', ADA);
    const after = await read((query) => findPerson(query, alice));
    expect(after).toMatchObject({ status: 'active', generation: (before?.generation ?? 0) + 1 });
    const events = (await parts.eventsSoFar()).filter(({ type }) => type === 'person.reopened');
    expect(events).toMatchObject([
      { actor: ADA.actor, subject: { sub: alice }, data: { reason: 'came back' } },
    ]);
  });

  it('is refused for somebody who is not there', async () => {
    await expectCode(lifecycle.reopenPerson('nobody', undefined, ADA), 'person_unknown');
  });
});
