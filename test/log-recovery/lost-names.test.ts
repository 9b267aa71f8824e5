import { afterEach, beforeEach, expect, it } from 'vitest';
import { createPartnerRecords } from '../../bridge/federation/partner-records.ts';
import { createConnections } from '../../bridge/identity/connections.ts';
import { connectionName } from '../../bridge/identity/trust-changes.ts';
import { createStagingLog } from '../../bridge/keylog/database-key-log.ts';
import { createLostNames } from '../../bridge/keylog/lost-names.ts';
import { stageTrustChange } from '../../bridge/keylog/trust-changes.ts';
import { createOutbound } from '../../bridge/lib/outbound.ts';
import { SYSTEM } from '../../bridge/lib/request-context.ts';
import { newestLoggedPolicy, POLICY_NAME } from '../../bridge/policy/versions/logged-policy.ts';
import { openPolicy } from '../../bridge/policy/versions/policy-in-force.ts';
import { MemoryCache } from '../../bridge/storage/memory-cache.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { loggedOwnRecord } from '../../protocol/logged-records.ts';
import { type BridgeParts, bridgeParts } from '../fakes/bridge-parts.ts';
import { createNames } from '../fakes/names.ts';
import { takeSnapshot } from '../fakes/store-snapshot.ts';
import { copyOf, type RestoredParts, restoredParts } from './recovery-fixture.ts';

const ADFS = connectionName('adfs');

let live: BridgeParts;
let restored: RestoredParts;

/** Names that begin behind the backup: of them a restored store knows nothing, and the log has versions. */
beforeEach(async () => {
  live = await bridgeParts();
  const issuer = live.signer.iss;
  const change = (name: string) =>
    live.database.transaction((tx) =>
      stageTrustChange({ ...live, issuer }, tx, {
        name,
        change: 'connection.changed',
        by: SYSTEM.actor,
        state: null,
      }),
    );
  await change('connection/okta');
  await live.keyLog.published('trust-change', 'connection/okta', 0);
  const backup = await takeSnapshot(live.database);
  await change(ADFS);
  await live.database.transaction(async (tx) => {
    const own = { iss: issuer, root_thumbprint: live.root.kid, domains: ['acme.example'], version: 1 };
    await live.keyLog.stage(tx, loggedOwnRecord(own));
    await live.keyLog.stage(tx, { kind: 'policy', name: POLICY_NAME, version: 0, value: utf8('strict') });
  });
  await change(ADFS);
  await live.keyLog.published('trust-change', ADFS, 1);
  restored = await restoredParts(live, backup);
  await restored.recover(await copyOf(live));
  restored.keyLog.start();
});
afterEach(async () => {
  await restored.remove();
  await live.remove();
});

it('a connection that was made after the backup can be made again under its id, and the log goes on', async () => {
  const outbound = createOutbound({ resolver: createNames(), allowedNetworks: [] });
  const connections = createConnections({
    ...{ ...restored, issuer: restored.signer.iss, outbound, keyLog: createStagingLog() },
    ...{ endGrants: async () => 0, lostNames: createLostNames(restored) },
  });
  const settings = {
    issuer: 'https://idp.acme.example',
    clientId: 'acme',
    authentication: { method: 'none' },
  };
  await connections.create({ id: 'adfs', name: 'AD FS', protocol: 'oidc', settings }, SYSTEM);
  restored.keyLog.wake();
  // 0 and 1 are lost, 2 says so
  await restored.keyLog.published('trust-change', ADFS, 3);
  await outbound.close();
});

it('the bridge’s own record goes on behind those that were made after the backup', async () => {
  const own = await createPartnerRecords(restored).ownRecord();
  expect(own.version).toBe(3);
  await restored.keyLog.published('trust-change', restored.signer.iss, 2);
});

it('the shipped policy does not come into force where another one was activated after the backup', async () => {
  const policy = await openPolicy({ ...restored, cache: new MemoryCache({ clock: restored.clock }) });
  try {
    expect(policy.current).toBeUndefined();
    expect(await restored.database.read(newestLoggedPolicy)).toMatchObject({ version: 1, builtIn: false });
  } finally {
    await policy.stop();
  }
});
