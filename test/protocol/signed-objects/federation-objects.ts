import {
  groupMembershipsRequestSchema,
  groupMembershipsResponseSchema,
  groupViewRequestSchema,
  groupViewResponseSchema,
  keyOpeningRequestSchema,
  keyOpeningResponseSchema,
  sealedKeyDepositSchema,
  sealedKeyReceiptClaimsSchema,
} from '../../../protocol/groups/federation.ts';
import { sha256Base64url } from '../../../protocol/hash.ts';
import {
  lookUpRequestSchema,
  lookUpResponseSchema,
  verifyLookUpResponse,
} from '../../../protocol/look-up.ts';
import { verifyPartnerSignal } from '../../../protocol/partner-signal.ts';
import { type Company, NOW, testDigest } from '../company.ts';
import type { GroupFixture } from '../groups/group-fixture.ts';
import { type Exchange, exchangeBetween } from './between-bridges.ts';
import { groupObjects } from './group-objects.ts';
import { nameOf, type SignedObject, sign } from './signed-object.ts';

/** What Globex’s bridge asks Acme’s, and what it is answered; and what it tells it unasked. */
export async function federationObjects(f: GroupFixture, globex: Company): Promise<SignedObject[]> {
  const exchange = await exchangeBetween(globex, f.acme);
  return [
    ...(await lookUpObjects(f.acme, exchange)),
    ...(await aboutGroups(f, globex, exchange)),
    await signal(globex, f.acme),
  ];
}

async function lookUpObjects(acme: Company, { request, response }: Exchange): Promise<SignedObject[]> {
  const addresses = [acme.person.address, 'nobody@acme.example'];
  const [found = '', unknown] = addresses;
  const said = { source: 'own', iss: acme.iss, as_of: NOW };
  const results = [
    { status: 'credential', address: found, ...said, credential: await acme.credential() },
    { status: 'not_found', address: unknown, ...said },
  ];
  const type = 'key-lookup-response+jwt';
  const answer = response(type, lookUpResponseSchema, { results, records: [] }, { optional: ['records'] });
  const onlineKeys = await acme.onlineKeys();
  const { aud, jti, request_hash: requestHash } = answer.claims as Readonly<Record<string, string>>;
  if (aud === undefined || jti === undefined || requestHash === undefined) throw new Error('unreachable');
  return [
    request('key-lookup-request+jwt', lookUpRequestSchema, { addresses, max_age: 0 }),
    {
      ...answer,
      verify: (token) => verifyLookUpResponse(token, onlineKeys, { aud, jti, requestHash, addresses }, NOW),
    },
  ];
}

async function aboutGroups(
  f: GroupFixture,
  globex: Company,
  { request, response }: Exchange,
): Promise<SignedObject[]> {
  const tokens = new Map<string, string>();
  for (const object of groupObjects(f)) tokens.set(nameOf(object), await sign(object));
  const signed = (name: string) => tokens.get(name) ?? '';
  const signer = await f.evidence();
  const onBehalf = { group: f.group, sub: 'sub-carol', via: [testDigest('sales')] };
  const to = { iss: f.acme.iss, group: f.group };
  const token = signed('sealed-key+jwt');
  const encrypted = 'ZW5jcnlwdGVk';
  const exclusions = [signed('group-exclusion+jwt')];
  const joined = signed('group-membership+jwt, of a person');
  const person = { iss: globex.iss, sub: 'sub-carol' };
  const opening = { group: f.group, key_id: 'key-1', target: { ...person, key_version: 2 }, hops: 1 };
  const view = {
    ...{ ...to, tokens: [signed('group-key+jwt')], members_head: sha256Base64url(joined), members_seq: 1 },
    ...{ members: 1, exclusions, signers: [signer], status: 'active' },
  };
  return [
    request('key-opening-request+jwt', keyOpeningRequestSchema, {
      ...onBehalf,
      key_id: 'key-1',
      key_since: 2,
    }),
    response('key-opening-response+jwt', keyOpeningResponseSchema, {
      ...{ ...opening, encrypted, token, signer, exclusions },
    }),
    request(
      'group-view-request+jwt',
      groupViewRequestSchema,
      { ...onBehalf, since_seq: 0 },
      { optional: ['since_seq'] },
    ),
    response('group-view-response+jwt', groupViewResponseSchema, { view }),
    request('group-memberships-request+jwt', groupMembershipsRequestSchema, {
      ...onBehalf,
      people: [person, { iss: globex.iss, sub: 'sub-dan' }],
    }),
    response('group-memberships-response+jwt', groupMembershipsResponseSchema, {
      memberships: { tokens: [joined], signers: [signer] },
    }),
    request('sealed-key-deposit+jwt', sealedKeyDepositSchema, {
      ...{ to, via: [], token, encrypted, signer },
    }),
    response('sealed-key-receipt+jwt', sealedKeyReceiptClaimsSchema, { to, key_id: 'key-1' }),
  ];
}

async function signal(globex: Company, acme: Company): Promise<SignedObject> {
  const partner = { onlineKeys: await globex.onlineKeys(), domains: [globex.domain] };
  const said = { credential_type: 'x-countersign-key', change_type: 'revoke', event_timestamp: NOW };
  return {
    ...{ type: 'secevent+jwt', by: globex.keys.federation },
    claims: {
      ...{ iss: globex.iss, jti: 'signal-1', iat: NOW, aud: acme.iss, txn: 'act-1' },
      sub_id: { format: 'email', email: globex.person.address },
      events: { 'https://schemas.openid.net/secevent/caep/event-type/credential-change': said },
    },
    verify: (token) => verifyPartnerSignal(token, partner, acme.iss, NOW),
  };
}
