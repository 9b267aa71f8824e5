import type { Holder } from '../../bridge/binding/holder.ts';
import type { Credentials } from '../../bridge/binding/services.ts';
import { insertDomain, setDomainCheck } from '../../bridge/directory/domains.ts';
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import type { StoredEvent } from '../../bridge/events/event-log.ts';
import { createAcceptedRequests } from '../../bridge/federation/accepted-requests.ts';
import { createAnswerCache } from '../../bridge/federation/answer-cache.ts';
import { createBridgeCalls } from '../../bridge/federation/bridge-calls.ts';
import { createEntityReader } from '../../bridge/federation/entity-reader.ts';
import { createLookUps, type LookUps } from '../../bridge/federation/look-ups.ts';
import { createPartnerClient } from '../../bridge/federation/partner-client.ts';
import { createPartnerRecords, type PartnerRecords } from '../../bridge/federation/partner-records.ts';
import { createPartners, type Partners } from '../../bridge/federation/partners.ts';
import { createVerifyByPartner } from '../../bridge/federation/signed-by-partner.ts';
import { createKeyLog } from '../../bridge/keylog/database-key-log.ts';
import { seconds } from '../../bridge/lib/clock.ts';
import { createLogger } from '../../bridge/lib/logger.ts';
import { createOutbound } from '../../bridge/lib/outbound.ts';
import { type RequestContext, SYSTEM } from '../../bridge/lib/request-context.ts';
import { createPartnerSignals, type PartnerSignals } from '../../bridge/signals/partner-signals.ts';
import { createNoteContacts } from '../../bridge/signals/sent-signals.ts';
import { initializeKeys } from '../../bridge/signer/key-ceremony.ts';
import { openLocalSigner } from '../../bridge/signer/local-signer.ts';
import { createRootKey, openRootKey } from '../../bridge/signer/root-key.ts';
import type { Signer } from '../../bridge/signer/signer.ts';
import type { Database } from '../../bridge/storage/database.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { type LookUpResponse, verifyLookUpResponse } from '../../protocol/look-up.ts';
import { type LyingBridge, startLyingBridge } from '../fakes/lying-bridge.ts';
import { createNames, type Names } from '../fakes/names.ts';
import { temporaryCache } from '../fakes/temporary-cache.ts';
import { type TestPolicyOptions, testPolicy } from '../fakes/test-policy.ts';
import { createThrowawayCa } from '../fakes/throwaway-ca.ts';
import { NOW } from '../protocol/company.ts';
import { type MovableClock, movableClock, temporaryStore } from '../signer/signer-fixture.ts';

export const OWN = 'https://bridge.acme.example';
export const ADMINISTRATOR: RequestContext = {
  requestId: 'request-1',
  actor: { kind: 'administrator', id: 'admin-1' },
};
export const ALICE: Holder = {
  sub: 'alice',
  deviceId: 'K-device-of-alice',
  endorsed: true,
  assurance: 'member',
  connectionId: 'connection-1',
  signIn: { protocol: 'oidc', acr: null, amr: [], authTime: null },
  accessTokenHash: 'unused',
};

/** Acme's side of the federation with real parts, and globex, a partner over HTTPS that can lie. */
export interface FederationFixture {
  readonly clock: MovableClock;
  readonly names: Names;
  readonly signer: Signer;
  readonly database: Database;
  /** The same store as another process has it. */
  openAnother(): Promise<Database>;
  readonly partners: Partners;
  /** What time partners said it is, as they were read. */
  readonly heard: [string, number][];
  readonly records: PartnerRecords;
  readonly lookUps: LookUps;
  readonly partnerSignals: PartnerSignals;
  readonly globex: LyingBridge;
  /** Approves globex for its domain. */
  approveGlobex(): Promise<void>;
  /** Alice looks addresses up; the answer is verified as her client would. */
  lookUp(addresses: readonly string[], maxAge?: number): Promise<LookUpResponse>;
  events(): Promise<StoredEvent[]>;
  close(): Promise<void>;
}

