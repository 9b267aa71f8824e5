import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createPartnerRecords } from '../../bridge/federation/partner-records.ts';
import type { KeyLog } from '../../bridge/keylog/key-log.ts';
import { isCountersignError } from '../../protocol/errors.ts';
import { verifyPartnerRecord } from '../../protocol/partner-record.ts';
import { entityConfiguration } from '../fakes/lying-bridge.ts';
import { SOON } from '../fakes/soon.ts';
import { DAY, NOW, testKey } from '../protocol/company.ts';
import { ADMINISTRATOR, type FederationFixture, federationFixture, OWN } from './federation-fixture.ts';

let fixture: FederationFixture;

beforeEach(async () => {
  fixture = await federationFixture();
});

afterEach(() => fixture.close());

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'nothing was thrown';
  } catch (error) {
    return isCountersignError(error) ? error.code : String(error);
  }
}

function approval(changes: { rootThumbprint?: string; domains?: string[] } = {}) {
  const { iss, root, domain } = fixture.globex.company;
  return { entityId: iss, rootThumbprint: root.kid, domains: [domain], ...changes };
}

function record(domain: string, text: string) {
  fixture.names.setTxt(`_countersign.${domain}`, [text]);
}

describe('discovering a partner', () => {
  test('shows its fingerprint and which claimed domains its owner confirms in DNS; nothing is stored', async () => {
    const { company } = fixture.globex;
    fixture.globex.lies.entity = async () => {
      const claims = await company.entityConfigurationClaims();
      claims.metadata.key_bridge.domains = [company.domain, 'unconfirmed.example'];
      return entityConfiguration(company, claims);
    };
    expect(await fixture.partners.discover(company.domain, ADMINISTRATOR)).toEqual({
      entityId: company.iss,
      rootThumbprint: company.root.kid,
      organizationName: 'Acme Example',
      domains: [
        { domain: company.domain, confirmed: true },
        { domain: 'unconfirmed.example', confirmed: false },
      ],
    });
    expect(await fixture.partners.list()).toEqual([]);
  });

  test('a domain without a record is partner_dns', async () => {
    expect(await codeOf(fixture.partners.discover('initech.example', ADMINISTRATOR))).toBe('partner_dns');
  });

  test('two records under one domain are refused rather than guessed about', async () => {
    const { iss, root, domain } = fixture.globex.company;
    const text = `v=countersign1 entity=${iss} root=${root.kid}`;
    fixture.names.setTxt(`_countersign.${domain}`, [text, text]);
    expect(await codeOf(fixture.partners.discover(domain, ADMINISTRATOR))).toBe('partner_dns');
  });

  test('a record that names another root than the bridge shows is partner_fingerprint', async () => {
    const { iss, domain } = fixture.globex.company;
    record(domain, `v=countersign1 entity=${iss} root=${'A'.repeat(43)}`);
    expect(await codeOf(fixture.partners.discover(domain, ADMINISTRATOR))).toBe('partner_fingerprint');
  });

  test('a record that names ourselves is partner_domain', async () => {
    record('acme.example', `v=countersign1 entity=${OWN} root=${'A'.repeat(43)}`);
    expect(await codeOf(fixture.partners.discover('acme.example', ADMINISTRATOR))).toBe('partner_domain');
  });
});

describe('approving a partner', () => {
  test('pins root and domains, logs the change, and hands clients a record', async () => {
    const partner = await fixture.partners.approve(approval(), ADMINISTRATOR);
    expect(partner).toMatchObject({ status: 'active', version: 1, domains: ['globex.example'] });
    const token = await fixture.records.ofPartner(partner);
    expect((await verifyPartnerRecord(token, fixture.signer.onlineKeys(), NOW)).partner).toEqual({
      entity_id: fixture.globex.company.iss,
      root_thumbprint: fixture.globex.company.root.kid,
      domains: ['globex.example'],
      scope: ['lookup'],
      status: 'active',
    });
    expect((await fixture.events()).map(({ type }) => type)).toContain('partner.approved');
  });

  test('with another fingerprint than the bridge’s is partner_fingerprint', async () => {
    const work = fixture.partners.approve(approval({ rootThumbprint: 'A'.repeat(43) }), ADMINISTRATOR);
    expect(await codeOf(work)).toBe('partner_fingerprint');
  });

  test.each([
    ['that the bridge does not claim', 'initech.example', 'partner_domain'],
    ['of our own', 'acme.example', 'partner_domain'],
  ])('for a domain %s is refused', async (_, domain, code) => {
    expect(await codeOf(fixture.partners.approve(approval({ domains: [domain] }), ADMINISTRATOR))).toBe(code);
  });

  test('for a domain of our own is refused even if the bridge claims it and its DNS confirms it', async () => {
    const { company } = fixture.globex;
    fixture.globex.lies.entity = async () => {
      const claims = await company.entityConfigurationClaims();
      claims.metadata.key_bridge.domains = ['acme.example'];
      return entityConfiguration(company, claims);
    };
    record('acme.example', `v=countersign1 entity=${company.iss} root=${company.root.kid}`);
    const work = fixture.partners.approve(approval({ domains: ['acme.example'] }), ADMINISTRATOR);
    expect(await codeOf(work)).toBe('partner_domain');
  });

  test('for a domain whose DNS names another bridge is partner_dns', async () => {
    record('globex.example', `v=countersign1 entity=https://bridge.other.example root=${'A'.repeat(43)}`);
    expect(await codeOf(fixture.partners.approve(approval(), ADMINISTRATOR))).toBe('partner_dns');
  });
});

