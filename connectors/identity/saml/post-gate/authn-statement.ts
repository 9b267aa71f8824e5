/** AuthnStatement (SAML Core §2.7.2): how and when the person signed in at the IdP. */
import { NS } from '../names.ts';
import { onlyChild, optionalChild, textOf } from '../xml.ts';
import { checkNotBefore, checkNotOnOrAfter, type Now, requiredTimeOf, timeOf } from './signed-time.ts';

export interface AuthnStatement {
  /** AuthnContextClassRef, as sent. */
  readonly contextClass: string | null;
  /** AuthnInstant in milliseconds. */
  readonly instant: number;
}

export function readAuthnStatement(assertion: Element, now: Now): AuthnStatement {
  const statement = onlyChild(assertion, NS.assertion, 'AuthnStatement', 'saml_authn_statement');
  const instant = requiredTimeOf(statement, 'AuthnInstant', 'saml_authn_statement');
  checkNotBefore(instant, 'the sign-in is in the future', now);
  checkNotOnOrAfter(timeOf(statement, 'SessionNotOnOrAfter'), 'the session at the IdP has ended', now);
  const context = onlyChild(statement, NS.assertion, 'AuthnContext', 'saml_authn_statement');
  const reference = optionalChild(context, NS.assertion, 'AuthnContextClassRef', 'saml_authn_statement');
  return {
    contextClass: reference === undefined ? null : textOf(reference, 'saml_authn_statement') || null,
    instant,
  };
}
