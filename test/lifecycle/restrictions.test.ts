import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPersonKeys } from '../../bridge/directory/person-keys.ts';
import { findPerson } from '../../bridge/directory/persons.ts';
import { latestStatement } from '../../bridge/directory/statements.ts';
import type { RequestContext } from '../../bridge/lib/request-context.ts';
import { createLifecycle, type Lifecycle } from '../../bridge/lifecycle/lifecycle.ts';
import { createPersonOverviews } from '../../bridge/lifecycle/person-overview.ts';
import type { DeviceRequestBody } from '../../protocol/api.ts';
import { verifyRevocation } from '../../protocol/credential.ts';
import { statementHash } from '../../protocol/key-statement.ts';
import { preToJwk } from '../../recrypt/encoding.ts';
import { expectCode } from '../binding/expect-code.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import {
  approval,
  begin,
  type ClientDevice,
  confirmation,
  contextOf,
  type Enrolled,
  enrol,
  holder,
  newDevice,
} from '../fakes/client-side.ts';

const ALICE = 'alice@acme.example';
const ADA: RequestContext = { requestId: 'r-1', actor: { kind: 'administrator', id: 'a-1', name: 'Ada' } };

let parts: BridgeParts;
let lifecycle: Lifecycle;
let alice: string;
let enrolled: Enrolled;
/** What the authorization server was asked to revoke, within the transaction. */
let revokedTokens: string[];

beforeEach(async () => {
  parts = await bridgeParts();
  revokedTokens = [];
  lifecycle = lifecycleOf(parts);
  alice = await parts.addPerson({ name: 'Alice', addresses: [ALICE, 'a.smith@acme.example'] });
  enrolled = await enrol(parts, alice);
});

afterEach(() => parts.remove());

function lifecycleOf(deps: BridgeParts): Lifecycle {
  const note = (name: string) => async () => {
    revokedTokens.push(name);
    return 3;
  };
  const tokens = { revokePerson: note('person'), revokeDevice: note('device') };
  return createLifecycle({ ...deps, decide: deps.policy.decide, tokens });
}

async function eventsAfter(work: () => Promise<unknown>) {
  const before = (await parts.eventsSoFar()).length;
  await work();
  return (await parts.eventsSoFar()).slice(before).map(({ type, subject, actor, data }) => {
    expect(actor).toMatchObject({ kind: expect.stringMatching(/administrator|person/) });
    return { type, subject, data };
  });
}

function requestOf(device: ClientDevice): DeviceRequestBody {
  return {
    request_id: 'request-1',
    device_key: preToJwk(device.pre.publicKey),
    device_sig: device.sig.publicKey,
    label: device.label,
    comparison: { method: 'fingerprint' },
  };
}

const read = <T>(work: Parameters<typeof parts.database.read<T>>[0]) => parts.database.read(work);