describe('reading a partner again', () => {
  beforeEach(async () => {
    await fixture.partners.approve(approval(), ADMINISTRATOR);
  });

  const refresh = () => fixture.partners.refresh(fixture.globex.company.iss, ADMINISTRATOR);
  const lookUpCode = async () => {
    const { results } = await fixture.lookUp([fixture.globex.company.person.address]);
    return results[0]?.status === 'refused' ? results[0].code : results[0]?.status;
  };

  test('another root suspends it until it is approved again by fingerprint', async () => {
    const { company } = fixture.globex;
    const root = await testKey('a new root');
    fixture.globex.lies.entity = async () => {
      const claims = await company.entityConfigurationClaims();
      claims.metadata.key_bridge.online_keys = await company.onlineKeysToken({}, root);
      return entityConfiguration(company, claims);
    };
    expect(await refresh()).toMatchObject({ status: 'suspended', version: 2 });
    expect(await lookUpCode()).toBe('partner_suspended');
    record('globex.example', `v=countersign1 entity=${company.iss} root=${root.kid}`);
    await fixture.partners.approve(approval({ rootThumbprint: root.kid }), ADMINISTRATOR);
    expect((await fixture.partners.list())[0]).toMatchObject({ status: 'active', version: 3 });
  });

  test('a DNS record that is gone suspends it', async () => {
    fixture.names.setTxt('_countersign.globex.example', []);
    expect(await refresh()).toMatchObject({ status: 'suspended' });
  });

  test('online keys with a lower serial than seen suspend it', async () => {
    const { company } = fixture.globex;
    const serve = (serial: number) => async () => {
      const claims = await company.entityConfigurationClaims();
      claims.metadata.key_bridge.online_keys = await company.onlineKeysToken({ serial });
      return entityConfiguration(company, claims);
    };
    fixture.globex.lies.entity = serve(5);
    expect(await refresh()).toMatchObject({ status: 'active', serial: 5 });
    fixture.globex.lies.entity = serve(4);
    expect(await refresh()).toMatchObject({ status: 'suspended' });
  });

  test('online keys that an earlier reading brings later do not replace newer ones', async () => {
    const { company } = fixture.globex;
    const serve = (serial: number) => async () => {
      const claims = await company.entityConfigurationClaims();
      claims.metadata.key_bridge.online_keys = await company.onlineKeysToken({ serial });
      return entityConfiguration(company, claims);
    };
    fixture.globex.lies.entity = async () => {
      fixture.globex.lies.entity = serve(7);
      await refresh();
      return serve(6)();
    };
    expect(await refresh()).toMatchObject({ status: 'active', serial: 7 });
    expect(await fixture.partners.list()).toMatchObject([{ serial: 7 }]);
  });

  test('online keys with a lower serial than seen are not approved again under the same root', async () => {
    const { company } = fixture.globex;
    const serve = (serial: number) => async () => {
      const claims = await company.entityConfigurationClaims();
      claims.metadata.key_bridge.online_keys = await company.onlineKeysToken({ serial });
      return entityConfiguration(company, claims);
    };
    fixture.globex.lies.entity = serve(5);
    await refresh();
    await fixture.partners.suspend(company.iss, 'an incident', ADMINISTRATOR);
    fixture.globex.lies.entity = serve(4);
    expect(await codeOf(fixture.partners.approve(approval(), ADMINISTRATOR))).toBe('partner_lying');
    expect(await fixture.partners.list()).toMatchObject([{ status: 'suspended', serial: 5 }]);
  });

  test('a suspension that another process commits acts on the next look-up, and on one under way', async () => {
    const other = await fixture.openAnother();
    const set = (status: 'active' | 'suspended') =>
      other.transaction((tx) =>
        tx
          .updateTable('partners')
          .set((row) => ({ status, version: row('version', '+', 1) }))
          .execute(),
      );
    expect(await lookUpCode()).toBe('credential');
    await set('suspended');
    expect(await lookUpCode()).toBe('partner_suspended');
    await set('active');
    fixture.globex.lies.response = async (honest) => {
      await set('suspended');
      return honest;
    };
    expect(await lookUpCode()).toBe('partner_suspended');
  });

  test('a partner that answers slowly does not outlive its suspension or removal', async () => {
    const { iss } = fixture.globex.company;
    fixture.globex.lies.response = async (honest) => {
      await fixture.partners.suspend(iss, 'an incident', ADMINISTRATOR);
      return honest;
    };
    expect(await lookUpCode()).toBe('partner_suspended');
    await fixture.approveGlobex();
    fixture.globex.lies.response = async (honest) => {
      await fixture.partners.remove(iss, ADMINISTRATOR);
      return honest;
    };
    expect(await lookUpCode()).toBe('partner_unknown');
  });

  test('an outage suspends nothing, but what has expired fails closed', async () => {
    await fixture.globex.close();
    expect(await refresh()).toMatchObject({ status: 'active' });
    fixture.clock.advance(2 * DAY * 1000);
    expect(await lookUpCode()).toBe('partner_expired');
  });

  test('is read anew by need once in a minute, as it passes, not as the clock is set', async () => {
    let reads = 0;
    const { company, lies } = fixture.globex;
    lies.entity = async () => {
      reads += 1;
      return entityConfiguration(company, await company.entityConfigurationClaims());
    };
    const readByNeed = () => fixture.partners.refreshUnlessRecent(company.iss);
    await readByNeed();
    await readByNeed();
    expect(reads).toBe(1);
    fixture.clock.set(fixture.clock.now() + 60_000);
    await readByNeed();
    expect(reads).toBe(1);
    fixture.clock.advance(60_000);
    await readByNeed();
    expect(reads).toBe(2);
  });

  test('says what time it is, to whoever asks another clock than our own', async () => {
    fixture.heard.length = 0;
    await refresh();
    expect(fixture.heard).toEqual([[fixture.globex.company.iss, NOW]]);
  });

  test('a suspended or removed partner is not believed', async () => {
    const { iss } = fixture.globex.company;
    await fixture.partners.suspend(iss, 'an incident', ADMINISTRATOR);
    expect(await lookUpCode()).toBe('partner_suspended');
    await fixture.partners.remove(iss, ADMINISTRATOR);
    expect(await lookUpCode()).toBe('partner_unknown');
  });
});

