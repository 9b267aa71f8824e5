/**
 * Makes a SAML response, true by default, false wherever `overrides` say so. `null` leaves a part out. The `edit`
 * functions see the XML between the steps, so that a test can break what is signed, or break it after signing.
 */
import { randomBytes } from 'node:crypto';
import type { KeyPair } from './key-pair.ts';
import { type EncryptionOptions, encryptElement, type SigningOptions, signElement } from './xml-security.ts';

/** What every response of a sign-in shares. Times in milliseconds since the epoch. */
export interface ResponseContext {
  readonly idpEntityId: string;
  readonly keys: KeyPair;
  readonly spEntityId: string;
  readonly acsUrl: string;
  readonly requestId: string;
  readonly now: number;
  readonly nameId: string;
  readonly attributes: readonly Attribute[];
}

export type Attribute = readonly [name: string, values: readonly string[]];

export interface ResponseOverrides {
  readonly destination?: string | null;
  readonly responseIssuer?: string | null;
  readonly responseInResponseTo?: string | null;
  readonly statusXml?: string;
  readonly assertionId?: string;
  readonly assertionIssuer?: string | null;
  readonly nameIdXml?: string;
  readonly nameIdFormat?: string;
  readonly confirmationMethod?: string;
  readonly recipient?: string | null;
  readonly confirmationInResponseTo?: string | null;
  readonly confirmationNotBefore?: number;
  readonly confirmationNotOnOrAfter?: number | null;
  readonly subjectXml?: string;
  readonly audience?: string;
  readonly notBefore?: number;
  readonly notOnOrAfter?: number;
  readonly conditionsXml?: string;
  readonly authnInstant?: number;
  readonly sessionNotOnOrAfter?: number;
  readonly authnStatementXml?: string;
  readonly attributes?: readonly Attribute[];
  readonly attributesXml?: string;
  readonly signResponse?: boolean;
  readonly signAssertion?: boolean;
  readonly signWith?: KeyPair;
  readonly signing?: SigningOptions;
  /** Encrypt the assertion for this certificate. */
  readonly encryptFor?: string;
  readonly encryption?: EncryptionOptions;
  readonly editAssertion?: (xml: string) => string;
  readonly editSignedAssertion?: (xml: string) => string;
  readonly editEncrypted?: (xml: string) => string;
  readonly editResponse?: (xml: string) => string;
  readonly editSignedResponse?: (xml: string) => string;
}

export const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
const MINUTE = 60_000;

/** The response as XML. */
export async function makeResponse(
  context: ResponseContext,
  overrides: ResponseOverrides = {},
): Promise<string> {
  const keys = overrides.signWith ?? context.keys;
  const assertionId = overrides.assertionId ?? newId();
  let assertion = edit(assertionXml(context, overrides, assertionId), overrides.editAssertion);
  if (overrides.signAssertion !== false)
    assertion = signElement(assertion, assertionId, keys, overrides.signing);
  assertion = edit(assertion, overrides.editSignedAssertion);
  if (overrides.encryptFor !== undefined) {
    const data = await encryptElement(assertion, overrides.encryptFor, overrides.encryption);
    assertion = edit(`<saml:EncryptedAssertion>${data}</saml:EncryptedAssertion>`, overrides.editEncrypted);
  }
  const responseId = newId();
  let response = edit(responseXml(context, overrides, responseId, assertion), overrides.editResponse);
  if (overrides.signResponse !== false) response = signElement(response, responseId, keys, overrides.signing);
  return edit(response, overrides.editSignedResponse);
}

/** The form field that carries a message. */
export function toField(xml: string): string {
  return Buffer.from(xml, 'utf8').toString('base64');
}

export function newId(): string {
  return `_${randomBytes(16).toString('hex')}`;
}

