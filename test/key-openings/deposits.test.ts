import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deleteDevice } from '../../bridge/directory/devices.ts';
import { storeDeposit } from '../../bridge/groups/deposit-checks.ts';
import { eraseFromGroups } from '../../bridge/groups/group-erasure.ts';
import {
  countSealedKeys,
  findSealedKey,
  insertSealedKey,
  listSealedKeys,
  type NewSealedKey,
} from '../../bridge/groups/sealed-key-store.ts';
import { newId } from '../../bridge/lib/ids.ts';
import { SEALED_KEYS_OF_BRIDGE, SEALED_KEYS_OF_PERSON } from '../../bridge/lib/limits.ts';
import { MEMBERSHIP_BATCH } from '../../protocol/groups/api.ts';
import { sealedKeyDepositSchema } from '../../protocol/groups/federation.ts';
import { decodeClaims } from '../../protocol/jws.ts';
import { expectCode } from '../binding/expect-code.ts';
import { revoke } from '../binding/revoke.ts';
import { contextOf, type Enrolled } from '../fakes/client-side.ts';
import { depositKey, makeGroupOf, open, receive, recipientGroup, type Sealed, sealKey } from './sealing.ts';
import { type OpeningBridge, type TwoBridges, twoBridges } from './two-bridges.ts';

let bridges: TwoBridges;
let acme: OpeningBridge;
let globex: OpeningBridge;
let ada: Enrolled;
let bob: Enrolled;
let gwen: Enrolled;

beforeAll(async () => {
  bridges = await twoBridges();
  ({ acme, globex } = bridges);
  [ada, bob] = [await acme.addEnrolled('ada'), await acme.addEnrolled('bob')];
  gwen = await globex.addEnrolled('gwen');
});

afterAll(() => bridges.close());

const deposit = (bridge: OpeningBridge, who: Enrolled, { body }: Sealed) =>
  bridge.sealedKeys.deposit(who.who, body, contextOf(who.who));

async function sealedEvents(bridge: OpeningBridge, keyId: string): Promise<number> {
  const events = await bridge.parts.eventsSoFar();
  return events.filter(({ type, data }) => type === 'key.sealed' && data.key_id === keyId).length;
}

/** As if its sealer had sealed so many keys in all to the recipient. */
async function fill(first: Sealed, upTo: number): Promise<void> {
  const to = 'group' in first.to ? first.to.group : first.to.sub;
  const recipient = { recipient_kind: 'group', recipient: to } as const;
  await acme.parts.database.transaction(async (transaction) => {
    const stored = await findSealedKey(transaction, recipient, first.keyId);
    if (stored === undefined) throw new Error('it is not stored');
    const there = await countSealedKeys(transaction, recipient, stored);
    const rows = Array.from({ length: upTo - there }, () => ({
      ...stored,
      ...{ key_id: newId(), token: '', evidence: null, encrypted: Uint8Array.of(0) },
    }));
    for (let at = 0; at < rows.length; at += 1_000) {
      await transaction
        .insertInto('sealed_keys')
        .values(rows.slice(at, at + 1_000))
        .execute();
    }
  });
}

describe('a key that is brought', () => {
  it('again is answered again, stored once, and is one event', async () => {
    const group = await makeGroupOf(acme, ada, [gwen]);
    for (const [bridge, person] of [[acme, ada] as const, [globex, gwen] as const]) {
      const sealed = await sealKey(bridge, person, recipientGroup(group));
      for (let time = 0; time < 2; time += 1) {
        expect(await deposit(bridge, person, sealed)).toEqual({ to: sealed.to, key_id: sealed.keyId });
      }
      expect(await sealedEvents(acme, sealed.keyId)).toBe(1);
    }
  });

  it('under the id of another is refused', async () => {
    const group = await makeGroupOf(acme, ada, [gwen]);
    const first = await depositKey(acme, ada, recipientGroup(group));
    const second = await sealKey(acme, ada, recipientGroup(group), { key_id: first.keyId });
    await expectCode(deposit(acme, ada, second), 'conflict');
    const foreign = await sealKey(globex, gwen, recipientGroup(group), { key_id: first.keyId });
    await expectCode(deposit(globex, gwen, foreign), 'conflict');
  });

  it('to a group is taken from its admins and members alone', async () => {
    const group = await makeGroupOf(acme, ada, []);
    await depositKey(acme, ada, recipientGroup(group));
    await expectCode(depositKey(acme, bob, recipientGroup(group)), 'group_unknown');
    await expectCode(depositKey(globex, gwen, recipientGroup(group)), 'group_unknown');
  });

  it('to a meeting that has ended is refused', async () => {
    const meeting = await makeGroupOf(acme, ada, [gwen], 'meeting');
    await acme.groups.endings.end(ada.who, meeting.group, contextOf(ada.who));
    await expectCode(depositKey(acme, ada, recipientGroup(meeting)), 'group_ended');
    await expectCode(depositKey(globex, gwen, recipientGroup(meeting)), 'group_ended');
  });

  it('to somebody who is not there, or not any more, is refused', async () => {
    const key = ada.offer.statement.keys[0];
    const to = { iss: acme.iss, sub: newId() };
    await expectCode(depositKey(acme, bob, { to, key }), 'person_unknown');
    await expectCode(depositKey(globex, gwen, { to, key }), 'person_unknown');
    const eve = await acme.addEnrolled('eve');
    await revoke(acme.parts, eve.offer.statement.address, 'closed');
    const closed = { to: { iss: acme.iss, sub: eve.who.sub }, key };
    await expectCode(depositKey(acme, bob, closed), 'person_closed');
    await expectCode(depositKey(globex, gwen, closed), 'person_closed');
  });

  it('is taken with something else, or not at all', async () => {
    const meeting = await makeGroupOf(acme, ada, [ada], 'meeting');
    const sealed = await sealKey(acme, ada, recipientGroup(meeting), { term: 0, epoch: 3 });
    const checked = await acme.sealedKeys.check(ada.who, meeting.group, sealed.body);
    expect(checked.claims).toMatchObject({ key_id: sealed.keyId, epoch: 3 });
    const failing = acme.parts.database.transaction(async (transaction) => {
      await checked.store(transaction, contextOf(ada.who));
      throw new Error('the rest failed');
    });
    await expect(failing).rejects.toThrow('the rest failed');
    await expectCode(open(acme, ada, sealed.to, sealed.keyId), 'sealed_key_unknown');
    await acme.parts.database.transaction((transaction) => checked.store(transaction, contextOf(ada.who)));
    await open(acme, ada, sealed.to, sealed.keyId);
  });
});

