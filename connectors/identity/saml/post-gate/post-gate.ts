/**
 * The second gate. It reads the assertion from the bytes that the signature covers and from nothing else; what it
 * returns is all that leaves this connector. The order of the rules stands in readAssertion.
 */
import { ASSERTION_AGE_S } from '../../../../bridge/lib/limits.ts';
import { NS } from '../names.ts';
import { checkIssuer, type Expected } from '../pre-gate/response-head.ts';
import { checkWellFormed } from '../pre-gate/well-formed.ts';
import { refuse } from '../refuse.ts';
import { attributeOf, isNamed, parseXml, rootOf } from '../xml.ts';
import { readAttributes, type SamlAttributes } from './attributes.ts';
import { type AuthnStatement, readAuthnStatement } from './authn-statement.ts';
import { checkConditions } from './conditions.ts';
import { readConfirmation } from './confirmation.ts';
import { type NameId, readNameId } from './name-id.ts';
import { checkNotBefore, checkNotOnOrAfter, type Now, requiredTimeOf } from './signed-time.ts';

export interface AssertionExpected extends Expected {
  readonly spEntityId: string;
}

/** What the signed assertion says, every rule kept. Times in milliseconds. */
export interface VerifiedAssertion {
  readonly id: string;
  readonly nameId: NameId;
  readonly attributes: SamlAttributes;
  readonly authn: AuthnStatement;
  /** The last moment at which this assertion would still be accepted. */
  readonly replayableUntil: number;
}

export function readAssertion(signedXml: string, expected: AssertionExpected, now: Now): VerifiedAssertion {
  const assertion = rootOf(parseXml(checkWellFormed(signedXml)));
  checkIsAssertion(assertion);
  checkIssuer(assertion, expected);
  const issued = readIssueInstant(assertion, now);
  checkConditions(assertion, expected.spEntityId, now);
  const confirmedUntil = readConfirmation(assertion, expected, now);
  return {
    id: readId(assertion),
    nameId: readNameId(assertion, expected),
    authn: readAuthnStatement(assertion, now),
    attributes: readAttributes(assertion),
    replayableUntil: Math.min(confirmedUntil, issued + ASSERTION_AGE_S * 1000) + now.skewMs,
  };
}

function checkIsAssertion(root: Element): void {
  if (!isNamed(root, NS.assertion, 'Assertion')) refuse('saml_signature', 'what is signed is no assertion');
  if (attributeOf(root, 'Version') !== '2.0') refuse('saml_malformed', 'the version is not 2.0');
}

/** An IdP may confirm for a year; nobody needs that long to be redirected. */
function readIssueInstant(assertion: Element, now: Now): number {
  const issued = requiredTimeOf(assertion, 'IssueInstant', 'saml_malformed');
  checkNotBefore(issued, 'the assertion was issued in the future', now);
  checkNotOnOrAfter(issued + ASSERTION_AGE_S * 1000, 'the assertion was issued too long ago', now);
  return issued;
}

function readId(assertion: Element): string {
  return attributeOf(assertion, 'ID') ?? refuse('saml_malformed', 'the assertion has no ID');
}