describe('closing a person', () => {
  it('takes keys, vault, devices, tokens and addresses away and revokes the statement, in one go', async () => {
    const done = await lifecycle.closePerson(alice, 'left', ADA);
    expect(done).toEqual({
      ...{ sub: alice, status: 'closed', devices: 1, tokens: 3, groups: 0, orphaned: [] },
      receipt: expect.any(String),
      revoked: [{ address: ALICE, version: 1 }],
    });
    expect(revokedTokens).toEqual(['person']);
    expect(await read((query) => findPersonKeys(query, alice))).toBeUndefined();
    expect(await read((query) => findPerson(query, alice))).toMatchObject({
      status: 'closed',
      generation: 1,
    });
    const overview = await createPersonOverviews(parts).get(alice);
    expect(overview).toMatchObject({ status: 'closed', addresses: [], devices: [] });
  });

  it('signs the next version: revoked, the same keys, after the statement before', async () => {
    await lifecycle.closePerson(alice, undefined, ADA);
    const before = enrolled.offer.statement;
    const latest = await read((query) => latestStatement(query, ALICE));
    expect(latest?.statement).toMatchObject({
      ...{ version: 1, status: 'revoked', reason: 'closed', keys: before.keys },
      ...{ prev: statementHash(before), key_version: before.key_version, sub: alice },
    });
  });

  it('is answered by look-ups as pending at once, and as revoked with evidence once it is published', async () => {
    await parts.keyLog.stop();
    await lifecycle.closePerson(alice, undefined, ADA);
    expect(await parts.credentials.forAddress(ALICE)).toEqual({ status: 'revoked_pending' });
    parts.keyLog.start();
    await parts.keyLog.published('address', ALICE, 1);
    const answer = await parts.credentials.forAddress(ALICE);
    if (answer.status !== 'revoked') throw new Error(`it is ${answer.status}`);
    const now = Math.floor(parts.clock.now() / 1000);
    const { statement } = await verifyRevocation(answer.revocation, ALICE, { issuer: parts.issuer, now });
    expect(statement).toMatchObject({ address: ALICE, status: 'revoked' });
  });

  it('stops the vault for a device whose token was looked at before', async () => {
    await lifecycle.closePerson(alice, undefined, ADA);
    await expectCode(parts.vaults.open(enrolled.who, contextOf(enrolled.who)), 'person_closed');
  });

  it('leaves one event for each thing that ended, and only ids in them', async () => {
    const events = await eventsAfter(() => lifecycle.closePerson(alice, 'left the company', ADA));
    expect(events).toEqual([
      {
        type: 'person.closed',
        subject: { sub: alice },
        data: { reason: 'left the company', receipt: expect.any(String) },
      },
      {
        type: 'statement.revoked',
        subject: { sub: alice, address: ALICE },
        data: expect.objectContaining({ version: 1, key_version: 0, reason: 'closed' }),
      },
      {
        type: 'device.removed',
        subject: { sub: alice, device: enrolled.who.deviceId },
        data: expect.objectContaining({ reason: 'closed' }),
      },
      { type: 'token.revoked', subject: { sub: alice }, data: { count: 3, reason: 'closed' } },
    ]);
  });

  it('answers the same way when it is done again, and takes nothing more away', async () => {
    await lifecycle.closePerson(alice, undefined, ADA);
    const events = await eventsAfter(async () => {
      expect(await lifecycle.closePerson(alice, undefined, ADA)).toMatchObject({
        status: 'closed',
        revoked: [],
      });
    });
    expect(events).toEqual([]);
  });

  it('works for somebody who never enrolled', async () => {
    const bob = await parts.addPerson({ addresses: ['bob@acme.example'] });
    expect(await lifecycle.closePerson(bob, undefined, ADA)).toMatchObject({ status: 'closed', revoked: [] });
    expect(await parts.credentials.forAddress('bob@acme.example')).toEqual({ status: 'not_found' });
  });

  it('voids an offer that was not confirmed yet', async () => {
    const bob = await parts.addPerson({ addresses: ['bob@acme.example'] });
    const enrolling = await begin(parts, bob);
    const sent = await confirmation(parts.engine, enrolling);
    await lifecycle.closePerson(bob, undefined, ADA);
    const { who, offer } = enrolling;
    const confirming = parts.enrolments.confirm(who, offer.enrolment_id, sent, contextOf(who));
    await expectCode(confirming, 'enrolment_unknown');
    const offers = await read((query) =>
      query.selectFrom('enrolments').selectAll().where('sub', '=', bob).execute(),
    );
    expect(offers).toEqual([]);
  });

  it.each([
    ['closing', () => lifecycle.closePerson(alice, undefined, ADA)],
    ['resetting', () => lifecycle.resetPerson(alice, undefined, ADA)],
  ])('(and resetting) ends the requests of devices that nobody approved yet: %s', async (_name, restrict) => {
    const phone = await newDevice(parts.engine, 'phone');
    const who = holder(alice, phone);
    await parts.deviceAdditions.request(who, requestOf(phone), contextOf(who));
    await restrict();
    const left = await read((query) => query.selectFrom('device_requests').selectAll().execute());
    expect(left).toEqual([]);
  });

  it('is refused for somebody who is not there', async () => {
    await expectCode(lifecycle.closePerson('nobody', undefined, ADA), 'person_unknown');
  });

  it('stores nothing at all if any part of it fails', async () => {
    const failing = createLifecycle({
      ...parts,
      decide: parts.policy.decide,
      tokens: {
        revokeDevice: async () => 0,
        revokePerson: async () => 0,
      },
      keyLog: { ...parts.keyLog, stage: () => Promise.reject(new Error('the log does not take it')) },
    });
    const events = await eventsAfter(() =>
      expect(failing.closePerson(alice, undefined, ADA)).rejects.toThrow('the log does not take it'),
    );
    expect(events).toEqual([]);
    expect(await read((query) => findPersonKeys(query, alice))).toBeDefined();
    expect((await parts.credentials.forAddress(ALICE)).status).toBe('credential');
  });
});

