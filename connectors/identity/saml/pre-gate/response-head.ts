/**
 * What the Response says of itself (SAML Core §3.2.2). It may be unsigned: these rules only refuse; nothing here is
 * believed later. The signed assertion repeats what matters, and the post-gate reads it there.
 */
import { NAME_ID, NS, STATUS_SUCCESS } from '../names.ts';
import { refuse } from '../refuse.ts';
import { attributeOf, childrenNamed, isNamed, onlyChild, textOf } from '../xml.ts';

/** What this sign-in expects; ours, not the message's. */
export interface Expected {
  readonly acsUrl: string;
  readonly idpEntityId: string;
  readonly requestId: string;
}

export function checkIsResponse(root: Element): void {
  if (!isNamed(root, NS.protocol, 'Response')) refuse('saml_malformed', 'the message is not a Response');
  if (attributeOf(root, 'Version') !== '2.0') refuse('saml_malformed', 'the version is not 2.0');
}

export function checkDestination(response: Element, expected: Expected): void {
  if (attributeOf(response, 'Destination') !== expected.acsUrl) {
    refuse('saml_destination', 'the Destination is not this service');
  }
}

export function checkResponseIssuer(response: Element, expected: Expected): void {
  checkIssuer(response, expected);
}

export function checkResponseInResponseTo(response: Element, expected: Expected): void {
  if (attributeOf(response, 'InResponseTo') !== expected.requestId) {
    refuse('saml_in_response_to', 'the Response answers another request, or none');
  }
}

export function checkStatus(response: Element): void {
  const status = onlyChild(response, NS.protocol, 'Status', 'saml_malformed');
  const code = onlyChild(status, NS.protocol, 'StatusCode', 'saml_malformed');
  if (attributeOf(code, 'Value') === STATUS_SUCCESS) return;
  const nested = childrenNamed(code, NS.protocol, 'StatusCode');
  const names = [code, ...nested].map(statusName).filter((name) => name !== undefined);
  refuse(
    'upstream_refused',
    `the identity provider answered ${names.join(', ') || 'with an unknown status'}`,
  );
}

/** The Issuer of a Response or an Assertion: exactly one, exactly the configured entity id (SAML Core §2.2.5). */
export function checkIssuer(parent: Element, expected: Pick<Expected, 'idpEntityId'>): void {
  const issuer = onlyChild(parent, NS.assertion, 'Issuer', 'saml_issuer');
  const format = attributeOf(issuer, 'Format');
  if (format !== undefined && format !== NAME_ID.entity) refuse('saml_issuer', 'the Issuer is not an entity');
  if (textOf(issuer, 'saml_issuer') !== expected.idpEntityId)
    refuse('saml_issuer', 'the Issuer is another one');
}

// Attacker-controlled: only the standard's own short names are repeated to the reader.
function statusName(code: Element): string | undefined {
  return /^urn:oasis:names:tc:SAML:2\.0:status:([A-Za-z]{1,40})$/.exec(attributeOf(code, 'Value') ?? '')?.[1];
}
