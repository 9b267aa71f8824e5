import { createApprovalWithdrawal } from '../binding/approval-withdrawal.ts';
import { createCredentials } from '../binding/credentials.ts';
import { createDeviceAdditions } from '../binding/device-additions.ts';
import { createDeviceRotation } from '../binding/device-rotation.ts';
import { createEnrolments } from '../binding/enrolments.ts';
import { createEscrowCoverages } from '../binding/escrow-coverage.ts';
import { createEscrows } from '../binding/escrows.ts';
import { createKeptEscrows } from '../binding/kept-escrows.ts';
import { createKeyHistories } from '../binding/key-history.ts';
import { createProfiles } from '../binding/profiles.ts';
import { createRecoveries } from '../binding/recoveries.ts';
import { createRecoveryDrills } from '../binding/recovery-drills.ts';
import { createRecoveryKeys } from '../binding/recovery-key.ts';
import { createRecoveryKeyReplacement } from '../binding/recovery-key-replacement.ts';
import { createRotations } from '../binding/rotations.ts';
import { createVaults } from '../binding/vaults.ts';
import { createWatches } from '../binding/watches.ts';
import type { Config } from '../config/index.ts';
import { createEventQueries } from '../events/event-queries.ts';
import { createLiveEvents } from '../events/live-events.ts';
import { createAcceptedRequests } from '../federation/accepted-requests.ts';
import { createAnswerCache } from '../federation/answer-cache.ts';
import { createBridgeCalls } from '../federation/bridge-calls.ts';
import { createEntityConfiguration } from '../federation/entity-configuration.ts';
import { createEntityReader } from '../federation/entity-reader.ts';
import { foreignChangesSince } from '../federation/foreign-changes.ts';
import { createLookUps } from '../federation/look-ups.ts';
import { createPartnerClient } from '../federation/partner-client.ts';
import { createPartnerRecords } from '../federation/partner-records.ts';
import { listPartners } from '../federation/partner-store.ts';
import { createPartnerTrust, logTrustBy } from '../federation/partner-trust.ts';
import { createPartners } from '../federation/partners.ts';
import { createPublishTrust } from '../federation/publish-trust.ts';
import { createVerifyByPartner } from '../federation/signed-by-partner.ts';
import { createGroups } from '../groups/create-groups.ts';
import { createDueRotations } from '../groups/due-rotations.ts';
import { createForeignMemberships, createPartnerMemberships } from '../groups/foreign-memberships.ts';
import { createForeignViews, createPartnerViews } from '../groups/foreign-views.ts';
import { createKeptKeys } from '../groups/kept-keys.ts';
import { createKeyOpenings } from '../groups/key-openings.ts';
import { createSealedKeyDeposits } from '../groups/sealed-key-deposits.ts';
import { brokenRequestPage } from '../http/pages/sign-in-pages.ts';
import { listTokenLines } from '../identity/administrator-lineage.ts';
import { createAdministrators } from '../identity/administrators.ts';
import { createConnections } from '../identity/connections.ts';
import { createDomains } from '../identity/domains.ts';
import { createSignInTraces } from '../identity/sign-in-traces.ts';
import { createSignIns } from '../identity/sign-ins.ts';
import { createLostNames } from '../keylog/lost-names.ts';
import { createTrustChangeList } from '../keylog/trust-change-list.ts';
import { seconds } from '../lib/clock.ts';
import { createEncryptionKeyWatch } from '../lifecycle/encryption-key-watch.ts';
import { createKeptEscrowEnding } from '../lifecycle/kept-escrow-ending.ts';
import { createLifecycle } from '../lifecycle/lifecycle.ts';
import { createPersonOverviews } from '../lifecycle/person-overview.ts';
import { createDryRun } from '../lifecycle/policy-dry-run.ts';
import { createReadiness, rememberReadiness } from '../lifecycle/readiness.ts';
import { trialsInTurn } from '../lifecycle/trials-in-turn.ts';
import { createMeetings } from '../meetings/create-meetings.ts';
import { createApps } from '../oauth/apps.ts';
import { createAuthorizationServer } from '../oauth/create-authorization-server.ts';
import { createDeviceSignIns } from '../oauth/device-sign-ins.ts';
import { endGrantsOfConnection } from '../oauth/record-store.ts';
import { createServices } from '../oauth/services.ts';
import { createFindTokenEnd } from '../oauth/token-holder.ts';
import { createPolicyChanges } from '../policy/changes/policy-changes.ts';
import { createCompiledContents } from '../policy/content/compiled-contents.ts';
import { createExplanations } from '../policy/decisions/explanation.ts';
import { createPolicyBundles } from '../policy/versions/bundles.ts';
import { createPolicyHistory } from '../policy/versions/policy-history.ts';
import { createIdpSignals } from '../signals/idp-signals.ts';
import { createKeySets } from '../signals/key-sets.ts';
import { createPartnerSignals } from '../signals/partner-signals.ts';
import { createNoteContacts, createSentSignals } from '../signals/sent-signals.ts';
import { createTransmitterDiscovery } from '../signals/transmitter-discovery.ts';
import { createTransmitters } from '../signals/transmitters.ts';
import type { Query, Transaction } from '../storage/database.ts';
import type { Foundation } from './open-foundation.ts';
import { openWitness } from './open-witness.ts';

