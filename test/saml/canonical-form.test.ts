/**
 * A response signed by hand: what is signed below is written in its canonical form (Exclusive XML Canonicalization),
 * so that no XML library stands on both sides. Its reference has a list of prefixes, as several providers send it.
 */
import { createHash, createSign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { certificateBody } from '../fakes/saml-idp/key-pair.ts';
import { encryptElement } from '../fakes/saml-idp/xml-security.ts';
import { ACS, bring, expectRefused, IDP, idpKeys, NOW, REQUEST, SP, spKeys } from './fixture.ts';

const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const time = (offset: number) => new Date(NOW + offset).toISOString();

const ASSERTION =
  `<a:Assertion xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion" ID="_byhand" IssueInstant="${time(0)}" Version="2.0">` +
  `<a:Issuer>${IDP}</a:Issuer><a:Subject>` +
  '<a:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">p-4711</a:NameID>' +
  '<a:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">' +
  `<a:SubjectConfirmationData InResponseTo="${REQUEST}" NotOnOrAfter="${time(60_000)}" Recipient="${ACS}"></a:SubjectConfirmationData>` +
  `</a:SubjectConfirmation></a:Subject><a:Conditions><a:AudienceRestriction><a:Audience>${SP}</a:Audience></a:AudienceRestriction></a:Conditions>` +
  `<a:AuthnStatement AuthnInstant="${time(0)}"><a:AuthnContext></a:AuthnContext></a:AuthnStatement>` +
  '<a:AttributeStatement><a:Attribute Name="mail">' +
  '<a:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">' +
  'rosa&amp;co@globex.example</a:AttributeValue></a:Attribute></a:AttributeStatement></a:Assertion>';

function signedInfo(assertion: string): string {
  const digest = createHash('sha256').update(assertion).digest('base64');
  return (
    `<ds:SignedInfo xmlns:ds="${DSIG}"><ds:CanonicalizationMethod Algorithm="${EXCLUSIVE}"></ds:CanonicalizationMethod>` +
    '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></ds:SignatureMethod>' +
    `<ds:Reference URI="#_byhand"><ds:Transforms><ds:Transform Algorithm="${DSIG}enveloped-signature"></ds:Transform>` +
    `<ds:Transform Algorithm="${EXCLUSIVE}"><ec:InclusiveNamespaces xmlns:ec="${EXCLUSIVE}" PrefixList="xs"></ec:InclusiveNamespaces></ds:Transform>` +
    '</ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>' +
    `<ds:DigestValue>${digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>`
  );
}

/** As providers send it: the namespace declared once, on the Signature. */
function signed(assertion: string): string {
  const info = signedInfo(assertion);
  const value = createSign('RSA-SHA256').update(info).sign(idpKeys.privateKey, 'base64');
  const key = `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificateBody(idpKeys.certificate)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`;
  const signature = `<ds:Signature xmlns:ds="${DSIG}">${info.replace(` xmlns:ds="${DSIG}"`, '')}<ds:SignatureValue>${value}</ds:SignatureValue>${key}</ds:Signature>`;
  return assertion.replace('</a:Issuer>', `</a:Issuer>${signature}`);
}

function response(inner: string): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    '<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:s="urn:oasis:names:tc:SAML:2.0:assertion"' +
    ` ID="_response" Version="2.0" IssueInstant="${time(0)}" Destination="${ACS}" InResponseTo="${REQUEST}">\n` +
    `  <s:Issuer>${IDP}</s:Issuer>\n` +
    `  <p:Status><p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></p:Status>${inner}</p:Response>`
  );
}

describe('a response that no XML library has signed', () => {
  test('is accepted', async () => {
    const identity = await bring(response(signed(ASSERTION)));
    expect(identity).toMatchObject({ subject: 'p-4711', addresses: ['rosa&co@globex.example'] });
  });

  test('is accepted encrypted', async () => {
    const data = await encryptElement(signed(ASSERTION), spKeys.certificate);
    const identity = await bring(response(`<s:EncryptedAssertion>${data}</s:EncryptedAssertion>`));
    expect(identity).toMatchObject({ subject: 'p-4711', addresses: ['rosa&co@globex.example'] });
  });

  test('is accepted in another spelling with the same canonical form', async () => {
    const respelled = signed(ASSERTION)
      .replace('></a:AuthnContext>', ' />')
      .replace('rosa&amp;co', 'ros&#97;&#x26;co')
      .replace(/ID="_byhand" (IssueInstant="[^"]*")/, "$1\n ID = '_byhand'");
    expect(await bring(response(respelled))).toMatchObject({ addresses: ['rosa&co@globex.example'] });
  });

  test('is refused with one more space in a value', async () => {
    await expectRefused(
      bring(response(signed(ASSERTION).replace('>p-4711<', '>p-4711 <'))),
      'saml_signature',
    );
  });

  test('is refused where a prefix of the list means something else', async () => {
    const changed = signed(ASSERTION).replace('http://www.w3.org/2001/XMLSchema"', 'urn:other"');
    await expectRefused(bring(response(changed)), 'saml_signature');
  });
});
