import { beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../protocol/canonical-json.ts';
import type { KeyPurpose, OnlineKeys } from '../../protocol/online-keys.ts';
import { policyDocument, policyHash, verifyPolicyBundle } from '../../protocol/policy-bundle.ts';
import { FIRST_POLICY as CONTENT, firstBundle } from './acme-policy.ts';
import { codeOf } from './codes.ts';
import { type Company, DAY, makeCompany, NOW, signRaw, testDigest } from './company.ts';
import { knownAnswer } from './known-answers.ts';

const POLICY_BUNDLE = knownAnswer('policy-bundle+jwt');

let acme: Company;
let globex: Company;
let onlineKeys: OnlineKeys;

beforeAll(async () => {
  acme = await makeCompany();
  globex = await makeCompany('globex', 'bob');
  onlineKeys = await acme.onlineKeys();
});

function claimsOf(changes: Readonly<Record<string, Json>> = {}, { iss } = acme): Record<string, Json> {
  return { ...firstBundle(iss), ...changes };
}

async function bundle(
  changes: Readonly<Record<string, Json>> = {},
  by: KeyPurpose = 'statement',
  company = acme,
): Promise<string> {
  return company.signs(by, 'policy-bundle+jwt', claimsOf(changes, company));
}
const verify = (token: string, expected = {}, now = NOW) =>
  verifyPolicyBundle(token, onlineKeys, now, expected);
const refusal = (token: string, expected = {}, now = NOW) => codeOf(() => verify(token, expected, now));

describe('verifyPolicyBundle', () => {
  it('takes the bundle of version 1, byte for byte', async () => {
    expect(await bundle()).toBe(POLICY_BUNDLE);
    const verified = await verify(POLICY_BUNDLE, { hash: policyHash(CONTENT), version: 0 });
    expect(verified.content).toEqual(CONTENT);
  });

  it('takes one of long ago, under a key that has been retired since', async () => {
    const old = NOW - 20 * DAY;
    expect((await verify(await bundle({ iat: old }))).iat).toBe(old);
  });

  it('is refused when a rule in it was changed after it was signed for', async () => {
    const laxer = { ...CONTENT, policies: { 'enrolment.cedar': 'permit (principal, action, resource);\n' } };
    expect(await refusal(await bundle({ content: laxer }))).toBe('policy_bundle_invalid');
  });

  it('is refused when a number in it was changed', async () => {
    const laxer = { ...CONTENT, data: { lifetimes: { look_up_max_age: 3600 } } };
    expect(await refusal(await bundle({ content: laxer }))).toBe('policy_bundle_invalid');
  });

  it('is refused in the place of the policy that a binding names', async () => {
    expect(await refusal(POLICY_BUNDLE, { hash: testDigest('policy') })).toBe('policy_bundle_invalid');
  });

  it('is refused as another version than the issuer named, and as the newest below one that was seen', async () => {
    const later = await bundle({ version: 3, previous: testDigest('before') });
    expect(await refusal(later, { version: 4 })).toBe('policy_bundle_invalid');
    expect(await refusal(later, { leastVersion: 4 })).toBe('version_rollback');
    expect((await verify(later, { leastVersion: 3 })).version).toBe(3);
  });

  it('is refused when a key of another purpose signed it', async () => {
    for (const purpose of ['binding', 'federation', 'record'] as const) {
      expect(await refusal(await bundle({}, purpose))).toBe('jws_unknown_key');
    }
  });

  it('is refused when another company signed it, in whosever name', async () => {
    expect(await refusal(await bundle({}, 'statement', globex))).toBe('jws_unknown_key');
    expect(await refusal(await bundle({ iss: globex.iss }))).toBe('jws_issuer');
  });

  it('is refused under another type', async () => {
    const token = await acme.signs('statement', 'revocation-receipt+jwt', claimsOf());
    expect(await refusal(token)).toBe('jws_type');
  });

  it('is refused under a key declared compromised, whatever its date', async () => {
    const keys = await acme.onlineKeys({ compromised: [acme.keys.statement.kid] });
    expect(await codeOf(() => verifyPolicyBundle(POLICY_BUNDLE, keys, NOW))).toBe('key_compromised');
  });

  it('is refused when it is from before its key, or from the future', async () => {
    expect(await refusal(await bundle({ iat: NOW - 400 * DAY }))).toBe('jws_unknown_key');
    expect(await refusal(await bundle({ iat: NOW + 61 }))).toBe('jws_not_yet_valid');
  });

  it('is refused once the online keys at hand have expired', async () => {
    expect(await refusal(POLICY_BUNDLE, {}, onlineKeys.exp + 60)).toBe('jws_expired');
  });

  it.each([
    ['no policy before it, beyond the first', { version: 1 }],
    ['a policy before the first', { previous: testDigest('before') }],
    ['an unknown member', { note: 'because' }],
    ['an unknown member of the content', { content: { ...CONTENT, rules: [] } }],
    ['a file in another folder', { content: { ...CONTENT, policies: { '../a.cedar': '' } } }],
    ['a file that is no policy', { content: { ...CONTENT, policies: { 'a.json': '' } } }],
    ['more text than a policy may have', { content: { ...CONTENT, schema: 'a'.repeat(262_144) } }],
    [
      'more files than a policy may have',
      {
        content: {
          ...CONTENT,
          policies: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`a${index}.cedar`, ''])),
        },
      },
    ],
    ['a number that two parsers could read differently', { content: { ...CONTENT, data: { a: 0.5 } } }],
    ['a list in the place of the data', { content: { ...CONTENT, data: [] } }],
  ])('is refused with %s', async (_, changes) => {
    expect(await refusal(await bundle(changes))).toBe('claims_invalid');
  });

  it('is refused with data that nest without end, before anything walks down there', async () => {
    const { kid } = acme.keys.statement;
    const [before = '', after = ''] = JSON.stringify(
      claimsOf({ content: { ...CONTENT, data: { a: 'here' } } }),
    ).split('"here"');
    const text = `${before}${'['.repeat(5_000)}${']'.repeat(5_000)}${after}`;
    const header = { alg: 'Ed25519', typ: 'policy-bundle+jwt', kid };
    expect(await refusal(await signRaw(acme.keys.statement, header, text))).toBe('claims_invalid');
  });
});

describe('the hash of a policy', () => {
  it('is over labelled canonical bytes, in which the order of files does not count', () => {
    const document = new TextDecoder().decode(policyDocument(CONTENT));
    expect(document.startsWith('countersign/policy/v1\n{"data":{')).toBe(true);
    const policies = { 'a.cedar': 'one', 'b.cedar': 'two' };
    const turned = { 'b.cedar': 'two', 'a.cedar': 'one' };
    expect(policyHash({ ...CONTENT, policies })).toBe(policyHash({ ...CONTENT, policies: turned }));
  });

  it('is another one when a text moves to another file, or ends otherwise', () => {
    const hashes = [
      CONTENT,
      { ...CONTENT, policies: { 'devices.cedar': CONTENT.policies['enrolment.cedar'] ?? '' } },
      { ...CONTENT, schema: CONTENT.schema.trimEnd() },
    ].map(policyHash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