describe('the key of an epoch', () => {
  it('comes with its message alone, here and from a partner: nothing else would end it', async () => {
    const meeting = await makeGroupOf(acme, ada, [ada, bob, gwen], 'meeting');
    const to = recipientGroup(meeting);
    for (const place of [{ term: 1, epoch: 7 }, { epoch: 2 ** 31 }]) {
      await expectCode(deposit(acme, bob, await sealKey(acme, bob, to, place)), 'claims_invalid');
      await expect(deposit(globex, gwen, await sealKey(globex, gwen, to, place))).rejects.toMatchObject({
        name: 'CountersignError',
      });
    }
  });

  it('is kept though a member sealed as many keys as are kept of one person', async () => {
    const carl = await acme.addEnrolled('carl');
    const meeting = await makeGroupOf(acme, ada, [ada, bob, carl], 'meeting');
    const to = recipientGroup(meeting);
    const first = await depositKey(acme, bob, to);
    await fill(first, SEALED_KEYS_OF_PERSON);
    await expectCode(depositKey(acme, bob, to), 'conflict');
    await depositKey(acme, carl, to);
    await fill(first, SEALED_KEYS_OF_BRIDGE);
    await expectCode(depositKey(acme, carl, to), 'conflict');
    const sealed = await sealKey(acme, ada, to, { term: 1, epoch: 1 });
    const checked = await acme.sealedKeys.check(ada.who, meeting.group, sealed.body);
    await acme.parts.database.transaction((transaction) => checked.store(transaction, contextOf(ada.who)));
    await open(acme, bob, sealed.to, sealed.keyId);
  });
});

describe('who sealed a key', () => {
  /** Removes the device, and with it what its bridge could say of it now. */
  const removeDevice = ({ who }: Enrolled) =>
    acme.parts.database.transaction((transaction) => deleteDevice(transaction, who.deviceId));

  it('is shown as it was then, when the device is gone', async () => {
    const carol = await acme.addEnrolled('carol');
    const group = await makeGroupOf(acme, ada, [bob, carol]);
    const sealed = await depositKey(acme, carol, recipientGroup(group));
    await removeDevice(carol);
    const opening = await open(acme, bob, sealed.to, sealed.keyId);
    expect(opening.signer.address).toBe('carol@acme.example');
    const asked = { to: sealed.to, keyId: sealed.keyId, sealerBridge: acme };
    expect(await receive(opening, bob, asked)).toEqual(sealed.plaintext);
  });

  it('of a meeting’s key must be somebody still: what nobody shows is not given out', async () => {
    const dave = await acme.addEnrolled('dave');
    const meeting = await makeGroupOf(acme, dave, [bob], 'meeting');
    const sealed = await sealKey(acme, dave, recipientGroup(meeting), { term: 0, epoch: 0 });
    const checked = await acme.sealedKeys.check(dave.who, meeting.group, sealed.body);
    await acme.parts.database.transaction((transaction) => checked.store(transaction, contextOf(dave.who)));
    await open(acme, bob, sealed.to, sealed.keyId);
    await removeDevice(dave);
    await expectCode(open(acme, bob, sealed.to, sealed.keyId), 'sealed_key_unknown');
  });
});

