import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openShare } from '../../bridge/binding/transform-keys.ts';
import { deleteDevice } from '../../bridge/directory/devices.ts';
import { findPersonKeys, replacePersonKeys } from '../../bridge/directory/person-keys.ts';
import { restrictPerson } from '../../bridge/directory/persons.ts';
import { adminsOf, findGroup, insertGroupToken } from '../../bridge/groups/group-store.ts';
import { findMember } from '../../bridge/groups/member-store.ts';
import { openGroupShare, openMemberKey } from '../../bridge/groups/sealed-group-keys.ts';
import type { Groups } from '../../bridge/groups/services.ts';
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts';
import type { GroupKeysBody } from '../../protocol/groups/api.ts';
import { type GroupKey, signGroupKey } from '../../protocol/groups/group-key.ts';
import { groupVaultContext } from '../../protocol/groups/group-vault.ts';
import { decodeVault } from '../../protocol/vault.ts';
import { decodeTransformKey, preFromJwk, preToJwk } from '../../recrypt/encoding.ts';
import { openSealed } from '../../recrypt/sealed-box.ts';
import { expectCode } from '../binding/expect-code.ts';
import type { Interruption } from '../binding/interruption.ts';
import type { BridgeParts } from '../fakes/bridge-parts.ts';
import { contextOf, type Enrolled, holder, newDevice } from '../fakes/client-side.ts';
import {
  additions,
  groupRotation,
  groupsOf,
  type MadeGroup,
  memberOf,
  nextGroupKey,
  type RotationFaults,
  sealGroupVault,
  tookEffect,
} from '../fakes/group-side.ts';
import { gatherColleagues } from './colleagues.ts';

let parts: BridgeParts;
let groups: Groups;
let alice: Enrolled;
let bob: Enrolled;
let carol: Enrolled;
let board: MadeGroup;
/** Between what was checked, or transformed, and the transaction that looks again. */
let interruption: Interruption;

beforeEach(async () => {
  ({ parts, groups, alice, bob, carol, board, interruption } = await gatherColleagues());
});

afterEach(() => parts.remove());

const read = <T>(work: Parameters<typeof parts.database.read<T>>[0]) => parts.database.read(work);
const stored = () => read((query) => findGroup(query, board.group));
const adminOf = ({ offer: { statement } }: Enrolled) => ({ sub: statement.sub, address: statement.address });
const keyOf = ({ offer: { statement } }: Enrolled) => ({ sub: statement.sub, key: statement.keys[0] });
const send = (body: GroupKeysBody, who = alice.who) =>
  groups.keys.renew(who, board.group, body, contextOf(who));

async function renewal(changes: Partial<GroupKey> = {}, device = alice.device.sig) {
  const claims = nextGroupKey(board, changes);
  return { claims, token: await signGroupKey(device, claims) };
}

async function vaultsFor(...admins: Enrolled[]) {
  return Promise.all(
    admins.map(async (admin) => ({
      sub: admin.who.sub,
      vault: encodeBase64url(await sealGroupVault(parts.engine, board.secrets, keyOf(admin), board.claims)),
    })),
  );
}

