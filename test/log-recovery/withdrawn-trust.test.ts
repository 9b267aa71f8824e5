import { afterAll, beforeAll, expect, it } from 'vitest';
import { findDomain } from '../../bridge/directory/domains.ts';
import { findPerson, restrictPerson, setKeyVersion } from '../../bridge/directory/persons.ts';
import { findPartner, type Partner, savePartner } from '../../bridge/federation/partner-store.ts';
import { insertLink, insertToken, listTokens } from '../../bridge/identity/administrators-store.ts';
import { findConnection, insertConnection } from '../../bridge/identity/connection-store.ts';
import { createTrustChangeList } from '../../bridge/keylog/trust-change-list.ts';
import { stageTrustChange } from '../../bridge/keylog/trust-changes.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { loggedPartnerRecord } from '../../protocol/logged-records.ts';
import { verifyTrustChanges } from '../../protocol/trust-changes.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { takeSnapshot } from '../fakes/store-snapshot.ts';
import { copyOf, type RestoredParts, restoredParts } from './recovery-fixture.ts';

const GLOBEX = 'https://bridge.globex.example';
const CAROL = 'carol@acme.example';
const TRUSTED = ['connection/okta', 'domain/acme.example', 'administrator/ada'];

let live: BridgeParts;
let restored: RestoredParts;
let carol: string;

const partner: Partner = {
  ...{ entity_id: GLOBEX, status: 'active', root_thumbprint: 'A'.repeat(43), domains: ['globex.example'] },
  ...{ version: 1, organization_name: 'Globex', lookup_endpoint: `${GLOBEX}/v1/lookups`, online_keys: 'x' },
  ...{ serial: 1, expires: 2_000_000_000, reason: null, policy: null, checked: 1 },
};

/** All that the bridge trusts, each once in the log; Carol was closed. */
async function trust(): Promise<void> {
  const [created, expires] = [1, 2_000_000_000];
  carol = await live.addPerson({ addresses: [] });
  await live.database.transaction(async (tx) => {
    await insertConnection(tx, {
      ...{ id: 'okta', name: 'Okta', protocol: 'oidc', assurance: 'member', status: 'active', secret: null },
      settings: JSON.stringify({
        ...{ issuer: 'https://a.example', clientId: 'a', emailVerified: 'required' },
        ...{ authentication: { method: 'none' }, claims: {} },
      }),
      ...{ fingerprint: 'f', tested_fingerprint: 'f', tested: 1, created, changed: 1 },
    });
    const token = { created, expires, roles: '[]' };
    await insertToken(tx, { ...token, id: 'ada', name: 'Ada', hash: 'a', parent: null });
    await insertToken(tx, { ...token, id: 'ben', name: 'Ben, by Ada', hash: 'b', parent: 'ada' });
    await insertToken(tx, { ...token, id: 'cyd', name: 'Cyd', hash: 'c', parent: null });
    await insertLink(tx, { ...token, hash: 'l', token_life: null });
    await savePartner(tx, partner);
    await setKeyVersion(tx, carol, 0);
    await restrictPerson(tx, carol, 'closed');
    for (const version of [0, 1]) {
      const row = { address: CAROL, version, sub: carol, status: 'revoked', since: 1 } as const;
      await tx
        .insertInto('statements')
        .values({ ...row, signed: '', hash: `h${version}` })
        .execute();
      await live.keyLog.stage(tx, { kind: 'address', name: CAROL, version, value: utf8(`${version}`) });
    }
  });
  await change(1);
}

/** The next version of each of them. */
async function change(version: number): Promise<void> {
  const issuer = live.signer.iss;
  await live.database.transaction(async (tx) => {
    for (const name of TRUSTED) {
      const said = { name, change: 'connection.changed', by: SYSTEM.actor, state: null } as const;
      await stageTrustChange({ ...live, issuer }, tx, said);
    }
    await live.keyLog.stage(tx, loggedPartnerRecord({ ...partner, iss: issuer, version }));
  });
  await live.keyLog.published('trust-change', GLOBEX, version - 1);
}

beforeAll(async () => {
  live = await bridgeParts();
  await trust();
  const backup = await takeSnapshot(live.database);
  await live.database.transaction((tx) =>
    live.keyLog.stage(tx, { kind: 'address', name: CAROL, version: 2, value: utf8('enrolled anew') }),
  );
  await change(2);
  restored = await restoredParts(live, backup);
  await restored.recover(await copyOf(live));
  restored.keyLog.start();
  await restored.keyLog.published('trust-change', GLOBEX, 3);
});
afterAll(async () => {
  await restored?.remove();
  await live?.remove();
});

it('disables a connection and loses a domain whose newest version is lost', async () => {
  await restored.database.read(async (query) => {
    expect((await findConnection(query, 'okta'))?.status).toBe('disabled');
    expect((await findDomain(query, 'acme.example'))?.status).toBe('lost');
  });
});

it('revokes an administrator’s token that may have been revoked, with all that came of it, and every link', async () => {
  const left = await restored.database.read((query) => listTokens(query, 2));
  expect(left.map(({ id }) => id)).toEqual(['cyd']);
  const links = await restored.database.read((query) =>
    query.selectFrom('bootstrap_links').selectAll().execute(),
  );
  expect(links).toEqual([]);
});

it('suspends a partner until it is approved anew, under a record behind the lost ones', async () => {
  // records: 1 in the backup, 2 lost, 3 says so
  expect(await restored.database.read((query) => findPartner(query, GLOBEX))).toMatchObject({
    ...{ status: 'suspended', version: 4, root_thumbprint: partner.root_thumbprint },
    reason: expect.stringContaining('approve it anew'),
  });
});

it('says each of that to the SIEM, and the list of changes that shows it verifies', async () => {
  await restored.events.settled();
  const types = (await restored.events.page({ since: 0, limit: 1_000 })).map(({ type }) => type);
  expect(types.filter((type) => type === 'admin.token_revoked')).toHaveLength(2);
  for (const type of ['connection.disabled', 'domain.lost', 'partner.suspended', 'log.recovered'] as const) {
    expect(types).toContain(type);
  }
  const shown = await createTrustChangeList(restored)();
  const { changes } = await verifyTrustChanges(shown, {
    ...{ entityId: restored.signer.iss, rootThumbprint: live.root.kid, trust: undefined },
    now: Math.floor(restored.clock.now() / 1000),
  });
  const okta = changes.filter(({ name }) => name === 'connection/okta');
  expect(okta.map((each) => each.change)).toEqual([
    ...['connection.changed', null, 'lost-versions', 'connection.disabled'],
  ]);
});

it('counts key versions on of somebody who was closed in the backup, and may have been reopened since', async () => {
  const person = await restored.database.read((query) => findPerson(query, carol));
  expect(person).toMatchObject({ status: 'closed', key_version: 1 });
});
