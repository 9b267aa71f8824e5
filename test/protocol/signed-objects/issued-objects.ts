import { verifyDeviceBinding } from '../../../protocol/device.ts';
import { verifyEntityConfiguration } from '../../../protocol/entity-configuration.ts';
import { verifyGroupKeyReceipt } from '../../../protocol/groups/group-key-receipt.ts';
import { verifyIdentityAttributes } from '../../../protocol/identity-attributes.ts';
import { verifyKeyBinding } from '../../../protocol/key-binding.ts';
import { verifyOnlineKeys } from '../../../protocol/online-keys.ts';
import { verifyPartnerRecord } from '../../../protocol/partner-record.ts';
import { verifyPolicyBundle } from '../../../protocol/policy-bundle.ts';
import { verifyRevocationReceipt } from '../../../protocol/revocation-receipt.ts';
import { firstBundle } from '../acme-policy.ts';
import { type Company, DAY, NOW, testDigest } from '../company.ts';
import { claimsIn, type SignedObject } from './signed-object.ts';

/** What Acme’s root and its bridge say to anybody. */
export async function issuedObjects(acme: Company, globex: Company): Promise<SignedObject[]> {
  const { iss, root, keys, person } = acme;
  const onlineKeys = await acme.onlineKeys();
  const pinned = { iss, entityId: iss, rootThumbprint: root.kid };
  const sign_in = { protocol: 'oidc' as const, acr: null, amr: ['pwd', 'otp'], auth_time: NOW };
  return [
    {
      ...{ type: 'online-keys+jwt', by: root, claims: acme.onlineKeysClaims() },
      verify: (token) => verifyOnlineKeys(token, pinned, NOW),
    },
    {
      ...{ type: 'entity-statement+jwt', by: keys.federation, claims: await configurationOf(acme) },
      extensible: true,
      verify: (token) => verifyEntityConfiguration(token, pinned, NOW),
    },
    {
      ...{ type: 'partner-record+jwt', by: keys.record, claims: acme.partnerRecordClaims(globex.trusted()) },
      verify: (token) => verifyPartnerRecord(token, onlineKeys, NOW),
    },
    {
      ...{ type: 'policy-bundle+jwt', by: keys.statement, claims: firstBundle(iss) },
      verify: (token) => verifyPolicyBundle(token, onlineKeys, NOW),
    },
    {
      ...{ type: 'key-binding+jwt', by: keys.binding, claims: claimsIn(await acme.binding()) },
      verify: (token) => verifyKeyBinding(token, onlineKeys, NOW),
    },
    {
      ...{ type: 'identity-attributes+jwt', by: keys.binding },
      claims: claimsIn(await acme.attributes(globex.iss, { organization: 'Acme', sign_in })),
      optional: ['name', 'organization', 'sign_in'],
      verify: (token) =>
        verifyIdentityAttributes(token, onlineKeys, { aud: globex.iss, sub: person.sub }, NOW),
    },
    {
      ...{ type: 'device-binding+jwt', by: keys.binding, claims: claimsIn(await acme.deviceBinding()) },
      verify: (token) => verifyDeviceBinding(token, onlineKeys, acme.statement(), NOW),
    },
    {
      ...{ type: 'group-key-receipt+jwt', by: keys.statement },
      claims: {
        ...{ v: 1, iss, group: testDigest('group'), token: testDigest('token') },
        ...{ device_id: testDigest('device'), stored: NOW - 20 * DAY, iat: NOW, exp: NOW + 600 },
      },
      verify: (token) => verifyGroupKeyReceipt(token, onlineKeys, NOW),
    },
    {
      ...{ type: 'revocation-receipt+jwt', by: keys.statement },
      claims: {
        ...{ iss, jti: 'receipt-1', iat: NOW, act: 'member-removed', group: testDigest('group') },
        member: { iss: globex.iss, sub: 'sub-carol' },
        ...{ transform_keys: 1, tokens: 2, generation: 3 },
      },
      optional: ['sub', 'device_id', 'group', 'member'],
      verify: (token) => verifyRevocationReceipt(token, onlineKeys),
    },
  ];
}

/** With everything that a bridge may say of itself. */
async function configurationOf(acme: Company): Promise<object> {
  const { metadata, ...claims } = await acme.entityConfigurationClaims();
  const { iss } = acme;
  const more = {
    log_endpoint: `${iss}/log/`,
    signals_endpoint: `${iss}/federation/v1/signals`,
    policy: { version: 0, hash: testDigest('policy'), uri: `${iss}/.well-known/countersign/policy` },
    witness: { vkey: 'bridge.acme.example/witness+00000000+AA==', url: `${iss}/witness` },
  };
  return { ...claims, metadata: { key_bridge: { ...metadata.key_bridge, ...more } } };
}