describe('signing a group’s key anew', () => {
  it('changes label and admins, and shows the chain from the first token on', async () => {
    const { claims, token } = await renewal({ label: 'Council', admins: [adminOf(bob), adminOf(alice)] });
    const view = await send({ token });
    expect(view.tokens).toHaveLength(2);
    expect(view.tokens.at(-1)).toBe(token);
    expect(await stored()).toMatchObject({ seq: 1, label: 'Council', key_version: 0 });
    expect((await read((query) => adminsOf(query, board.group))).map(({ sub }) => sub)).toEqual(
      claims.admins.map(({ sub }) => sub),
    );
    const newest = await groups.views.view(alice.who, { ...refOf(), since_seq: 1 }, contextOf(alice.who));
    expect(newest.tokens).toEqual([token]);
  });

  it('shows the newest token also to whoever knows a later one: they see that the bridge has gone back', async () => {
    const view = await groups.views.view(alice.who, { ...refOf(), since_seq: 7 }, contextOf(alice.who));
    expect(view.tokens).toHaveLength(1);
  });

  it('brings another admin in, with the vaults of all', async () => {
    const admins = [alice, carol];
    const { token } = await renewal({ admins: admins.map(adminOf) });
    await expectCode(send({ token }), 'malformed_request');
    await send({ token, vaults: await vaultsFor(...admins) });
    await groups.keys.openVault(carol.who, board.group, contextOf(carol.who));
    await expectCode(groups.keys.openVault(bob.who, board.group, contextOf(bob.who)), 'group_unknown');
  });

  it('forgets what is not shown any more: as many tokens stay as a verifier takes', async () => {
    const first = {
      group_id: board.group,
      seq: 255,
      hash: '',
      token: 't',
      sub: alice.who.sub,
      device_id: 'd',
      stored: null,
    };
    const seqs = (table: 'group_tokens' | 'group_token_admins') =>
      read((query) => query.selectFrom(table).select('seq').where('group_id', '=', board.group).execute());
    const insert = (seq: number) =>
      parts.database.transaction((tx) => insertGroupToken(tx, { ...first, seq }, [alice.who]));
    await insert(255);
    expect(await seqs('group_tokens')).toHaveLength(2);
    await insert(256);
    for (const table of ['group_tokens', 'group_token_admins'] as const) {
      expect((await seqs(table)).map(({ seq }) => seq)).toEqual([255, 256]);
    }
  });

  it('is answered the same when the same token comes again', async () => {
    const { token } = await renewal({ label: 'Council' });
    const first = await send({ token });
    expect((await send({ token })).tokens).toEqual(first.tokens);
    const renewed = (await parts.eventsSoFar()).filter(({ type }) => type === 'group.renewed');
    expect(renewed).toMatchObject([{ data: { seq: 1, label: 'Council' } }]);
  });

  it('leaves a share alone that was sealed under a new key-encryption key meanwhile', async () => {
    const { token } = await renewal({ label: 'Council' });
    const share = new Uint8Array([1, 2, 3]);
    interruption.beforeNextTransaction(() =>
      parts.database.transaction((tx) =>
        tx.updateTable('groups').set({ share }).where('group_id', '=', board.group).execute(),
      ),
    );
    await send({ token });
    expect(await stored()).toMatchObject({ label: 'Council', share });
  });

  const others: [string, Partial<GroupKey>, string][] = [
    ['it is no next one', { seq: 2 }, 'group_key_chain'],
    ['it names another one before', { prev: 'x'.repeat(43) }, 'group_key_chain'],
    ['it has another creator', { creator: 'eve' }, 'group_key_chain'],
    ['it has another kind', { kind: 'meeting', ends: 1 }, 'group_key_chain'],
    ['it has another signer, but is no rotation', { signer: undefined as never }, 'group_key_chain'],
    ['it is a rotation, but has another version than the next', { key_version: 1 }, 'group_key_chain'],
    ['it is of a time ahead of ours', { iat: 1_900_000_000 }, 'jws_not_yet_valid'],
    ['an admin is unknown', { admins: [{ sub: 'eve', address: 'eve@acme.example' }] }, 'person_unknown'],
    ['an admin is named by another’s address', { admins: undefined as never }, 'group_proof'],
  ];

  it.each(others)('is refused where %s', async (_name, changes, code) => {
    const wrong = {
      ...changes,
      ...('signer' in changes ? { signer: carol.person.sig.publicKey } : {}),
      ...('admins' in changes && changes.admins === undefined
        ? { admins: [{ sub: alice.who.sub, address: 'bob@acme.example' }] }
        : {}),
    };
    const { token } = await renewal(wrong);
    await expect(send({ token })).rejects.toMatchObject({ code });
    expect(await stored()).toMatchObject({ seq: 0 });
  });

  it('is refused from a member, and signed by another device than the one that brings it', async () => {
    await groups.members.change(
      alice.who,
      board.group,
      await additions(parts.engine, board, [memberOf(carol)]),
      contextOf(alice.who),
    );
    const { token } = await renewal({}, carol.device.sig);
    await expectCode(send({ token }, carol.who), 'group_not_admin');
    await expectCode(send({ token }), 'jws_unknown_key');
  });

  it('happens once when two admins do it at once', async () => {
    const [byAlice, byBob] = [await renewal({ label: 'A' }), await renewal({ label: 'B' }, bob.device.sig)];
    const results = await Promise.allSettled([send(byAlice), send(byBob, bob.who)]);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await stored()).toMatchObject({ seq: 1 });
  });

  it('comes too late when another admin’s stands already: its maker is to look again', async () => {
    const [byAlice, byBob] = [await renewal({ label: 'A' }), await renewal({ label: 'B' }, bob.device.sig)];
    await send(byBob, bob.who);
    await expectCode(send(byAlice), 'conflict');
    expect(await stored()).toMatchObject({ seq: 1, label: 'B' });
  });

  it('is refused when another one came between the check and what is stored', async () => {
    const [byAlice, byBob] = [await renewal({ label: 'A' }), await renewal({ label: 'B' }, bob.device.sig)];
    interruption.beforeNextTransaction(() => send({ token: byBob.token }, bob.who));
    await expectCode(send({ token: byAlice.token }), 'conflict');
    expect(await stored()).toMatchObject({ seq: 1, label: 'B' });
  });

  it('is refused when an admin’s keys are others between the check and what is stored', async () => {
    const { token } = await renewal({ label: 'A' });
    interruption.beforeNextTransaction(() =>
      parts.database.transaction(async (tx) => {
        const keys = await findPersonKeys(tx, bob.who.sub);
        if (keys === undefined) throw new Error('Bob has no keys');
        await replacePersonKeys(tx, { ...keys, key_version: keys.key_version + 1 });
      }),
    );
    await expectCode(send({ token }), 'conflict');
    expect(await stored()).toMatchObject({ seq: 0 });
  });
});

