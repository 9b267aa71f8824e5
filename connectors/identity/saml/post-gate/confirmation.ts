/** The bearer confirmation (SAML Profiles §4.1.4.2, §4.1.4.3): who may bring the assertion, where, until when. */
import { CONFIRMATION_BEARER, NS } from '../names.ts';
import type { Expected } from '../pre-gate/response-head.ts';
import { refuse } from '../refuse.ts';
import { attributeOf, onlyChild } from '../xml.ts';
import { checkNotBefore, checkNotOnOrAfter, type Now, requiredTimeOf, timeOf } from './signed-time.ts';

/** Returns when the assertion can no longer be brought, in milliseconds. */
export function readConfirmation(assertion: Element, expected: Expected, now: Now): number {
  const subject = onlyChild(assertion, NS.assertion, 'Subject', 'saml_subject');
  const confirmation = onlyChild(subject, NS.assertion, 'SubjectConfirmation', 'saml_confirmation');
  checkBearer(confirmation);
  const data = onlyChild(confirmation, NS.assertion, 'SubjectConfirmationData', 'saml_confirmation');
  checkRecipient(data, expected);
  checkInResponseTo(data, expected);
  checkNotBefore(timeOf(data, 'NotBefore'), 'the confirmation is not yet valid', now);
  const until = requiredTimeOf(data, 'NotOnOrAfter', 'saml_confirmation');
  checkNotOnOrAfter(until, 'the confirmation has expired', now);
  return until;
}

function checkBearer(confirmation: Element): void {
  if (attributeOf(confirmation, 'Method') !== CONFIRMATION_BEARER) {
    refuse('saml_confirmation', 'the confirmation is not of the bearer kind');
  }
}

function checkRecipient(data: Element, { acsUrl }: Expected): void {
  if (attributeOf(data, 'Recipient') !== acsUrl)
    refuse('saml_recipient', 'the Recipient is not this service');
}

/** Required, not only compared where present: without it, an assertion could be replayed into another sign-in. */
function checkInResponseTo(data: Element, { requestId }: Expected): void {
  if (attributeOf(data, 'InResponseTo') !== requestId) {
    refuse('saml_in_response_to', 'the assertion answers another request, or none');
  }
}
