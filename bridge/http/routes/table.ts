import type { Witness } from '../../tlog/witness-server.ts';
import { openApiRoute } from '../openapi.ts';
import type { Route } from '../route.ts';
import { adminAccessRoutes } from './admin-access.ts';
import { adminAppRoutes } from './admin-apps.ts';
import { adminConnectionRoutes } from './admin-connections.ts';
import { adminDecisionRoutes } from './admin-decisions.ts';
import { adminDomainRoutes } from './admin-domains.ts';
import { adminGroupRoutes } from './admin-groups.ts';
import { adminKeptEscrowRoutes } from './admin-kept-escrows.ts';
import { adminLogRoutes } from './admin-log.ts';
import { adminPartnerRoutes } from './admin-partners.ts';
import { adminPersonRoutes } from './admin-persons.ts';
import { adminPolicyRoutes } from './admin-policy.ts';
import { adminRecoveryRoutes } from './admin-recoveries.ts';
import { adminRecoveryKeyRoutes } from './admin-recovery-key.ts';
import { adminServiceRoutes } from './admin-services.ts';
import { adminSignalTransmitterRoutes } from './admin-signal-transmitters.ts';
import { adminSignalRoutes } from './admin-signals.ts';
import { adminSinkRoutes } from './admin-sinks.ts';
import { adminTraceRoutes } from './admin-traces.ts';
import { deviceRequestRoutes } from './device-requests.ts';
import { deviceRoutes } from './devices.ts';
import { enrolmentRoutes } from './enrolments.ts';
import { escrowRoutes } from './escrow.ts';
import { eventLogRoutes } from './event-log.ts';
import { eventRoutes } from './events.ts';
import { federationRoutes } from './federation.ts';
import { federationGroupRoutes } from './federation-groups.ts';
import { groupRoutes } from './groups.ts';
import { healthRoutes } from './health.ts';
import { keyOpeningRoutes } from './key-openings.ts';
import { logRoutes } from './log.ts';
import { loggedTrustRoutes } from './logged-trust.ts';
import { lookUpRoutes } from './look-ups.ts';
import { meRoutes } from './me.ts';
import { meHistoryRoutes } from './me-history.ts';
import { meetingRoutes } from './meetings.ts';
import { policyRoutes } from './policy.ts';
import { receivedSignalRoutes } from './received-signals.ts';
import { recipientRoutes } from './recipients.ts';
import { recoveryRoutes } from './recoveries.ts';
import { rotationRoutes } from './rotations.ts';
import { sealedKeyRoutes } from './sealed-keys.ts';
import { ssfRoutes } from './ssf.ts';
import { vaultRoutes } from './vault.ts';
import { watchRoutes } from './watch.ts';
import { witnessRoutes } from './witness.ts';

export type ApiDeps = Parameters<typeof enrolmentRoutes>[0] &
  Parameters<typeof escrowRoutes>[0] &
  Parameters<typeof eventRoutes>[0] &
  Parameters<typeof eventLogRoutes>[0] &
  Parameters<typeof federationRoutes>[0] &
  Parameters<typeof federationGroupRoutes>[0] &
  Parameters<typeof groupRoutes>[0] &
  Parameters<typeof healthRoutes>[0] &
  Parameters<typeof logRoutes>[0] &
  Parameters<typeof loggedTrustRoutes>[0] &
  Parameters<typeof lookUpRoutes>[0] &
  Parameters<typeof meRoutes>[0] &
  Parameters<typeof meHistoryRoutes>[0] &
  Parameters<typeof meetingRoutes>[0] &
  Parameters<typeof policyRoutes>[0] &
  Parameters<typeof adminAccessRoutes>[0] &
  Parameters<typeof adminAppRoutes>[0] &
  Parameters<typeof adminConnectionRoutes>[0] &
  Parameters<typeof adminDecisionRoutes>[0] &
  Parameters<typeof adminDomainRoutes>[0] &
  Parameters<typeof adminLogRoutes>[0] &
  Parameters<typeof adminPartnerRoutes>[0] &
  Parameters<typeof adminPersonRoutes>[0] &
  Parameters<typeof adminPolicyRoutes>[0] &
  Parameters<typeof adminServiceRoutes>[0] &
  Parameters<typeof adminSinkRoutes>[0] &
  Parameters<typeof adminTraceRoutes>[0] &
  Parameters<typeof adminSignalTransmitterRoutes>[0] &
  Parameters<typeof adminSignalRoutes>[0] &
  Parameters<typeof ssfRoutes>[0] &
  Parameters<typeof deviceRequestRoutes>[0] &
  Parameters<typeof deviceRoutes>[0] &
  Parameters<typeof rotationRoutes>[0] &
  Parameters<typeof recoveryRoutes>[0] &
  Parameters<typeof adminRecoveryRoutes>[0] &
  Parameters<typeof adminGroupRoutes>[0] &
  Parameters<typeof adminKeptEscrowRoutes>[0] &
  Parameters<typeof adminRecoveryKeyRoutes>[0] &
  Parameters<typeof keyOpeningRoutes>[0] &
  Parameters<typeof sealedKeyRoutes>[0] &
  Parameters<typeof vaultRoutes>[0] &
  Parameters<typeof receivedSignalRoutes>[0] &
  Parameters<typeof watchRoutes>[0] & {
    readonly issuer: string;
    readonly version: string;
    /** Where this bridge is one. */
    readonly witness: Witness | undefined;
  };

/** Every endpoint of the API, and the document that describes them. */
export function apiRoutes(deps: ApiDeps): Route[] {
  const routes = [
    ...healthRoutes(deps),
    ...federationRoutes(deps),
    ...federationGroupRoutes(deps),
    ...receivedSignalRoutes(deps),
    ...policyRoutes(deps),
    ...enrolmentRoutes(deps),
    ...meRoutes(deps),
    ...meHistoryRoutes(deps),
    ...vaultRoutes(deps),
    ...rotationRoutes(deps),
    ...escrowRoutes(deps),
    ...recoveryRoutes(deps),
    ...deviceRequestRoutes(deps),
    ...deviceRoutes(deps),
    ...sealedKeyRoutes(deps),
    ...keyOpeningRoutes(deps),
    ...groupRoutes(deps),
    ...recipientRoutes(deps),
    ...meetingRoutes(deps),
    ...lookUpRoutes(deps),
    ...logRoutes(deps),
    ...loggedTrustRoutes(deps),
    ...(deps.witness === undefined ? [] : witnessRoutes({ witness: deps.witness })),
    ...watchRoutes(deps),
    ...eventRoutes(deps),
    ...eventLogRoutes(deps),
    ...adminAccessRoutes(deps),
    ...adminConnectionRoutes(deps),
    ...adminDomainRoutes(deps),
    ...adminPartnerRoutes(deps),
    ...adminPersonRoutes(deps),
    ...adminRecoveryRoutes(deps),
    ...adminGroupRoutes(deps),
    ...adminKeptEscrowRoutes(deps),
    ...adminRecoveryKeyRoutes(deps),
    ...adminAppRoutes(deps),
    ...adminServiceRoutes(deps),
    ...adminSinkRoutes(deps),
    ...adminTraceRoutes(deps),
    ...adminSignalTransmitterRoutes(deps),
    ...adminSignalRoutes(deps),
    ...ssfRoutes(deps),
    ...adminLogRoutes(deps),
    ...adminPolicyRoutes(deps),
    ...adminDecisionRoutes(deps),
  ];
  return [...routes, openApiRoute(routes, deps)];
}