describe('a rotation', () => {
  const rotate = (faults: RotationFaults = {}) =>
    groupRotation(parts.engine, board, [keyOf(alice), keyOf(bob)], faults);

  it('keeps G′, moves the share, and leaves every transform key of use', async () => {
    await groups.members.change(
      alice.who,
      board.group,
      await additions(parts.engine, board, [memberOf(carol)]),
      contextOf(alice.who),
    );
    const { engine, signer } = parts;
    const old = board.secrets;
    const { body, claims, secrets } = await rotate();
    await send(body);
    const group = await stored();
    expect(group).toMatchObject({ key_version: 1, seq: 1, group_key: board.key });
    const share = await openGroupShare(
      signer,
      { group: board.group, keyVersion: 1 },
      group?.share ?? new Uint8Array(),
    );
    const sum = (half: typeof old) =>
      preToJwk(engine.augmentPublicKey(half.half.publicKey, engine.computePublicKey(share)));
    expect(sum(secrets)).toEqual(board.key);
    expect(sum(old)).not.toEqual(board.key);
    expect(group?.signer).toEqual(claims.signer);

    const plaintext = engine.generatePlaintext();
    const oneTime = engine.generateSigningKeyPair().privateKey;
    const encrypted = engine.encrypt(plaintext, preFromJwk(engine, board.key), oneTime);
    const person = { iss: signer.iss, sub: carol.who.sub };
    const member = await read((query) => findMember(query, board.group, person));
    if (member === undefined) throw new Error('not stored');
    const key = decodeTransformKey(await openMemberKey(signer, member, member.transform_key));
    const transformed = engine.transform(encrypted, key, oneTime);
    const keys = await read((query) =>
      query.selectFrom('person_keys').selectAll().where('sub', '=', carol.who.sub).executeTakeFirstOrThrow(),
    );
    const half = await openShare(signer, { sub: carol.who.sub, keyVersion: 0 }, keys.share);
    const whole = engine.addPrivateKeys(carol.person.half.privateKey, half);
    expect(engine.decrypt(transformed, whole)).toEqual(plaintext);
  });

  it('gives the new halves to the admins, and the old ones to nobody', async () => {
    const { body, secrets, claims } = await rotate();
    await send(body);
    const { vault, key_version } = await groups.keys.openVault(bob.who, board.group, contextOf(bob.who));
    expect(key_version).toBe(1);
    const opened = await openVault(bob, vault, claims);
    expect(opened.pre).toBe(encodeBase64url(secrets.half.privateKey));
  });

  it('makes an end of the old signer: what it signs is taken no more', async () => {
    const { body, claims } = await rotate();
    await send(body);
    const old = board.secrets;
    tookEffect(board, claims, body.token, old);
    const added = await additions(parts.engine, board, [memberOf(carol)]);
    await expectCode(
      groups.members.change(alice.who, board.group, added, contextOf(alice.who)),
      'transform_key_mismatch',
    );
  });

  it('lets in with the new halves alone: a transform key by the old one leads nowhere', async () => {
    const { body, claims, secrets } = await rotate();
    await send(body);
    tookEffect(board, claims, body.token, { half: board.secrets.half, signer: secrets.signer });
    await groups.members.change(
      alice.who,
      board.group,
      await additions(parts.engine, board, [memberOf(carol)]),
      contextOf(alice.who),
    );
    const { engine, signer } = parts;
    const member = await read((query) =>
      findMember(query, board.group, { iss: signer.iss, sub: carol.who.sub }),
    );
    if (member === undefined) throw new Error('not stored');
    const key = decodeTransformKey(await openMemberKey(signer, member, member.transform_key));
    const oneTime = engine.generateSigningKeyPair().privateKey;
    const plaintext = engine.generatePlaintext();
    const encrypted = engine.encrypt(plaintext, preFromJwk(engine, board.key), oneTime);
    const keys = await read((query) =>
      query.selectFrom('person_keys').selectAll().where('sub', '=', carol.who.sub).executeTakeFirstOrThrow(),
    );
    const half = await openShare(signer, { sub: carol.who.sub, keyVersion: 0 }, keys.share);
    const whole = engine.addPrivateKeys(carol.person.half.privateKey, half);
    expect(() => engine.decrypt(engine.transform(encrypted, key, oneTime), whole)).toThrow();
  });

  it('is reported with the admins who have the new halves', async () => {
    await send((await rotate()).body);
    const event = (await parts.eventsSoFar()).find(({ type }) => type === 'group.rotated');
    expect(event?.data).toEqual({ seq: 1, key_version: 1, admins: [alice.who.sub, bob.who.sub] });
  });

  it('is refused with a factor that does not lead to the same G′, or a half that does not', async () => {
    const { engine } = parts;
    const other = engine.generateKeyPair();
    await expectCode(send((await rotate({ factor: other.privateKey })).body), 'group_proof');
    await expectCode(send((await rotate({ clientHalf: preToJwk(other.publicKey) })).body), 'group_proof');
    expect(await stored()).toMatchObject({ seq: 0, key_version: 0 });
  });

  it('is refused without a proof by the new half, or with one for other vaults or another token', async () => {
    await expectCode(
      send((await rotate({ halfSigner: parts.engine.generateKeyPair() })).body),
      'group_proof',
    );
    const [one, other] = [(await rotate()).body, (await rotate()).body];
    await expectCode(send({ ...one, ...pick(other, 'vaults') }), 'group_proof');
    await expectCode(send({ ...one, ...pick(other, 'token') }), 'group_proof');
  });

  it('is refused where only some of its parts are there', async () => {
    const { body, claims } = await rotate();
    const { factor: _f, client_half: _c, half_proof: _p, ...unproven } = body;
    await expectCode(send(unproven), 'group_proof');
    const { token } = await renewal();
    await expectCode(send({ ...body, token }), 'group_proof');
    expect(claims.key_version).toBe(1);
  });

  it('is refused with the signer that was, or a key that is none', async () => {
    const same = await rotate({ claims: { signer: board.secrets.signer.publicKey } });
    await expectCode(send(same.body), 'group_key_chain');
    const none = await rotate({ claims: { signer: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) } } });
    await expectCode(send(none.body), 'key_invalid');
  });

  it('stores nothing when the bridge goes down before its transaction ended, and can be sent again', async () => {
    const { body } = await rotate();
    const events = { ...parts.events, append: () => Promise.reject(new Error('the power failed')) };
    const failing = groupsOf(parts, { events });
    await expect(failing.keys.renew(alice.who, board.group, body, contextOf(alice.who))).rejects.toThrow(
      'the power failed',
    );
    expect(await stored()).toMatchObject({ seq: 0, key_version: 0 });
    expect((await send(body)).tokens).toHaveLength(2);
  });
});