describe('a record that grants', () => {
  test('is handed to nobody before it is published', async () => {
    const waited: unknown[] = [];
    let publish = () => {};
    const published = new Promise<void>((resolve) => {
      publish = resolve;
    });
    const keyLog: Pick<KeyLog, 'stage' | 'published'> = {
      stage: async () => {},
      published: (...version) => {
        waited.push(version);
        return published;
      },
    };
    const records = createPartnerRecords({ ...fixture, keyLog: keyLog as KeyLog });
    const partner = await fixture.partners.approve(approval(), ADMINISTRATOR);
    let handedOut = 0;
    const asked = [records.own(), records.ofPartner(partner)].map(async (record) => {
      await record;
      handedOut += 1;
    });
    await vi.waitFor(() => expect(waited).toHaveLength(2), SOON);
    expect(waited).toEqual(
      expect.arrayContaining([
        ['trust-change', OWN, 0],
        ['trust-change', partner.entity_id, partner.version - 1],
      ]),
    );
    expect(handedOut).toBe(0);
    const suspended = await records.ofPartner({ ...partner, status: 'suspended', version: 2 });
    expect(suspended).toEqual(expect.any(String));
    publish();
    await Promise.all(asked);
  });
});

describe('the own record', () => {
  test('rises in version when the verified domains change, and only then', async () => {
    const version = async () =>
      (await verifyPartnerRecord(await fixture.records.own(), fixture.signer.onlineKeys(), NOW)).version;
    expect([await version(), await version()]).toEqual([1, 1]);
    await fixture.database.transaction((tx) =>
      tx.updateTable('domains').set({ status: 'lost' }).where('domain', '=', 'acme.example').execute(),
    );
    expect(await version()).toBe(2);
  });
});
