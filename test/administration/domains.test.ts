import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { insertDomain } from '../../bridge/directory/domains.ts';
import { type BridgeFixture, bridgeFixture } from './bridge-fixture.ts';

const DAY_MS = 86_400_000;

let bridge: BridgeFixture;
let token: string;

beforeEach(async () => {
  bridge = await bridgeFixture();
  token = await bridge.administrator();
});
afterEach(() => bridge.remove());

const add = (domain: string) => bridge.ask('POST', '/admin/v1/domains', { domain }, token);
const verify = (domain: string) => bridge.ask('POST', `/admin/v1/domains/${domain}/verify`, undefined, token);

interface DnsRecord {
  readonly name: string;
  readonly value: string;
}

/** Adds a domain and publishes its record. */
async function prove(domain: string): Promise<DnsRecord> {
  const record = (await add(domain)).body.record as DnsRecord;
  bridge.names.setTxt(record.name, ['v=spf1 -all', record.value]);
  expect((await verify(domain)).status).toBe(200);
  return record;
}

async function statusOf(domain: string): Promise<unknown> {
  const { body } = await bridge.ask('GET', '/admin/v1/domains', undefined, token);
  return (body.domains as { domain: string; status: string }[]).find((each) => each.domain === domain)
    ?.status;
}

describe('a domain of the organization', () => {
  it('is named with the exact records to publish, for us and for partners', async () => {
    const { status, body } = await add('ACME.example');
    expect(status).toBe(201);
    expect(body).toMatchObject({
      ...{ domain: 'acme.example', status: 'pending' },
      record: {
        type: 'TXT',
        name: '_countersign-challenge.acme.example',
        value: expect.stringMatching(/^countersign-domain-verification=[\w-]{43}$/),
      },
      federationRecord: {
        type: 'TXT',
        name: '_countersign.acme.example',
        value: `v=countersign1 entity=${bridge.issuer} root=${bridge.root.kid}`,
      },
    });
  });

  it('keeps its challenge when it is named again', async () => {
    const first = await add('acme.example');
    expect((await add('acme.example')).body.record).toEqual(first.body.record);
  });

  it('is refused as the 257th: no partner and no client would take a record that names so many', async () => {
    await bridge.inStore((database) =>
      database.transaction(async (tx) => {
        for (let index = 0; index < 255; index += 1) {
          await insertDomain(tx, { domain: `unit-${index}.example`, challenge: 'c', added: 0 });
        }
      }),
    );
    expect((await add('last.example')).status).toBe(201);
    expect(await add('more.example')).toMatchObject({ status: 409, body: { code: 'domain_limit' } });
    expect((await add('last.example')).status).toBe(201);
    expect(await statusOf('more.example')).toBeUndefined();
  });

  it('is not proven by another domain’s record', async () => {
    const other = (await add('other.example')).body.record as DnsRecord;
    await add('acme.example');
    bridge.names.setTxt('_countersign-challenge.acme.example', [other.value]);
    expect((await verify('acme.example')).body.code).toBe('domain_unproven');
    expect(await statusOf('acme.example')).toBe('pending');
  });

  it('is proven by its record, with one event', async () => {
    await prove('acme.example');
    expect(await statusOf('acme.example')).toBe('verified');
    await verify('acme.example');
    const types = (await bridge.events()).map(({ type }) => type);
    expect(types.filter((type) => type.startsWith('domain.'))).toEqual(['domain.added', 'domain.verified']);
  });

  it('is lost after three daily checks without the record, and proven again by it', async () => {
    const record = await prove('acme.example');
    bridge.names.setTxt(record.name, []);
    const { domains } = bridge.running.services;
    for (const status of ['verified', 'verified', 'lost']) {
      bridge.clock.advance(DAY_MS);
      token = await bridge.administrator();
      expect(await domains.recheck()).toBe(1);
      expect(await statusOf('acme.example')).toBe(status);
    }
    expect((await bridge.events()).at(-1)).toMatchObject({
      type: 'domain.lost',
      actor: { kind: 'system' },
      subject: { domain: 'acme.example' },
    });
    bridge.names.setTxt(record.name, [record.value]);
    await verify('acme.example');
    expect(await statusOf('acme.example')).toBe('verified');
  });

  it('is not checked before its time, and one success forgives the failures before', async () => {
    const record = await prove('acme.example');
    const { domains } = bridge.running.services;
    expect(await domains.recheck()).toBe(0);
    for (const values of [[], [], [record.value], [], []]) {
      bridge.names.setTxt(record.name, values);
      bridge.clock.advance(DAY_MS);
      await domains.recheck();
    }
    token = await bridge.administrator();
    expect(await statusOf('acme.example')).toBe('verified');
  });

  it('is removed only with force while people hold addresses on it', async () => {
    await prove('acme.example');
    await bridge.inStore((database) =>
      database.transaction(async (tx) => {
        const person = { sub: 'p-1', status: 'active', name: null, assurance: 'member' } as const;
        await tx
          .insertInto('persons')
          .values({ ...person, generation: 0, key_version: null, created: 1 })
          .execute();
        await tx
          .insertInto('addresses')
          .values({
            ...{ address: 'alice@acme.example', domain: 'acme.example', sub: 'p-1', connection_id: 'c' },
            ...{ is_primary: 1, since: 1, last_asserted: 1 },
          })
          .execute();
      }),
    );
    const remove = (query = '') =>
      bridge.ask('DELETE', `/admin/v1/domains/acme.example${query}`, undefined, token);
    expect((await remove()).body.code).toBe('domain_in_use');
    expect(await statusOf('acme.example')).toBe('verified');
    expect((await remove('?force=true')).status).toBe(204);
    expect(await statusOf('acme.example')).toBeUndefined();
  });

  it('cannot be one that is approved for a partner', async () => {
    await bridge.inStore((database) =>
      database.transaction((tx) =>
        tx
          .insertInto('partners')
          .values({
            ...{ entity_id: 'https://bridge.globex.example', status: 'active', root_thumbprint: 'r' },
            ...{ domains: '["globex.example"]', version: 1, organization_name: 'Globex', online_keys: 'x' },
            ...{ lookup_endpoint: 'https://bridge.globex.example/l', serial: 1, expires: 1, reason: null },
            checked: Math.floor(bridge.clock.now() / 1000),
          })
          .execute(),
      ),
    );
    expect((await add('globex.example')).body.code).toBe('domain_refused');
  });
});
