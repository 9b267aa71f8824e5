import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VerifiedGroup } from '../../client/index.ts';
import { expectCode } from '../binding/expect-code.ts';
import { type GroupsStage, startGroupsStage } from './groups-stage.ts';

let stage: GroupsStage;
/** A durable group of Globex: Gwen’s, Hal is an admin too. */
let group: VerifiedGroup;

const soon = () => Math.floor(Date.now() / 1000) + 3600;

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

beforeAll(async () => {
  stage = await startGroupsStage();
  const { gwen, hal } = stage;
  group = await gwen.client.groups.create({ kind: 'durable', label: 'Minutes', admins: [hal.address] });
  await hal.client.groups.view({ ...group, expected: gwen.address });
}, 120_000);
afterAll(() => stage.close());

describe('a group', () => {
  it('is made with a key that neither the device nor the bridge has alone, for these admins', () => {
    expect(group).toMatchObject({
      ...{ iss: stage.globex.issuer, kind: 'durable', label: 'Minutes', ends: null, keyVersion: 0 },
      ...{ firstSeen: true, status: 'active', members: 2, excluded: [] },
      admins: [{ address: stage.gwen.address }, { address: stage.hal.address }],
    });
  });

  it('is viewed at first contact by the admin whom somebody expects, and then by its pin', async () => {
    const client = stage.hal.withoutPins();
    const { iss, group: id } = group;
    await expectCode(client.groups.view({ iss, group: id }), 'group_untrusted');
    const first = await client.groups.view({ iss, group: id, expected: stage.gwen.address });
    expect(first).toEqual(group);
    expect(await client.groups.view({ iss, group: id })).toEqual({ ...group, firstSeen: false });
  });

  it('is not taken for one of an admin who is none', async () => {
    const { iss, group: id } = group;
    const ref = { iss, group: id, expected: stage.ada.address };
    await expectCode(stage.hal.withoutPins().groups.view(ref), 'group_untrusted');
    await expectCode(stage.gwen.client.groups.view(ref), 'group_untrusted');
  });

  it('is told to nobody who takes no part', async () => {
    const ref = { ...group, expected: stage.gwen.address };
    await expectCode(stage.ada.client.groups.view(ref), 'group_unknown');
  });

  it('takes people of both companies, and says who is in by whose word', async () => {
    const { gwen, hal, ada } = stage;
    const addition = await gwen.client.groups.add(group, {
      people: [ada.address, 'nobody@globex.example'],
    });
    expect(addition).toEqual({
      added: 1,
      notAdded: [{ status: 'not_found', address: 'nobody@globex.example', source: 'own' }],
    });
    const members = await all(hal.client.groups.members(group));
    expect(members).toMatchObject([
      { iss: stage.globex.issuer, by: gwen.address, keyVersion: 0 },
      { iss: stage.globex.issuer, by: gwen.address, keyVersion: 0 },
      { iss: stage.acme.issuer, by: gwen.address, keyVersion: 0 },
    ]);
    expect((await ada.client.groups.view({ ...group, expected: gwen.address })).members).toBe(3);
    expect(await hal.client.groups.list()).toMatchObject([{ group: group.group, role: 'admin' }]);
  });

  it('is changed by admins alone', async () => {
    const { ada, hal } = stage;
    const people = { people: [hal.address] };
    await expectCode(ada.client.groups.add(group, people), 'group_not_admin');
    await expectCode(ada.client.groups.remove(group, people), 'group_not_admin');
    await expectCode(ada.client.groups.rotate(group), 'group_not_admin');
    await expectCode(ada.client.groups.renew(group), 'group_not_admin');
    await expectCode(ada.client.groups.exclude(group, hal.address), 'group_not_admin');
  });

  it('takes the changes of two admins at the same time, one after the other', async () => {
    const { gwen, hal, ada } = stage;
    const ref = await gwen.client.groups.create({ kind: 'durable', label: 'Busy', admins: [hal.address] });
    const theirs = { ...ref, expected: gwen.address };
    await Promise.all([
      gwen.client.groups.add(ref, { people: [ada.address] }),
      hal.client.groups.add(theirs, { people: [hal.address] }),
      gwen.client.groups.add(ref, { people: [gwen.address] }),
    ]);
    expect((await gwen.client.groups.view(ref)).members).toBe(3);
  });
});

