import { verifyExclusion } from '../../../protocol/groups/exclusion.ts';
import { verifyGroupKey } from '../../../protocol/groups/group-key.ts';
import { type Membership, verifyMembership } from '../../../protocol/groups/membership.ts';
import { verifySealedKey } from '../../../protocol/groups/sealed-key.ts';
import { testDigest } from '../company.ts';
import type { GroupFixture } from '../groups/group-fixture.ts';
import type { SignedObject } from './signed-object.ts';

type Added = Extract<Membership, { act: 'add' }>;

/** What Alice’s laptop signs about Acme’s group. */
export function groupObjects(f: GroupFixture): SignedObject[] {
  const { alice } = f;
  const by = alice.key;
  const authority = f.first();
  const member = { iss: 'https://bridge.globex.example', group: testDigest('sales'), key_version: 1 };
  const { act: _act, transform_key: _key, ...unchanged } = f.membership() as Added;
  const membership = {
    type: 'group-membership+jwt' as const,
    by,
    verify: (token: string) => verifyMembership(token, alice, authority),
  };
  const sealedFor = { to: { iss: f.acme.iss, group: f.group }, key_id: 'key-1' };
  return [
    {
      ...{ type: 'group-key+jwt', by, claims: authority },
      verify: (token) => verifyGroupKey(token, alice),
    },
    { ...membership, form: 'of a person', claims: f.membership() },
    {
      ...membership,
      form: 'of a group',
      claims: f.membership({ member, seq: 1, prev: testDigest('head') }),
    },
    { ...membership, form: 'ended', claims: { act: 'remove', ...unchanged } },
    {
      ...{ type: 'group-exclusion+jwt', by, claims: f.exclusion() },
      verify: (token) => verifyExclusion(token, alice, authority),
    },
    {
      ...{ type: 'sealed-key+jwt', by, claims: f.sealedKey() },
      verify: (token) => verifySealedKey(token, alice, sealedFor),
    },
  ];
}
