import type { SinkEvent } from '../sink-event.ts';
import { mappingOf } from './mapping/event-mappings.ts';
import { type SeverityName, severityId } from './severity-name.ts';

export { SEVERITY_NAMES, type SeverityName, severityId } from './severity-name.ts';

/** Errors that honest systems do not cause: something was forged, altered, meant for somebody else or sent again. */
const FORGED: ReadonlySet<string> = new Set([
  ...['replayed', 'partner_lying', 'partner_replay', 'partner_foreign_domain', 'statement_signature'],
  ...['jws_signature', 'jws_algorithm', 'set_issuer', 'set_audience', 'set_key'],
  ...['oidc_signature', 'oidc_algorithm', 'oidc_issuer', 'oidc_audience', 'oidc_nonce'],
  ...['saml_signature', 'saml_unsigned', 'saml_wrapping', 'saml_algorithm', 'saml_doctype'],
  ...['saml_duplicate_id', 'saml_issuer', 'saml_destination', 'saml_audience', 'saml_recipient'],
  'saml_in_response_to',
]);

/** How much an event matters: as its type has it, more where it failed, and more again where something was forged. */
export function severityOf(event: Pick<SinkEvent, 'type' | 'outcome' | 'code'>): SeverityName {
  const { severity } = mappingOf(event.type);
  if (event.outcome === 'success') return severity;
  const least = event.code !== null && FORGED.has(event.code) ? 'high' : 'low';
  return severityId(severity) < severityId(least) ? least : severity;
}
