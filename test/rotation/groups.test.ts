import { afterEach, beforeEach, expect, it } from 'vitest';
import { SEALED_COLUMNS } from '../../bridge/cli/sealed-columns.ts';
import { createDueRotations } from '../../bridge/groups/due-rotations.ts';
import { findGroup } from '../../bridge/groups/group-store.ts';
import { findMember } from '../../bridge/groups/member-store.ts';
import { openGroupShare, openMemberKey } from '../../bridge/groups/sealed-group-keys.ts';
import { reencrypt } from '../../bridge/lifecycle/reencryption.ts';
import { KeyRing } from '../../bridge/signer/key-ring.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { contextOf, type Enrolled, enrol } from '../fakes/client-side.ts';
import {
  additions,
  groupRotation,
  groupsOf,
  type MadeGroup,
  makeGroup,
  memberOf,
} from '../fakes/group-side.ts';
import { withLifetimes } from '../fakes/test-lifetimes.ts';
import { testPolicy } from '../fakes/test-policy.ts';

const DAY = 86_400;

let parts: BridgeParts;
let alice: Enrolled;
let bob: Enrolled;
let board: MadeGroup;

beforeEach(async () => {
  parts = await bridgeParts();
  const join = async (name: string) =>
    enrol(parts, await parts.addPerson({ addresses: [`${name}@acme.example`] }));
  [alice, bob] = [await join('alice'), await join('bob')];
  board = await makeGroup({ parts, groups: groupsOf(parts) }, alice, { admins: [alice.who.sub] });
});

afterEach(() => parts.remove());

it('a durable group is due for its admins once its keys are as old as policy lets them be', async () => {
  const lifetimes = (groupKeys: number) => ({
    policy: testPolicy({ change: withLifetimes({ group_keys: groupKeys }) }),
  });
  const groups = groupsOf(parts, lifetimes(DAY));
  const due = async (of = groups) => (await of.views.list(alice.who)).groups[0];
  expect(await due()).not.toHaveProperty('rotation_due');
  parts.clock.advance(DAY + 60);
  const late = Math.floor(parts.clock.now() / 1000);
  const shown = await due();
  expect(shown).toMatchObject({ rotation_due: 'scheduled', rotation_due_version: 0 });
  const since = shown?.rotation_due_since ?? 0;
  expect(late - since).toBeGreaterThanOrEqual(60);
  expect(late - since).toBeLessThan(120);
  expect(await due(groupsOf(parts, lifetimes(0)))).not.toHaveProperty('rotation_due');
  const told = await createDueRotations({ ...parts, ...lifetimes(DAY) }).list(undefined);
  expect(told).toMatchObject({
    ...{ life: DAY, next: null },
    groups: [{ group: board.group, due: since, admins: ['alice@acme.example'] }],
  });
  const iat = Math.floor(parts.clock.now() / 1000);
  const { who, offer } = alice;
  const admin = { sub: who.sub, key: offer.statement.keys[0] };
  const { body } = await groupRotation(parts.engine, board, [admin], { claims: { iat } });
  await groups.keys.renew(who, board.group, body, contextOf(who));
  expect(await due()).not.toHaveProperty('rotation_due');
  expect((await createDueRotations({ ...parts, ...lifetimes(DAY) }).list(undefined)).groups).toEqual([]);
});

it('a new key-encryption key opens the shares and transform keys of groups', async () => {
  const groups = groupsOf(parts);
  const added = await additions(parts.engine, board, [memberOf(bob)]);
  await groups.members.change(alice.who, board.group, added, contextOf(alice.who));
  const key = crypto.getRandomValues(new Uint8Array(32));
  const ring = new KeyRing({ keyEncryptionKey: key, previousKeyEncryptionKey: parts.keyEncryptionKey });
  await reencrypt({ ...parts, ring, columns: SEALED_COLUMNS, settle: async () => undefined });
  const signer = await openLocalSigner({ ...parts, iss: parts.issuer.entity_id, keyEncryptionKey: key });
  const { group, member } = await parts.database.read(async (query) => ({
    group: await findGroup(query, board.group),
    member: await findMember(query, board.group, { iss: parts.issuer.entity_id, sub: bob.who.sub }),
  }));
  if (group?.share == null || member === undefined) throw new Error('the group is not as it was made');
  await openGroupShare(signer, { group: board.group, keyVersion: group.key_version }, group.share);
  await openMemberKey(signer, member, member.transform_key);
});
