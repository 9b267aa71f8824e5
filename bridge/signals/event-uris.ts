const CAEP_TYPE = 'https://schemas.openid.net/secevent/caep/event-type/';
const RISC_TYPE = 'https://schemas.openid.net/secevent/risc/event-type/';
const SSF_TYPE = 'https://schemas.openid.net/secevent/ssf/event-type/';

/** Events of the OpenID Continuous Access Evaluation Profile 1.0. */
export const CAEP = {
  sessionRevoked: `${CAEP_TYPE}session-revoked`,
  credentialChange: `${CAEP_TYPE}credential-change`,
  deviceComplianceChange: `${CAEP_TYPE}device-compliance-change`,
  assuranceLevelChange: `${CAEP_TYPE}assurance-level-change`,
} as const;

/** Events of the OpenID RISC Profile 1.0. */
export const RISC = {
  accountDisabled: `${RISC_TYPE}account-disabled`,
  accountEnabled: `${RISC_TYPE}account-enabled`,
  accountPurged: `${RISC_TYPE}account-purged`,
  credentialCompromise: `${RISC_TYPE}credential-compromise`,
  sessionsRevoked: `${RISC_TYPE}sessions-revoked`,
} as const;

/** Events of the OpenID Shared Signals Framework 1.0 about streams themselves. */
export const SSF = {
  verification: `${SSF_TYPE}verification`,
  streamUpdated: `${SSF_TYPE}stream-updated`,
} as const;

const KNOWN: ReadonlySet<string> = new Set([CAEP, RISC, SSF].flatMap((uris) => Object.values(uris)));

/** As an event of ours names the event of a token: a URI that we do not know may be any text of who sent it. */
export function namedEvent(uri: string): { event: string; unknown_event?: string } {
  return KNOWN.has(uri) ? { event: uri } : { event: 'unknown', unknown_event: uri };
}