describe('what a partner brings', () => {
  /** Sends changed claims in the place of the honest ones, signed by the partner all the same. */
  async function bring(sealed: Sealed, changes: object): Promise<string> {
    let answered = '';
    globex.lie = async (token, honest) => {
      const claims = { ...decodeClaims(token, 'sealed-key-deposit+jwt', sealedKeyDepositSchema), ...changes };
      const signed = await globex.parts.signer.sign('federation', 'sealed-key-deposit+jwt', claims);
      answered = await acme.sealedKeys
        .answerPartner(signed, { requestId: 'r', actor: { kind: 'anonymous' } })
        .then(
          () => 'stored',
          (error: { code: string }) => error.code,
        );
      return honest();
    };
    await deposit(globex, gwen, sealed).catch(() => undefined);
    globex.lie = undefined;
    return answered;
  }

  it('is used up with what it changed', async () => {
    const group = await makeGroupOf(acme, ada, [gwen]);
    await depositKey(globex, gwen, recipientGroup(group));
    const token = globex.sent.at(-1) ?? '';
    await expectCode(
      acme.sealedKeys.answerPartner(token, { requestId: 'r', actor: { kind: 'anonymous' } }),
      'replayed',
    );
  });

  it('is refused with the evidence of somebody else, or for a recipient elsewhere', async () => {
    const group = await makeGroupOf(acme, ada, [gwen]);
    const hal = await globex.addEnrolled('hal');
    const sealed = await sealKey(globex, gwen, recipientGroup(group));
    const evidence = async (who: Enrolled) => {
      const own = await sealKey(globex, who, recipientGroup(group));
      await deposit(globex, who, own).catch(() => undefined);
      return decodeClaims(globex.sent.at(-1) ?? '', 'sealed-key-deposit+jwt', sealedKeyDepositSchema).signer;
    };
    expect(await bring(sealed, { signer: await evidence(hal) })).toBe('jws_unknown_key');
    const shown = await evidence(gwen);
    expect(await bring(sealed, { signer: { ...shown, address: 'ada@acme.example' } })).toBe('claims_invalid');
    expect(await bring(sealed, { to: { iss: globex.iss, group: group.group } })).toBe('claims_invalid');
    expect(await bring(sealed, {})).toBe('stored');
  });

  it('cannot be more than is kept of its people for one recipient', async () => {
    const group = await makeGroupOf(acme, ada, [ada, gwen]);
    await fill(await depositKey(globex, gwen, recipientGroup(group)), SEALED_KEYS_OF_BRIDGE);
    await expectCode(depositKey(globex, gwen, recipientGroup(group)), 'conflict');
    await depositKey(acme, ada, recipientGroup(group));
  });
});

describe('the keys of a recipient', () => {
  const row = (keyId: string): NewSealedKey => ({
    ...{ recipient_kind: 'group', recipient: 'a group', key_id: keyId, iss: acme.iss, sub: 'ada' },
    ...{ device_id: 'device', address: null, hash: keyId, token: keyId, encrypted: Uint8Array.of(1) },
    ...{ evidence: null, term: null, epoch: null, members: null },
  });

  it('keep the order in which they came, also within a millisecond and when the clock goes back', async () => {
    const { database } = acme.parts;
    const ids = Array.from({ length: MEMBERSHIP_BATCH + 5 }, (_, index) => `key-${index}`);
    await database.transaction(async (transaction) => {
      for (const [index, id] of ids.entries()) await insertSealedKey(transaction, row(id), 1_000 - index);
    });
    const read = (after: number) =>
      database.read((query) => listSealedKeys(query, row(''), { after, limit: MEMBERSHIP_BATCH }));
    const first = await read(0);
    const second = await read(first.at(-1)?.created ?? 0);
    expect([...first, ...second].map(({ key_id }) => key_id)).toEqual(ids);
    expect(second).toHaveLength(5);
  });

  it('with the same id are one: the second transaction loses', async () => {
    const { database } = acme.parts;
    const checked = (hash: string) => ({ claims: {} as never, row: { ...row('twice'), hash } });
    const store = (hash: string) =>
      database.transaction((transaction) => storeDeposit(transaction, checked(hash), undefined, 1));
    const outcomes = await Promise.allSettled([store('a'), store('b')]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('go when a person is erased', async () => {
    const eve = await acme.addEnrolled('mallory');
    const { iss, sub, keys } = eve.offer.statement;
    const sealed = await depositKey(acme, bob, { to: { iss, sub }, key: keys[0] });
    await acme.parts.database.transaction((transaction) => eraseFromGroups(transaction, { iss, sub }));
    const recipient = { recipient_kind: 'person', recipient: sub } as const;
    const left = await acme.parts.database.read((query) => findSealedKey(query, recipient, sealed.keyId));
    expect(left).toBeUndefined();
  });
});
