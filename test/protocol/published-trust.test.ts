import { beforeAll, describe, expect, it } from 'vitest';
import { encodeBase64url } from '../../protocol/base64url.ts';
import type { Json } from '../../protocol/canonical-json.ts';
import { loggedOwnRecord } from '../../protocol/logged-records.ts';
import { type PolicyContent, policyDocument, policyHash } from '../../protocol/policy-bundle.ts';
import {
  type PublishedTrust,
  publishedTrustSchema,
  verifyPublishedTrust,
} from '../../protocol/published-trust.ts';
import { logOrigin } from '../../protocol/tlog/checkpoint.ts';
import { codeOf } from './codes.ts';
import { type Company, makeCompany, NOW } from './company.ts';
import { NO_TRUST } from './keytrans/acme-log.ts';
import { cosignerKey, noteSigner, rawSigner, SmallKeyLog } from './keytrans/small-key-log.ts';

const CONTENT: PolicyContent = { schema: 'namespace A { }', policies: {}, data: { lifetimes: {} } };
const STRICTER: PolicyContent = { ...CONTENT, data: { lifetimes: { binding: 60 } } };
const WITNESS = noteSigner('witness.example/w1');

let acme: Company;
let log: SmallKeyLog;
let note: string;
let honest: PublishedTrust;
let bundle: string;

const recordOf = (version: number, domains: readonly string[]) =>
  loggedOwnRecord({ iss: acme.iss, root_thumbprint: acme.root.kid, domains, version });

const bundleOf = (content: PolicyContent, version: number) => {
  const previous = version === 0 ? null : policyHash(CONTENT);
  const claims = { iss: acme.iss, iat: NOW, version, hash: policyHash(content), previous, content };
  return acme.signs('statement', 'policy-bundle+jwt', claims as unknown as Json);
};

beforeAll(async () => {
  acme = await makeCompany();
  log = new SmallKeyLog(logOrigin(acme.iss));
  const [first, second] = [recordOf(1, []), recordOf(2, [acme.domain])];
  log.add(first.name, first.version, first.value, 'trust-change');
  log.add('policy', 0, policyDocument(CONTENT), 'policy');
  log.add(second.name, second.version, second.value, 'trust-change');
  log.add('policy', 1, policyDocument(STRICTER), 'policy');
  log.closeEpoch(NOW - 60);
  note = await log.note(rawSigner(logOrigin(acme.iss), acme.keys.log), [{ signer: WITNESS, time: NOW - 30 }]);
  bundle = await bundleOf(STRICTER, 1);
  honest = {
    ...{ iss: acme.iss, online_keys: await acme.onlineKeysToken() },
    record: {
      ...{ version: 2, root_thumbprint: acme.root.kid, domains: [acme.domain] },
      log_proof: log.staple(note, acme.iss, 1, 'trust-change'),
    },
    policy: { version: 1, hash: policyHash(STRICTER), log_proof: log.staple(note, 'policy', 1, 'policy') },
  };
});

const context = () => ({ entityId: acme.iss, rootThumbprint: acme.root.kid, trust: NO_TRUST, now: NOW });
const refused = (changes: Partial<PublishedTrust>, given = bundle, known = context()) =>
  codeOf(() => verifyPublishedTrust({ ...honest, ...changes }, given, known));

describe('what a bridge publishes of itself', () => {
  it('is the newest in its log, to the level that the verifier’s own policy gives it', async () => {
    expect(publishedTrustSchema.parse(honest)).toEqual(honest);
    const trust = { ...NO_TRUST, witnesses: [cosignerKey(WITNESS)], witnessQuorum: 1 };
    const { record, policy } = await verifyPublishedTrust(honest, bundle, { ...context(), trust });
    expect(record).toMatchObject({
      version: 2,
      domains: [acme.domain],
      log: { level: 'witnessed', epoch: 1 },
    });
    expect(policy).toMatchObject({ bundle: { version: 1, content: STRICTER }, log: { level: 'witnessed' } });
    const alone = await verifyPublishedTrust(honest, bundle, context());
    expect([alone.record.log.level, alone.policy.log.level]).toEqual(['logged', 'logged']);
  });

  it('is refused with domains, or a version of the record, that the log does not have', async () => {
    const { record } = honest;
    expect(await refused({ record: { ...record, domains: [...record.domains, 'b.example'] } })).toBe(
      'log_proof',
    );
    const older = log.staple(note, acme.iss, 0, 'trust-change');
    expect(await refused({ record: { ...record, version: 1, domains: [], log_proof: older } })).toBe(
      'log_proof',
    );
  });

  it('is refused with a policy that was replaced, or is another than the log has', async () => {
    const old = log.staple(note, 'policy', 0, 'policy');
    const replaced = { version: 0, hash: policyHash(CONTENT), log_proof: old };
    expect(await refused({ policy: replaced }, await bundleOf(CONTENT, 0))).toBe('log_proof');
    const swapped = { ...honest.policy, hash: policyHash(CONTENT) };
    expect(await refused({ policy: swapped }, await bundleOf(CONTENT, 1))).toBe('log_proof');
  });

  it('is refused with a bundle that is not the one which is named', async () => {
    expect(await refused({}, await bundleOf(CONTENT, 1))).toBe('policy_bundle_invalid');
  });

  it('is refused under another root than the pinned one', async () => {
    const other = { ...context(), rootThumbprint: encodeBase64url(new Uint8Array(32)) };
    expect(await refused({}, bundle, other)).toBe('root_mismatch');
  });
});