export async function federationFixture(
  options: { policy?: TestPolicyOptions } = {},
): Promise<FederationFixture> {
  const clock = movableClock(NOW * 1000);
  const store = await temporaryStore(clock);
  const { database } = store;
  const ca = await createThrowawayCa();
  const names = createNames();
  const globex = await startLyingBridge({ ca, names, name: 'globex' });
  const root = await openRootKey(await createRootKey());
  const keyEncryptionKey = crypto.getRandomValues(new Uint8Array(32));
  await database.transaction((tx) => initializeKeys(tx, { iss: OWN, root, keyEncryptionKey, clock }));
  const signer = await openLocalSigner({ database, keyEncryptionKey, iss: OWN, clock });
  const logger = createLogger({ level: 'silent' });
  const eventLog = createEventLog({ database, clock, logger, iss: OWN });
  const keyLog = createKeyLog({ database, logger, clock, signer });
  eventLog.start();
  keyLog.start();
  const door = createOutbound({
    resolver: names,
    allowedNetworks: ['127.0.0.1/32'],
    caCertificates: [ca.certificatePem],
  });
  const outbound = {
    ...door,
    // For an answer that never comes nobody has to wait long; for those that come, as long as a bridge does.
    request: (url: string | URL, wanted = {}) =>
      door.request(url, { ...wanted, ...(globex.lies.hangs === true ? { timeoutMs: 500 } : {}) }),
  };
  const readEntity = createEntityReader({ outbound, clock });
  const heard: [string, number][] = [];
  const partners = createPartners({
    iss: OWN,
    database,
    events: eventLog,
    keyLog,
    resolver: names,
    readEntity,
    clock,
    logger,
    heardTime: (name, time) => void heard.push([name, time]),
  });
  const records = createPartnerRecords({ signer, database, keyLog, clock });
  const { cache, remove: removeCache } = await temporaryCache(clock);
  const answers = createAnswerCache({ cache, clock });
  const verifyByPartner = createVerifyByPartner({ database, partners, clock });
  const lookUps = createLookUps({
    signer,
    database,
    events: eventLog,
    clock,
    policy: testPolicy({ maxDevices: 5, ...options.policy }),
    credentials: nobody,
    partners,
    records,
    askPartner: createPartnerClient({
      ...{ signer, clock },
      calls: createBridgeCalls({ signer, outbound, partners, database, events: eventLog, clock }),
    }),
    requests: createAcceptedRequests({ signer, database, partners, clock }),
    ...{ answers, noteTold: createNoteContacts(clock) },
  });
  await database.transaction(async (tx) => {
    await insertDomain(tx, { domain: 'acme.example', challenge: 'c', added: NOW });
    await setDomainCheck(tx, 'acme.example', {
      status: 'verified',
      verified: NOW,
      checked: NOW,
      failures: 0,
    });
  });

  return {
    clock,
    names,
    signer,
    database,
    openAnother: () => store.openAnother(),
    ...{ partners, heard },
    records,
    lookUps,
    partnerSignals: createPartnerSignals({
      ...{ signer, database, events: eventLog, clock },
      ...{ verifyByPartner, answers },
    }),
    globex,
    async approveGlobex() {
      const { iss, root: partnerRoot, domain } = globex.company;
      const approval = { entityId: iss, rootThumbprint: partnerRoot.kid, domains: [domain] };
      await partners.approve(approval, ADMINISTRATOR);
    },
    async lookUp(addresses, maxAge = 0) {
      const body = { request_id: 'request-1', addresses: [...addresses], max_age: maxAge };
      const bytes = utf8(JSON.stringify(body));
      const context: RequestContext = { ...SYSTEM, actor: { kind: 'person', sub: ALICE.sub } };
      const answer = await lookUps.answerClient(ALICE, body, bytes, context);
      const token = answer.bytes.toString('latin1');
      const asked = {
        aud: ALICE.deviceId,
        jti: body.request_id,
        requestHash: sha256Base64url(bytes),
        addresses,
      };
      return verifyLookUpResponse(token, signer.onlineKeys(), asked, seconds(clock));
    },
    async events() {
      await eventLog.settled();
      return eventLog.page({ since: 0, limit: 1000 });
    },
    async close() {
      await Promise.all([eventLog.stop(), keyLog.stop(), globex.close(), door.close()]);
      await Promise.all([store.remove(), removeCache()]);
    },
  };
}

/** Acme has nobody enrolled here: own people are the subject of test/binding. */
const nobody: Credentials = {
  forAddress: async () => ({ status: 'not_found' }),
  findable: async () => new Set(),
  forAddresses: async (addresses) => new Map(addresses.map((address) => [address, { status: 'not_found' }])),
  attributes: async () => null,
  deviceBinding: async () => null,
};
