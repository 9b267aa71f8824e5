import { beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../../protocol/canonical-json.ts';
import { verifyExclusion } from '../../../protocol/groups/exclusion.ts';
import { verifyGroupKeyChain } from '../../../protocol/groups/group-key-chain.ts';
import { verifyMembership } from '../../../protocol/groups/membership.ts';
import { verifySealedKey } from '../../../protocol/groups/sealed-key.ts';
import { verifySignerEvidence } from '../../../protocol/groups/signer-evidence.ts';
import { sha256Base64url } from '../../../protocol/hash.ts';
import { type GroupFixture, makeGroup } from './group-fixture.ts';
import * as pinned from './pinned-groups.ts';
import { bridgeObjects, deviceObjects } from './wire-objects.ts';

let f: GroupFixture;

beforeAll(async () => {
  f = await makeGroup();
});

describe('the objects of groups, version 1', () => {
  it('come out of the fixed keys byte by byte', async () => {
    const { BRIDGE_OBJECTS: _, ...tokens } = pinned;
    expect(await deviceObjects(f)).toEqual({ ...tokens });
  });

  it('verify from the pinned bytes, from first contact to the sealed key', async () => {
    const signer = await verifySignerEvidence(await f.evidence(), f.acme.context());
    const { claims } = await verifyGroupKeyChain(
      [pinned.GROUP_KEY],
      { iss: f.acme.iss, group: f.group },
      { expected: 'alice@acme.example' },
      async () => signer,
    );
    expect(claims).toEqual(f.first());
    expect(await verifyMembership(pinned.MEMBERSHIP_OF_PERSON, signer, claims)).toEqual(f.membership());
    for (const token of [pinned.MEMBERSHIP_OF_GROUP, pinned.MEMBERSHIP_ENDED]) {
      expect((await verifyMembership(token, signer, claims)).group).toBe(f.group);
    }
    expect(await verifyExclusion(pinned.EXCLUSION, signer, claims)).toEqual(f.exclusion());
    const asked = { to: { iss: f.acme.iss, group: f.group }, key_id: 'key-1' };
    expect(await verifySealedKey(pinned.SEALED_KEY, signer, asked)).toEqual(f.sealedKey());
  });

  it('between bridges come out of the fixed keys byte by byte, and have exactly their members', async () => {
    for (const [type, schema, company, claims] of await bridgeObjects(f)) {
      const token = await company.signs('federation', type, claims as Json);
      expect([type, sha256Base64url(token)]).toEqual([type, pinned.BRIDGE_OBJECTS[type]]);
      expect(schema.parse(claims)).toEqual(claims);
      expect(schema.safeParse({ ...claims, more: 1 }).success).toBe(false);
      for (const name of Object.keys(claims).filter((member) => member !== 'since_seq')) {
        const { [name as keyof typeof claims]: _, ...rest } = claims;
        expect([type, name, schema.safeParse(rest).success]).toEqual([type, name, false]);
      }
    }
  });
});