describe('an answer that is lost on the way', () => {
  it('is asked for again, and nothing is done twice', async () => {
    const { gwen, hal, ada } = stage;
    const losing = async <Result>(path: string, act: () => Promise<Result>): Promise<Result> => {
      gwen.lies.set(path, () => {
        gwen.lies.clear();
        throw new Error('the connection broke off');
      });
      return act();
    };
    const { groups } = gwen.client;
    const ref = await losing('POST /v1/groups/offers', () =>
      groups.create({ kind: 'durable', label: 'Unsteady', admins: [hal.address] }),
    );
    const path = `POST /v1/groups/${ref.group}`;
    await losing(`${path}/members`, () => groups.add(ref, { people: [ada.address] }));
    expect((await losing(`${path}/keys`, () => groups.rotate(ref))).keyVersion).toBe(1);
    expect(
      (await losing(`${path}/exclusions`, () => groups.exclude(ref, ada.address))).excluded,
    ).toHaveLength(1);
    const sealed = await losing('POST /v1/sealed-keys', () => groups.sealKey(ref));
    const opened = await hal.client.groups.openKey({ ...ref, expected: gwen.address }, sealed.keyId);
    expect(opened.key).toEqual(sealed.key);
    expect(await groups.view(ref)).toMatchObject({ members: 3, keyVersion: 1 });
  });
});

describe('a group that is rotated by one admin', () => {
  it('takes whom another one adds at that moment', async () => {
    const { gwen, hal, ada } = stage;
    const ref = await gwen.client.groups.create({ kind: 'durable', label: 'Turning', admins: [hal.address] });
    gwen.lies.set(`GET /v1/groups/${ref.group}/vault`, async ({ body }) => {
      gwen.lies.clear();
      await hal.client.groups.rotate({ ...ref, expected: gwen.address });
      return body;
    });
    expect((await gwen.client.groups.add(ref, { people: [ada.address] })).added).toBe(1);
    const sealed = await hal.client.groups.sealKey(ref);
    const opened = await ada.client.groups.openKey({ ...ref, expected: gwen.address }, sealed.keyId);
    expect(opened.key).toEqual(sealed.key);
  });
});

describe('a key that is sealed to a group', () => {
  it('opens for every member through their own bridge, and names who sealed it', async () => {
    const { gwen, hal, ada } = stage;
    const sealed = await gwen.client.groups.sealKey(group);
    for (const { client } of [ada, hal]) {
      const opened = await client.groups.openKey(group, sealed.keyId);
      expect(opened.key).toEqual(sealed.key);
      expect(opened.sealer).toMatchObject({ address: gwen.address, role: 'admin', current: true });
    }
  });

  it('may be sealed by a member, here and elsewhere', async () => {
    const { gwen, hal, ada } = stage;
    const sealed = await ada.client.groups.sealKey(group);
    const opened = await hal.client.groups.openKey(group, sealed.keyId);
    expect(opened.key).toEqual(sealed.key);
    expect(opened.sealer).toMatchObject({ address: ada.address, role: 'member' });
    expect((await ada.client.groups.openKey(group, sealed.keyId)).sealer.role).toBe('self');
    const expecting = { sealer: gwen.address };
    await expectCode(hal.client.groups.openKey(group, sealed.keyId, expecting), 'sealed_key_sealer');
  });

  it('opens for whoever is in by a durable group, until they are excluded', async () => {
    const { gwen, hal, ada } = stage;
    const meeting = await gwen.client.groups.create({ kind: 'meeting', label: 'Review', ends: soon() });
    expect(await gwen.client.groups.add(meeting, { groups: [group] })).toEqual({ added: 1, notAdded: [] });
    const sealed = await gwen.client.groups.sealKey(meeting);
    const theirs = { ...meeting, expected: gwen.address };
    for (const { client } of [ada, hal]) {
      const opened = await client.groups.openKey(theirs, sealed.keyId);
      expect(opened.key).toEqual(sealed.key);
    }
    const shut = await gwen.client.groups.exclude(meeting, ada.address);
    expect(shut.excluded).toMatchObject([{ iss: stage.acme.issuer }]);
    await expectCode(ada.client.groups.openKey(theirs, sealed.keyId), 'group_excluded');
    expect((await hal.client.groups.openKey(theirs, sealed.keyId)).key).toEqual(sealed.key);
    expect((await gwen.client.groups.readmit(meeting, ada.address)).excluded).toEqual([]);
    expect((await ada.client.groups.openKey(theirs, sealed.keyId)).key).toEqual(sealed.key);
    expect((await gwen.client.groups.remove(meeting, { groups: [group] })).receipts).toHaveLength(1);
    await expectCode(hal.client.groups.openKey(theirs, sealed.keyId), 'group_unknown');
    await gwen.client.groups.add(meeting, { people: [hal.address] });
    await gwen.client.groups.end(meeting);
    await expectCode(hal.client.groups.openKey(theirs, sealed.keyId), 'group_ended');
  });

  it('opens no more for whoever was removed', async () => {
    const { gwen, ada } = stage;
    const sealed = await gwen.client.groups.sealKey(group);
    const { receipts } = await gwen.client.groups.remove(group, { people: [ada.address] });
    expect(receipts).toHaveLength(1);
    await expectCode(ada.client.groups.openKey(group, sealed.keyId), 'group_unknown');
    await gwen.client.groups.add(group, { people: [ada.address] });
    expect((await ada.client.groups.openKey(group, sealed.keyId)).key).toEqual(sealed.key);
  });

  it('opens as before when the group’s private halves were rotated', async () => {
    const { gwen, hal, ada } = stage;
    const sealed = await gwen.client.groups.sealKey(group);
    const rotated = await hal.client.groups.rotate(group);
    expect(rotated).toMatchObject({ keyVersion: 1, key: group.key, group: group.group });
    expect((await ada.client.groups.openKey(group, sealed.keyId)).key).toEqual(sealed.key);
    const after = await gwen.client.groups.sealKey(group);
    expect((await ada.client.groups.openKey(group, after.keyId)).key).toEqual(after.key);
    await gwen.client.groups.remove(group, { people: [hal.address] });
    expect((await gwen.client.groups.add(group, { people: [hal.address] })).added).toBe(1);
  });
});