describe('an admin’s vault of a group', () => {
  const open = (who = alice.who) => groups.keys.openVault(who, board.group, contextOf(who));
  const opened = async () =>
    (await parts.eventsSoFar()).filter(({ type }) => type === 'group.vault_opened').length;

  it('opens on each admin’s device, with what the creator had sealed, and is reported', async () => {
    for (const admin of [alice, bob]) {
      const { vault } = await open(admin.who);
      const content = await openVault(admin, vault, board.claims);
      expect(content.pre).toBe(encodeBase64url(board.secrets.half.privateKey));
      expect(content.sig.x).toBe(board.secrets.signer.publicKey.x);
    }
    expect(await opened()).toBe(2);
  });

  it('does not open on another device, or as another group’s, version’s or admin’s', async () => {
    const { vault } = await open();
    await expectCode(openVault(bob, vault, board.claims, alice), 'recrypt_decrypt_failed');
    await expectCode(openVault(alice, vault, { ...board.claims, key_version: 1 }), 'recrypt_decrypt_failed');
    await expectCode(openVault(alice, vault, board.claims, bob), 'recrypt_decrypt_failed');
    const other = { ...board.claims, group: alice.who.deviceId };
    await expectCode(openVault(alice, vault, other), 'recrypt_decrypt_failed');
  });

  it('is refused to members, strangers and devices that are not endorsed', async () => {
    await expectCode(open(carol.who), 'group_unknown');
    await groups.members.change(
      alice.who,
      board.group,
      await additions(parts.engine, board, [memberOf(carol)]),
      contextOf(alice.who),
    );
    await expectCode(open(carol.who), 'group_not_admin');
    const device = await newDevice(parts.engine);
    await expectCode(open(holder(alice.who.sub, device, { endorsed: true })), 'device_not_endorsed');
    await expectCode(open({ ...alice.who, endorsed: false }), 'forbidden');
  });

  const restrictions: [string, () => Promise<unknown>, string][] = [
    [
      'the device is removed',
      () => parts.database.transaction((tx) => deleteDevice(tx, alice.who.deviceId)),
      'device_not_endorsed',
    ],
    [
      'the person is closed',
      () => parts.database.transaction((tx) => restrictPerson(tx, alice.who.sub, 'closed')),
      'person_closed',
    ],
    [
      'the person is restricted, though nothing else shows it',
      () => parts.database.transaction((tx) => restrictPerson(tx, alice.who.sub, 'active')),
      'conflict',
    ],
    [
      'the device’s generation is raised',
      () => parts.database.transaction((tx) => tx.updateTable('devices').set({ generation: 1 }).execute()),
      'conflict',
    ],
    [
      'the group’s generation is raised',
      () => parts.database.transaction((tx) => tx.updateTable('groups').set({ generation: 1 }).execute()),
      'conflict',
    ],
    [
      'another admin takes them out',
      async () => {
        const { token } = await renewal({ admins: [adminOf(bob)] }, bob.device.sig);
        await send({ token }, bob.who);
      },
      'group_unknown',
    ],
    [
      'their vault is deleted by a reset',
      () => parts.database.transaction((tx) => tx.updateTable('group_admins').set({ vault: null }).execute()),
      'conflict',
    ],
  ];

  it.each(restrictions)('is discarded in flight when %s', async (_name, restrict, code) => {
    interruption.beforeNextTransaction(restrict);
    await expect(open()).rejects.toMatchObject({ code });
    expect(await opened()).toBe(0);
  });

  it('is not to be had once it was deleted by a reset', async () => {
    await parts.database.transaction((tx) => tx.updateTable('group_admins').set({ vault: null }).execute());
    await expectCode(open(), 'group_vault_missing');
  });
});

const refOf = () => ({ iss: board.claims.iss, group: board.group });

async function openVault(
  admin: Enrolled,
  vault: string,
  claims: { iss: string; group: string; key_version: number },
  sealedTo = admin,
) {
  const { iss, group, key_version } = claims;
  const context = groupVaultContext({ iss, group, key_version, sub: sealedTo.who.sub });
  const bytes = decodeBase64url(vault);
  return decodeVault(await openSealed(parts.engine, admin.device.pre.privateKey, bytes, context, 1));
}

function pick<Name extends keyof GroupKeysBody>(body: GroupKeysBody, name: Name): Pick<GroupKeysBody, Name> {
  return { [name]: body[name] } as Pick<GroupKeysBody, Name>;
}