function responseXml(context: ResponseContext, overrides: ResponseOverrides, id: string, inner: string) {
  const issuer = or(overrides.responseIssuer, context.idpEntityId);
  const status =
    overrides.statusXml ?? '<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>';
  return (
    '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"' +
    ` ID="${id}" Version="2.0" IssueInstant="${time(context.now)}"` +
    attribute('Destination', or(overrides.destination, context.acsUrl)) +
    attribute('InResponseTo', or(overrides.responseInResponseTo, context.requestId)) +
    `>${issuer === null ? '' : `<saml:Issuer>${issuer}</saml:Issuer>`}<samlp:Status>${status}</samlp:Status>${inner}</samlp:Response>`
  );
}

function assertionXml(context: ResponseContext, overrides: ResponseOverrides, id: string) {
  const issuer = or(overrides.assertionIssuer, context.idpEntityId);
  return (
    '<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"' +
    ` ID="${id}" Version="2.0" IssueInstant="${time(context.now)}">` +
    (issuer === null ? '' : `<saml:Issuer>${issuer}</saml:Issuer>`) +
    (overrides.subjectXml ?? subjectXml(context, overrides)) +
    (overrides.conditionsXml ?? conditionsXml(context, overrides)) +
    (overrides.authnStatementXml ?? authnStatementXml(context, overrides)) +
    (overrides.attributesXml ?? attributesXml(overrides.attributes ?? context.attributes)) +
    '</saml:Assertion>'
  );
}

function subjectXml(context: ResponseContext, overrides: ResponseOverrides) {
  const format = overrides.nameIdFormat ?? PERSISTENT;
  const nameId =
    overrides.nameIdXml ?? `<saml:NameID Format="${format}">${toXml(context.nameId)}</saml:NameID>`;
  const method = overrides.confirmationMethod ?? 'urn:oasis:names:tc:SAML:2.0:cm:bearer';
  const { confirmationNotBefore: notBefore, confirmationNotOnOrAfter: notAfter } = overrides;
  return (
    `<saml:Subject>${nameId}<saml:SubjectConfirmation Method="${method}"><saml:SubjectConfirmationData` +
    attribute('Recipient', or(overrides.recipient, context.acsUrl)) +
    attribute('InResponseTo', or(overrides.confirmationInResponseTo, context.requestId)) +
    attribute('NotBefore', notBefore === undefined ? null : time(notBefore)) +
    attribute('NotOnOrAfter', notAfter === null ? null : time(notAfter ?? context.now + 5 * MINUTE)) +
    '/></saml:SubjectConfirmation></saml:Subject>'
  );
}

function conditionsXml(context: ResponseContext, overrides: ResponseOverrides) {
  const audience = overrides.audience ?? context.spEntityId;
  return (
    '<saml:Conditions' +
    attribute('NotBefore', time(overrides.notBefore ?? context.now)) +
    attribute('NotOnOrAfter', time(overrides.notOnOrAfter ?? context.now + 5 * MINUTE)) +
    `><saml:AudienceRestriction><saml:Audience>${audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>`
  );
}

function authnStatementXml(context: ResponseContext, overrides: ResponseOverrides) {
  const until = overrides.sessionNotOnOrAfter;
  return (
    '<saml:AuthnStatement SessionIndex="_session"' +
    attribute('AuthnInstant', time(overrides.authnInstant ?? context.now)) +
    attribute('SessionNotOnOrAfter', until === undefined ? null : time(until)) +
    '><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport' +
    '</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>'
  );
}

export function attributesXml(attributes: readonly Attribute[]): string {
  if (attributes.length === 0) return '';
  const each = attributes.map(([name, values]) => {
    const inner = values.map((value) => `<saml:AttributeValue>${toXml(value)}</saml:AttributeValue>`);
    return `<saml:Attribute Name="${toXml(name)}">${inner.join('')}</saml:Attribute>`;
  });
  return `<saml:AttributeStatement>${each.join('')}</saml:AttributeStatement>`;
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function attribute(name: string, value: string | null): string {
  return value === null ? '' : ` ${name}="${toXml(value)}"`;
}

function or(value: string | null | undefined, usual: string): string | null {
  return value === undefined ? usual : value;
}

function edit(xml: string, change: ((xml: string) => string) | undefined): string {
  return change === undefined ? xml : change(xml);
}

function toXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