describe('what was sealed long ago', () => {
  it('opens when its sealer has other keys by now, and says that they were theirs then', async () => {
    const { gwen, hal, ada } = stage;
    const sealed = await ada.client.groups.sealKey(group);
    const open = () => gwen.client.groups.openKey(group, sealed.keyId);
    expect((await open()).sealer).toMatchObject({ address: ada.address, current: true });
    await ada.client.rotateKeys({ confirmDevices: (devices) => devices.map(({ device_id }) => device_id) });
    await gwen.client.lookUp([ada.address], { maxAge: 0 });
    const opened = await open();
    expect(opened.key).toEqual(sealed.key);
    expect(opened.sealer).toMatchObject({ address: ada.address, current: false });
    await ada.client.groups.sealKey(group);
    await expectCode(
      hal.client.groups.openKey(group, sealed.keyId, { sealer: gwen.address }),
      'sealed_key_sealer',
    );
  });
});

describe('the key of a group', () => {
  it('is signed anew with another label, which changes no private half', async () => {
    const { gwen } = stage;
    const before = await gwen.client.groups.view(group);
    const renewed = await gwen.client.groups.renew(group, { label: 'Minutes and more' });
    expect(renewed).toEqual({ ...before, label: 'Minutes and more' });
  });

  it('gets new private halves when an admin goes', async () => {
    const { gwen, hal } = stage;
    const ref = await gwen.client.groups.create({ kind: 'durable', label: 'Few', admins: [hal.address] });
    await hal.client.groups.view({ ...ref, expected: gwen.address });
    const alone = await gwen.client.groups.renew(ref, { admins: [] });
    expect(alone).toMatchObject({ keyVersion: 1, admins: [{ address: gwen.address }] });
    await expectCode(hal.client.groups.rotate(ref), 'group_not_admin');
    const both = await gwen.client.groups.renew(ref, { admins: [hal.address] });
    expect(both.keyVersion).toBe(2);
    expect((await hal.client.groups.rotate(ref)).keyVersion).toBe(3);
  });
});

describe('a key that is sealed to a person', () => {
  it('opens for that person, through any device of theirs', async () => {
    const { gwen, ada } = stage;
    const sealed = await gwen.client.groups.sealKey(ada.address);
    const opened = await ada.client.groups.openKey(ada.address, sealed.keyId);
    expect(opened.key).toEqual(sealed.key);
    expect(opened.sealer).toMatchObject({ address: gwen.address, role: 'person' });
    await expectCode(gwen.client.groups.openKey(ada.address, sealed.keyId), 'sealed_key_mismatch');
  });
});
