import { beforeAll, describe, expect, it } from 'vitest';
import type { OnlineKeys } from '../../protocol/online-keys.ts';
import { assertSpeaksFor, type PartnerRecord, verifyPartnerRecord } from '../../protocol/partner-record.ts';
import { codeOf } from './codes.ts';
import { type Company, DAY, makeCompany, NOW } from './company.ts';

let acme: Company;
let globex: Company;
let own: OnlineKeys;

beforeAll(async () => {
  acme = await makeCompany();
  globex = await makeCompany('globex', 'bob');
  own = await acme.onlineKeys();
});

const record = (changes: Partial<PartnerRecord> = {}) =>
  acme.signs('record', 'partner-record+jwt', acme.partnerRecordClaims(globex.trusted(), changes));

describe('verifyPartnerRecord', () => {
  it('answers whom the own bridge pinned', async () => {
    const { partner } = await verifyPartnerRecord(await record(), own, NOW);
    expect(partner).toMatchObject({ entity_id: globex.iss, root_thumbprint: globex.root.kid });
  });

  it('is refused when the partner signed it: nobody introduces himself', async () => {
    const claims = globex.partnerRecordClaims(globex.trusted());
    const token = await globex.signs('record', 'partner-record+jwt', claims);
    expect(await codeOf(() => verifyPartnerRecord(token, own, NOW))).toBe('jws_unknown_key');
  });

  it('is refused by a key of another purpose', async () => {
    const claims = acme.partnerRecordClaims(globex.trusted());
    const token = await acme.signs('federation', 'partner-record+jwt', claims);
    expect(await codeOf(() => verifyPartnerRecord(token, own, NOW))).toBe('jws_unknown_key');
  });

  it('is refused when it is older than the pinned one, and taken when it is the same', async () => {
    const token = await record({ version: 3 });
    expect((await verifyPartnerRecord(token, own, NOW, 3)).version).toBe(3);
    expect(await codeOf(() => verifyPartnerRecord(token, own, NOW, 4))).toBe('version_rollback');
  });

  it('is refused after its time', async () => {
    const token = await record();
    expect(await codeOf(() => verifyPartnerRecord(token, own, NOW + DAY + 60))).toBe('jws_expired');
  });

  it('is refused with a domain that is not in its one form', async () => {
    const token = await record({
      partner: { ...acme.partnerRecordClaims(globex.trusted()).partner, domains: ['GLOBEX.example'] },
    });
    expect(await codeOf(() => verifyPartnerRecord(token, own, NOW))).toBe('claims_invalid');
  });
});

describe('assertSpeaksFor', () => {
  it('takes an approved domain and no other', async () => {
    const issuer = globex.trusted({ domains: ['globex.example', 'globex.test'] });
    expect(() => assertSpeaksFor(issuer, 'globex.test')).not.toThrow();
    for (const domain of [
      'acme.example',
      'sub.globex.example',
      'example',
      'xglobex.example',
      '',
      'constructor',
    ])
      expect(await codeOf(() => assertSpeaksFor(issuer, domain))).toBe('domain_not_approved');
  });

  it('takes nothing of a suspended issuer', async () => {
    const { partner } = await verifyPartnerRecord(
      await record({
        partner: { ...acme.partnerRecordClaims(globex.trusted()).partner, status: 'suspended' },
      }),
      own,
      NOW,
    );
    expect(await codeOf(() => assertSpeaksFor(partner, 'globex.example'))).toBe('partner_suspended');
  });
});