describe('resetting a person', () => {
  it('revokes with its reason, and the person can enrol anew with a higher key version', async () => {
    const done = await lifecycle.resetPerson(alice, 'lost the laptop', ADA);
    expect(done).toMatchObject({ status: 'active', revoked: [{ address: ALICE, version: 1 }], devices: 1 });
    await parts.keyLog.published('address', ALICE, 1);
    expect((await parts.credentials.forAddress(ALICE)).status).toBe('revoked');

    const again = await enrol(parts, alice);
    expect(again.offer.statement).toMatchObject({
      version: 2,
      key_version: 1,
      status: 'active',
      reason: 'reset',
    });
    expect((await parts.credentials.forAddress(ALICE)).status).toBe('credential');
  });

  it('leaves the old device without use, even to the same person', async () => {
    await lifecycle.resetPerson(alice, undefined, ADA);
    await expectCode(parts.vaults.open(enrolled.who, contextOf(enrolled.who)), 'device_not_endorsed');
  });

  it('is refused for a closed person', async () => {
    await lifecycle.closePerson(alice, undefined, ADA);
    await expectCode(lifecycle.resetPerson(alice, undefined, ADA), 'person_closed');
  });
});

describe('removing a device', () => {
  it('takes its transform key and tokens away, and leaves the person and the statement', async () => {
    const events = await eventsAfter(() =>
      lifecycle.removeOwnDevice(enrolled.who, enrolled.who.deviceId, contextOf(enrolled.who)),
    );
    expect(events.map(({ type }) => type)).toEqual(['device.removed', 'token.revoked']);
    expect(revokedTokens).toEqual(['device']);
    expect((await parts.credentials.forAddress(ALICE)).status).toBe('credential');
    expect(await parts.credentials.deviceBinding(enrolled.who.deviceId)).toBeNull();
    await expectCode(parts.vaults.open(enrolled.who, contextOf(enrolled.who)), 'device_not_endorsed');
  });

  it('does not tell whether somebody else has such a device', async () => {
    const bob = await parts.addPerson({ addresses: ['bob@acme.example'] });
    const who = holder(bob, await newDevice(parts.engine));
    await expectCode(lifecycle.removeOwnDevice(who, enrolled.who.deviceId, contextOf(who)), 'device_unknown');
    await expectCode(
      lifecycle.removeDevice({ sub: bob, deviceId: enrolled.who.deviceId }, ADA),
      'device_unknown',
    );
    expect(revokedTokens).toEqual([]);
  });

  it('is not for a device that was removed itself while its request was under way', async () => {
    const phone = await newDevice(parts.engine, 'phone');
    const asking = holder(alice, phone);
    const { id } = await parts.deviceAdditions.request(asking, requestOf(phone), contextOf(asking));
    const { person, offer, who } = enrolled;
    const approved = await approval(parts.engine, person, offer.statement, phone);
    await parts.deviceAdditions.approve(who, id, approved, contextOf(who));
    expect(who.endorsed).toBe(true);
    await lifecycle.removeDevice({ sub: alice, deviceId: who.deviceId }, ADA);
    await expectCode(lifecycle.removeOwnDevice(who, phone.sig.kid, contextOf(who)), 'forbidden');
    expect(await parts.credentials.deviceBinding(phone.sig.kid)).not.toBeNull();
  });

  it('is unknown the second time', async () => {
    const device = { sub: alice, deviceId: enrolled.who.deviceId };
    await lifecycle.removeDevice(device, ADA);
    await expectCode(lifecycle.removeDevice(device, ADA), 'device_unknown');
  });
});
