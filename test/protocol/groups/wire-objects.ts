import { requestEnvelopeOf, responseEnvelopeOf } from '../../../protocol/bridge-request.ts';
import { signExclusion } from '../../../protocol/groups/exclusion.ts';
import {
  groupViewRequestSchema,
  groupViewResponseSchema,
  keyOpeningRequestSchema,
  keyOpeningResponseSchema,
  sealedKeyDepositSchema,
  sealedKeyReceiptClaimsSchema,
} from '../../../protocol/groups/federation.ts';
import { signGroupKey } from '../../../protocol/groups/group-key.ts';
import { type Membership, signMembership } from '../../../protocol/groups/membership.ts';
import { signSealedKey } from '../../../protocol/groups/sealed-key.ts';
import { sha256Base64url } from '../../../protocol/hash.ts';
import { makeCompany, NOW, testDigest } from '../company.ts';
import type { GroupFixture } from './group-fixture.ts';

type Added = Extract<Membership, { act: 'add' }>;

/** One of each object that a device signs about a group, from fixed keys: the same bytes every time. */
export async function deviceObjects(f: GroupFixture) {
  const { key } = f.alice;
  const member = { iss: 'https://bridge.globex.example', group: testDigest('sales'), key_version: 1 };
  const { act: _act, transform_key: _key, ...unchanged } = f.membership() as Added;
  return {
    GROUP_KEY: await signGroupKey(key, f.first()),
    MEMBERSHIP_OF_PERSON: await signMembership(key, f.membership()),
    MEMBERSHIP_OF_GROUP: await signMembership(
      key,
      f.membership({ member, seq: 1, prev: testDigest('head') }),
    ),
    MEMBERSHIP_ENDED: await signMembership(key, { act: 'remove', ...unchanged }),
    EXCLUSION: await signExclusion(key, f.exclusion()),
    SEALED_KEY: await signSealedKey(key, f.sealedKey()),
  };
}

/** The claims of one of each object between bridges, with its type and schema: Globex asks Acme. */
export async function bridgeObjects(f: GroupFixture) {
  const globex = await makeCompany('globex', 'carol');
  const { iss } = f.acme;
  const request = requestEnvelopeOf({ iss: globex.iss, aud: iss, jti: 'request-1' }, NOW);
  const answer = responseEnvelopeOf(request, testDigest('request'), NOW);
  const tokens = await deviceObjects(f);
  const signer = await f.evidence();
  const onBehalf = { group: f.group, sub: 'sub-carol', via: [testDigest('sales')] };
  const to = { iss, group: f.group };
  const encrypted = 'ZW5jcnlwdGVk';
  const token = tokens.SEALED_KEY;
  const exclusion = tokens.EXCLUSION;
  const view = {
    ...to,
    tokens: [tokens.GROUP_KEY],
    members_head: sha256Base64url(tokens.MEMBERSHIP_OF_PERSON),
    members_seq: 1,
    members: 1,
    exclusions: [exclusion],
    signers: [signer],
    status: 'active',
  };
  const target = { iss: globex.iss, sub: 'sub-carol', key_version: 2 };
  return [
    [
      'key-opening-request+jwt',
      keyOpeningRequestSchema,
      globex,
      { ...request, ...onBehalf, key_id: 'key-1', key_since: 2 },
    ],
    [
      'key-opening-response+jwt',
      keyOpeningResponseSchema,
      f.acme,
      {
        ...answer,
        group: f.group,
        key_id: 'key-1',
        target,
        hops: 1,
        encrypted,
        token,
        signer,
        exclusions: [exclusion],
      },
    ],
    ['group-view-request+jwt', groupViewRequestSchema, globex, { ...request, ...onBehalf, since_seq: 0 }],
    ['group-view-response+jwt', groupViewResponseSchema, f.acme, { ...answer, view }],
    [
      'sealed-key-deposit+jwt',
      sealedKeyDepositSchema,
      globex,
      { ...request, to, via: [], token, encrypted, signer },
    ],
    ['sealed-key-receipt+jwt', sealedKeyReceiptClaimsSchema, f.acme, { ...answer, to, key_id: 'key-1' }],
  ] as const;
}
