/**
 * Why there are two gates: what node-saml 5.1.0 by itself accepts, configured as strictly as it can be. When a case
 * here begins to fail, node-saml has learned a rule, and the gates still hold it.
 */
import { SAML, ValidateInResponseTo } from '@node-saml/node-saml';
import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../protocol/errors.ts';
import { makeResponse, type ResponseOverrides, toField } from '../fakes/saml-idp/make-response.ts';
import { ACS, bring, context, expectRefused, IDP, idpKeys, NOW, REQUEST, SP } from './fixture.ts';

const known = async (id: string | null) => (id === REQUEST ? new Date(NOW).toISOString() : null);

function nodeSaml(wantAuthnResponseSigned: boolean): SAML {
  return new SAML({
    issuer: SP,
    audience: SP,
    callbackUrl: ACS,
    idpCert: idpKeys.certificate,
    idpIssuer: IDP,
    wantAssertionsSigned: true,
    wantAuthnResponseSigned,
    validateInResponseTo: ValidateInResponseTo.always,
    cacheProvider: { saveAsync: async () => null, getAsync: known, removeAsync: known },
  });
}

const ACCEPTED: readonly [name: string, overrides: ResponseOverrides, ours: ErrorCode][] = [
  ['a Recipient elsewhere', { recipient: 'https://evil.example/acs' }, 'saml_recipient'],
  ['a Destination elsewhere', { destination: 'https://evil.example/acs' }, 'saml_destination'],
  ['an assertion of another issuer', { assertionIssuer: 'https://evil.example' }, 'saml_issuer'],
  ['a Response of another issuer', { responseIssuer: 'https://evil.example' }, 'saml_issuer'],
  [
    'a holder-of-key confirmation',
    { confirmationMethod: 'urn:oasis:names:tc:SAML:2.0:cm:holder-of-key' },
    'saml_confirmation',
  ],
  [
    'a failure status with an assertion',
    { statusXml: '<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"/>' },
    'upstream_refused',
  ],
  [
    'RSA with SHA-1',
    { signing: { signatureAlgorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1' } },
    'saml_algorithm',
  ],
  ['no AuthnStatement', { authnStatementXml: '' }, 'saml_authn_statement'],
  ['a session that has ended', { sessionNotOnOrAfter: NOW - 3_600_000 }, 'saml_expired'],
  [
    'an attribute given twice',
    {
      attributes: [
        ['mail', ['a@x']],
        ['mail', ['b@x']],
      ],
    },
    'saml_attributes',
  ],
  ['an empty NameID', { nameIdXml: '<saml:NameID/>' }, 'saml_subject'],
  ['a document type declaration', { editSignedResponse: (xml) => `<!DOCTYPE x>${xml}` }, 'saml_doctype'],
  ['an assertion for no request', { confirmationInResponseTo: null }, 'saml_in_response_to'],
];

describe('node-saml alone accepts, and the gates refuse,', () => {
  test.each(ACCEPTED)('%s', async (_name, overrides, ours) => {
    const xml = await makeResponse(context, overrides);
    const alone = await nodeSaml(true).validatePostResponseAsync({ SAMLResponse: toField(xml) });
    expect(alone.profile).not.toBeNull();
    await expectRefused(bring(xml), ours);
  });

  test('an assertion of an earlier sign-in, where it names no request itself', async () => {
    const old = await makeResponse(
      { ...context, requestId: '_earlier' },
      { confirmationInResponseTo: null, signResponse: false },
    );
    const replayed = old.replace('InResponseTo="_earlier"', `InResponseTo="${REQUEST}"`);
    const alone = await nodeSaml(false).validatePostResponseAsync({ SAMLResponse: toField(replayed) });
    expect(alone.profile?.nameID).toBe('p-4711');
    await expectRefused(bring(replayed), 'saml_in_response_to');
  });
});