export type Services = Awaited<ReturnType<typeof composeServices>>;

/** The contexts, each built from the ones below it. */
export async function composeServices(foundation: Foundation, config: Config) {
  const { clock, database, signer, cache, outbound, events, policy } = foundation;
  const { issuer } = config;
  const { decide } = policy;
  const organization = config.organization.name;
  const lostNames = createLostNames(foundation);
  const common = { ...foundation, issuer, organization, decide, lostNames };

  const tokensInForce = (reader: Query | Transaction) => listTokenLines(reader, seconds(clock));

  const administrators = createAdministrators({
    ...{ ...common, withdrawApprovals: createApprovalWithdrawal(common) },
  });
  const domains = createDomains({ ...common, partnerOf });
  const connections = createConnections({ ...common, endGrants: endGrantsOfConnection });
  const signIns = createSignIns({ ...common, connections });
  const traces = createSignInTraces(common);

  const apps = createApps(common);
  const services = createServices(common);
  const authorizationServer = createAuthorizationServer({
    ...common,
    settings: {
      accessTokenSeconds: config.lifetimes.access_token_minutes * 60,
      refreshTokenSeconds: config.lifetimes.refresh_token_days * 86_400,
    },
    errorPage: (description, { requestId }) => brokenRequestPage({ organization, description, requestId }),
  });

  const deviceSignIns = createDeviceSignIns({
    ...{ ...common, signIns },
    deviceCodes: authorizationServer.deviceCodes,
  });

  const credentials = createCredentials(common);
  const organizationEscrow = config.escrow.organization;
  const enrolments = createEnrolments({ ...common, credentials, organizationEscrow });
  const deviceAdditions = createDeviceAdditions(common);
  const vaults = createVaults(common);
  const escrows = createEscrows({ ...common, credentials });
  const officers = { administrators: tokensInForce };
  const escrowKeepSeconds = config.escrow.keep_days * 86_400;
  const recoveries = createRecoveries({ ...common, ...officers, escrowKeepSeconds });
  const keptEscrows = createKeptEscrows({ ...common, escrowKeepSeconds });
  const recoveryKeys = createRecoveryKeys({ ...common, ...officers });
  const recoveryKeyReplacement = createRecoveryKeyReplacement({ ...common, ...officers });
  const recoveryDrills = createRecoveryDrills({ ...common, ...officers });
  const escrowCoverages = createEscrowCoverages({ ...common, organizationEscrow });
  const rotations = createRotations({ ...common, credentials, organizationEscrow });
  const rotateDevice = createDeviceRotation({ ...common, credentials });
  const profiles = createProfiles({ ...common, credentials, organizationEscrow });
  const keyHistories = createKeyHistories(common);
  const tokenEnd = createFindTokenEnd(foundation);
  const watches = createWatches({
    ...{ ...foundation, tokenEnd, credentials },
    foreignChanges: foreignChangesSince,
  });
  const liveEvents = createLiveEvents(events);
  const eventQueries = createEventQueries(foundation);

  const readEntity = createEntityReader({ outbound, clock });
  const partners = createPartners({ ...common, iss: issuer, readEntity });
  const calls = createBridgeCalls({ ...common, partners });
  const requests = createAcceptedRequests({ ...common, partners });
  const answers = createAnswerCache({ cache, clock });
  const noteTold = createNoteContacts(clock);
  const sentSignals = createSentSignals({ ...common, iss: issuer });
  const records = createPartnerRecords(foundation);
  const lookUps = createLookUps({
    ...{ signer, database, events, clock, policy, credentials, partners },
    records,
    askPartner: createPartnerClient({ signer, calls, clock }),
    ...{ requests, answers, noteTold },
  });
  const verifyByPartner = createVerifyByPartner({ ...common, partners });
  const partnerSignals = createPartnerSignals({ ...common, verifyByPartner, answers });
  const openings = { ...common, credentials, calls, requests };
  const keyOpenings = createKeyOpenings(openings);
  const sealedKeys = createSealedKeyDeposits(openings);
  const groups = createGroups({
    ...{ ...common, credentials, foreign: createForeignViews({ ...common, calls }) },
    askMemberships: createForeignMemberships({ ...common, calls }),
  });
  const meetings = createMeetings({
    ...{ ...common, credentials, calls, requests, tokenEnd, noteTold },
    checkSealedKey: sealedKeys.check,
  });
  const answerGroupView = createPartnerViews({ ...common, credentials, requests });
  const answerMemberships = createPartnerMemberships({ ...common, credentials, requests });
  const witness = await openWitness({ ...foundation, partners }, config);
  const publishTrust = createPublishTrust({ ...foundation, records });
  const partnerTrust = createPartnerTrust({
    ...{ database, outbound, clock },
    trust: logTrustBy(config.key_log, witness?.vkey),
  });
  const listTrustChanges = createTrustChangeList(foundation);
  const describeEntity = createEntityConfiguration({
    ...foundation,
    organizationName: organization,
    witnessKey: witness?.vkey,
  });

  const lifecycle = createLifecycle({ ...common, tokens: authorizationServer, keptEscrows });
  const keptEscrowEnding = createKeptEscrowEnding({ ...common, escrowKeepSeconds });
  const keySets = createKeySets({ outbound });
  const idpSignals = createIdpSignals({ ...common, keySets, lifecycle });
  const discovery = createTransmitterDiscovery(outbound);
  const transmitters = createTransmitters({ ...common, keySets, discovery, connections });
  const personOverviews = createPersonOverviews(foundation);
  const compile = createCompiledContents();
  const policyChanges = createPolicyChanges({
    ...{ ...foundation, compile },
    administrators: tokensInForce,
  });
  const dryRun = createDryRun({
    ...{ compile, database, policy, iss: issuer },
    administrators: () => database.read(tokensInForce),
    connections: () => connections.list(),
  });
  const tryPolicy = trialsInTurn(dryRun);
  const lifeSeconds = config.lifetimes.key_encryption_key_days * 86_400;
  const encryptionKey = createEncryptionKeyWatch({ ...foundation, lifeSeconds });
  const readiness = rememberReadiness(createReadiness({ ...foundation, witness, encryptionKey }), clock);
  const policyBundles = createPolicyBundles(foundation);
  return {
    ...{ policyChanges, tryPolicy, policyHistory: createPolicyHistory(foundation) },
    explanations: createExplanations({ ...foundation, compile }),
    ...{ issuer, organization, decide, administrators, domains, connections, signIns, traces, apps },
    ...{
      authorizationServer,
      credentials,
      enrolments,
      escrows,
      recoveries,
      keptEscrows,
      keptEscrowEnding,
      encryptionKey,
      keptKeys: createKeptKeys({ ...common, keptEscrows }),
      recoveryKeys,
      dueRotations: createDueRotations(common),
      recoveryKeyReplacement,
      recoveryDrills,
      escrowCoverages,
      deviceAdditions,
      rotations,
      rotateDevice,
      vaults,
      profiles,
      keyHistories,
      partners,
    },
    ...{ watches, liveEvents, deviceSignIns, services, groups, answerGroupView, keyOpenings, sealedKeys },
    answerMemberships,
    ...{ partnerSignals, sentSignals, eventQueries },
    ...{ idpSignals, transmitters },
    ...{
      meetings,
      lookUps,
      describeEntity,
      publishTrust,
      partnerTrust,
      listTrustChanges,
      witness,
      lifecycle,
      personOverviews,
      readiness,
      policyBundles,
    },
  };
}

/** The partner that a domain is approved for: a domain is never both ours and theirs. */
async function partnerOf(reader: Query | Transaction, domain: string): Promise<string | undefined> {
  const partners = await listPartners(reader);
  return partners.find(({ status, domains }) => status !== 'removed' && domains.includes(domain))?.entity_id;
}
