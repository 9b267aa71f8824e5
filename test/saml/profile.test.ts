/** What a truly signed assertion may still not say (SAML Profiles §4.1.4). node-saml alone accepts most of these. */
import { describe, expect, test } from 'vitest';
import { readAssertion } from '../../connectors/identity/saml/post-gate/post-gate.ts';
import { makeResponse, type ResponseOverrides, toField } from '../fakes/saml-idp/make-response.ts';
import {
  ACS,
  bring,
  connector,
  context,
  expectRefused,
  IDP,
  NOW,
  otherKeys,
  REQUEST,
  SP,
  signIn,
  spKeys,
} from './fixture.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const STATUS = 'urn:oasis:names:tc:SAML:2.0:status:';
const CM = 'urn:oasis:names:tc:SAML:2.0:cm:';

const REFUSED: readonly [
  name: string,
  overrides: ResponseOverrides,
  code: Parameters<typeof expectRefused>[1],
][] = [
  ['a Destination elsewhere', { destination: 'https://evil.example/acs' }, 'saml_destination'],
  ['no Destination', { destination: null }, 'saml_destination'],
  ['a Recipient elsewhere', { recipient: 'https://evil.example/acs' }, 'saml_recipient'],
  ['no Recipient', { recipient: null }, 'saml_recipient'],
  ['a Response of another issuer', { responseIssuer: 'https://evil.example' }, 'saml_issuer'],
  ['a Response without issuer', { responseIssuer: null, signResponse: false }, 'saml_issuer'],
  ['an assertion of another issuer', { assertionIssuer: 'https://evil.example' }, 'saml_issuer'],
  ['an issuer that only begins like ours', { assertionIssuer: `${IDP}.evil.example` }, 'saml_issuer'],
  ['an audience elsewhere', { audience: 'https://other.example/saml' }, 'saml_audience'],
  ['an audience that only begins like ours', { audience: `${SP}.evil.example` }, 'saml_audience'],
  ['a Response to another request', { responseInResponseTo: '_other' }, 'saml_in_response_to'],
  ['an unsolicited Response', { responseInResponseTo: null }, 'saml_in_response_to'],
  ['an assertion for another request', { confirmationInResponseTo: '_other' }, 'saml_in_response_to'],
  ['an assertion for no request', { confirmationInResponseTo: null }, 'saml_in_response_to'],
  ['holder-of-key confirmation', { confirmationMethod: `${CM}holder-of-key` }, 'saml_confirmation'],
  ['sender-vouches confirmation', { confirmationMethod: `${CM}sender-vouches` }, 'saml_confirmation'],
  ['a confirmation without end', { confirmationNotOnOrAfter: null }, 'saml_confirmation'],
  ['an expired confirmation', { confirmationNotOnOrAfter: NOW - 61 * SECOND }, 'saml_expired'],
  ['a confirmation not yet valid', { confirmationNotBefore: NOW + 2 * MINUTE }, 'saml_not_yet_valid'],
  ['expired conditions', { notOnOrAfter: NOW - 61 * SECOND }, 'saml_expired'],
  ['conditions not yet valid', { notBefore: NOW + 2 * MINUTE }, 'saml_not_yet_valid'],
  ['a session that has ended', { sessionNotOnOrAfter: NOW - 2 * MINUTE }, 'saml_expired'],
  ['a sign-in in the future', { authnInstant: NOW + 2 * MINUTE }, 'saml_not_yet_valid'],
  ['no conditions', { conditionsXml: '' }, 'saml_conditions'],
  ['no audience', { conditionsXml: '<saml:Conditions/>' }, 'saml_audience'],
  [
    'a condition that is not understood',
    { conditionsXml: '<saml:Conditions><saml:Condition/></saml:Conditions>' },
    'saml_conditions',
  ],
  ['no AuthnStatement', { authnStatementXml: '' }, 'saml_authn_statement'],
  [
    'two AuthnStatements',
    { editAssertion: (xml) => xml.replace(/<saml:AuthnStatement .*<\/saml:AuthnStatement>/, '$&$&') },
    'saml_authn_statement',
  ],
  [
    'an AuthnStatement without AuthnInstant',
    { editAssertion: (xml) => xml.replace(/ AuthnInstant="[^"]*"/, '') },
    'saml_authn_statement',
  ],
  [
    'an AuthnStatement without AuthnContext',
    { editAssertion: (xml) => xml.replace(/<saml:AuthnContext>.*<\/saml:AuthnContext>/, '') },
    'saml_authn_statement',
  ],
  ['no Subject', { subjectXml: '' }, 'saml_subject'],
  [
    'no SubjectConfirmation',
    { subjectXml: '<saml:Subject><saml:NameID>x</saml:NameID></saml:Subject>' },
    'saml_confirmation',
  ],
  [
    'two SubjectConfirmations',
    {
      editAssertion: (xml) => xml.replace(/<saml:SubjectConfirmation .*<\/saml:SubjectConfirmation>/, '$&$&'),
    },
    'saml_confirmation',
  ],
  ['no NameID', { nameIdXml: '' }, 'saml_subject'],
  ['an empty NameID', { nameIdXml: '<saml:NameID/>' }, 'saml_subject'],
  ['a NameID of white space', { nameIdXml: '<saml:NameID> \n </saml:NameID>' }, 'saml_subject'],
  ['a NameID with an element in it', { nameIdXml: '<saml:NameID>a<saml:b/>c</saml:NameID>' }, 'saml_subject'],
  [
    'a NameID that is too long',
    { nameIdXml: `<saml:NameID>${'x'.repeat(257)}</saml:NameID>` },
    'saml_subject',
  ],
  ['two NameIDs', { nameIdXml: '<saml:NameID>a</saml:NameID><saml:NameID>b</saml:NameID>' }, 'saml_subject'],
  [
    'a transient NameID',
    { nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient' },
    'saml_subject',
  ],
  ['a NameID without format', { nameIdXml: '<saml:NameID>p-4711</saml:NameID>' }, 'saml_subject'],
  [
    'a NameID of another service',
    { nameIdXml: '<saml:NameID SPNameQualifier="https://other.example">x</saml:NameID>' },
    'saml_subject',
  ],
  [
    'a NameID of another provider',
    { nameIdXml: '<saml:NameID NameQualifier="https://other.example">x</saml:NameID>' },
    'saml_subject',
  ],
  [
    'an attribute given twice',
    {
      attributes: [
        ['mail', ['a@x.example']],
        ['mail', ['b@x.example']],
      ],
    },
    'saml_attributes',
  ],
  ['an attribute without name', { attributes: [['', ['x']]] }, 'saml_attributes'],
  [
    'an encrypted attribute',
    { attributesXml: '<saml:AttributeStatement><saml:EncryptedAttribute/></saml:AttributeStatement>' },
    'saml_attributes',
  ],
  [
    'a mapped attribute with an element in it',
    {
      attributesXml:
        '<saml:AttributeStatement><saml:Attribute Name="mail"><saml:AttributeValue>a@x.example<saml:x/></saml:AttributeValue></saml:Attribute></saml:AttributeStatement>',
    },
    'saml_attributes',
  ],
  [
    'a flood of attributes',
    { attributes: Array.from({ length: 201 }, (_, index) => [`a${index}`, ['x']] as const) },
    'saml_attributes',
  ],
  [
    'a flood of attribute values',
    { attributes: [['groups', Array.from({ length: 1001 }, () => 'x')]] },
    'saml_attributes',
  ],
  ['an attribute value that is too long', { attributes: [['mail', ['x'.repeat(4097)]]] }, 'saml_attributes'],
  [
    'a time in another zone',
    { editAssertion: (xml) => xml.replace(/(NotOnOrAfter="[^"]*)Z"/, '$1+00:00"') },
    'saml_malformed',
  ],
  [
    'a day that does not exist',
    { editAssertion: (xml) => xml.replace(/NotOnOrAfter="[^"]*"/, 'NotOnOrAfter="2026-13-41T00:00:00Z"') },
    'saml_malformed',
  ],
  [
    'an assertion issued in the future',
    { editAssertion: (xml) => xml.replace(/IssueInstant="[^"]*"/, 'IssueInstant="2126-01-01T00:00:00Z"') },
    'saml_not_yet_valid',
  ],
  [
    'an assertion of another version',
    { editAssertion: (xml) => xml.replace('Version="2.0"', 'Version="1.1"') },
    'saml_malformed',
  ],
  [
    'a Response of another version',
    { editResponse: (xml) => xml.replace('Version="2.0"', 'Version="1.1"') },
    'saml_malformed',
  ],
  [
    'an issuer that is no entity',
    {
      editAssertion: (xml) =>
        xml.replace(
          '<saml:Issuer>',
          '<saml:Issuer Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">',
        ),
    },
    'saml_issuer',
  ],
  [
    'a failure status with an assertion',
    { statusXml: `<samlp:StatusCode Value="${STATUS}Responder"/>` },
    'upstream_refused',
  ],
];

describe('a signed response is refused', () => {
  test.each(REFUSED)('with %s', async (_name, overrides, code) => {
    await expectRefused(signIn(overrides), code);
  });

  test('with the status in plain words, and nothing that the message says besides', async () => {
    const statusXml =
      `<samlp:StatusCode Value="${STATUS}Responder"><samlp:StatusCode Value="${STATUS}AuthnFailed"/></samlp:StatusCode>` +
      '<samlp:StatusMessage>call +1 555 0100</samlp:StatusMessage>';
    await expectRefused(signIn({ statusXml }), 'upstream_refused', /^[^+]*answered Responder, AuthnFailed$/);
    await expectRefused(
      signIn({ statusXml: '<samlp:StatusCode Value="urn:x:call-us"/>' }),
      'upstream_refused',
      /unknown status$/,
    );
  });

  test('in another sign-in than the one that it answers', async () => {
    const xml = await makeResponse(context);
    const form = { SAMLResponse: Buffer.from(xml).toString('base64') };
    await expectRefused(
      connector().complete({ protocol: 'saml', form }, { requestId: '_later' }),
      'saml_in_response_to',
    );
    await expectRefused(connector().complete({ protocol: 'saml', form }, {}), 'saml_in_response_to');
  });

  test('in another sign-in although its unsigned Response was changed to answer that one', async () => {
    const xml = await makeResponse(context, { signResponse: false });
    const changed = xml.replace(`InResponseTo="${REQUEST}"`, 'InResponseTo="_later"');
    const form = { SAMLResponse: Buffer.from(changed).toString('base64') };
    await expectRefused(
      connector().complete({ protocol: 'saml', form }, { requestId: '_later' }),
      'saml_in_response_to',
    );
  });
});

test('an assertion is refused five minutes after it was issued, however long it says it holds', async () => {
  const overrides = { confirmationNotOnOrAfter: NOW + 60 * MINUTE, notOnOrAfter: NOW + 60 * MINUTE };
  const identity = await signIn(overrides, {}, { now: NOW + 6 * MINUTE - 1 });
  expect(identity.assertionExpires).toBe(Math.ceil((NOW + 6 * MINUTE) / 1000));
  await expectRefused(signIn(overrides, {}, { now: NOW + 6 * MINUTE }), 'saml_expired', /too long ago/);
});

describe('the clocks may differ', () => {
  test('by a minute and no more', async () => {
    expect(await signIn({ confirmationNotOnOrAfter: NOW - 59 * SECOND })).toMatchObject({
      subject: 'p-4711',
    });
    expect(await signIn({ notBefore: NOW + 60 * SECOND })).toMatchObject({ subject: 'p-4711' });
    await expectRefused(signIn({ confirmationNotOnOrAfter: NOW - 60 * SECOND }), 'saml_expired');
    await expectRefused(signIn({ notBefore: NOW + 60 * SECOND + 1 }), 'saml_not_yet_valid');
    await expect(signIn({ notBefore: NOW + 10 * MINUTE })).rejects.toMatchObject({
      detail:
        `the conditions are not yet met: the identity provider wrote ${new Date(NOW + 10 * MINUTE).toISOString()}, ` +
        `and the clock of this bridge shows ${new Date(NOW).toISOString()}`,
    });
  });

  test('by what the connection says, up to five minutes', async () => {
    await expectRefused(signIn({ notOnOrAfter: NOW - SECOND }, { clockSkewMs: 0 }), 'saml_expired');
    expect(await signIn({ notOnOrAfter: NOW - 4 * MINUTE }, { clockSkewMs: 5 * MINUTE })).toBeDefined();
    await expectRefused(() => connector({ clockSkewMs: 5 * MINUTE + 1 }), 'config_invalid');
    await expectRefused(() => connector({ clockSkewMs: -1 }), 'config_invalid');
  });
});

test('an encrypted attribute is refused as such, with a name or without', async () => {
  const encrypted =
    '<saml:EncryptedAttribute Name="mail"><saml:AttributeValue>x</saml:AttributeValue></saml:EncryptedAttribute>';
  const attributesXml = `<saml:AttributeStatement>${encrypted}</saml:AttributeStatement>`;
  await expectRefused(signIn({ attributesXml }), 'saml_attributes', /is encrypted/);
});

test('the second gate reads an assertion and nothing else', async () => {
  const expected = { acsUrl: ACS, idpEntityId: IDP, requestId: REQUEST, spEntityId: SP };
  const response = await makeResponse(context);
  await expectRefused(
    () => readAssertion(response, expected, { now: NOW, skewMs: 0 }),
    'saml_signature',
    /no assertion/,
  );
});

test('an earlier sign-in is refused where a fresh one was asked for, whatever became of ForceAuthn', async () => {
  const complete = async (authnInstant: number) => {
    const form = { SAMLResponse: toField(await makeResponse(context, { authnInstant })) };
    const pending = { requestId: REQUEST, freshSince: String(NOW) };
    return connector().complete({ protocol: 'saml', form }, pending);
  };
  await expectRefused(complete(NOW - 10 * MINUTE), 'saml_authn_statement', /fresh/);
  expect((await complete(NOW)).subject).toBe('p-4711');
});

describe('what is read from the assertion', () => {
  test('is the id that is consumed once and how long it must be remembered', async () => {
    const identity = await signIn({ assertionId: '_once', confirmationNotOnOrAfter: NOW + 5 * MINUTE });
    expect(identity.assertionId).toBe('_once');
    expect(identity.assertionExpires).toBe(Math.ceil((NOW + 6 * MINUTE) / 1000));
  });

  test('is when and how the person signed in', async () => {
    const { signIn: how } = await signIn({ authnInstant: NOW - 10 * MINUTE });
    expect(how).toEqual({
      protocol: 'saml',
      acr: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
      amr: [],
      authTime: Math.floor((NOW - 10 * MINUTE) / 1000),
    });
  });

  test('is harmless where an attribute is called __proto__', async () => {
    const identity = await signIn({
      attributes: [
        ['__proto__', ['polluted']],
        ['constructor', ['x']],
      ],
    });
    expect(identity.addresses).toEqual([]);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
    const named = await signIn(
      { attributes: [['__proto__', ['p-1']]] },
      { subject: { attribute: '__proto__' } },
    );
    expect(named.subject).toBe('p-1');
  });

  test('is the first of the mapped attributes that there is, under the names of common providers', async () => {
    const attributes = [
      ['http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress', ['rosa@globex.example']],
      ['urn:oid:2.16.840.1.113730.3.1.241', ['Rosa']],
      ['memberOf', ['staff', '']],
    ] as const;
    const identity = await signIn({ attributes });
    expect(identity).toMatchObject({ addresses: ['rosa@globex.example'], name: 'Rosa', groups: ['staff'] });
    const mapped = await signIn(
      { attributes: [['upn', ['r@globex.example']]] },
      { attributes: { address: ['upn'] } },
    );
    expect(mapped.addresses).toEqual(['r@globex.example']);
  });

  test('is the subject from an attribute with exactly one value, where the connection says so', async () => {
    const subject = { attribute: 'employeeNumber' };
    const attributes = [['employeeNumber', ['42']]] as const;
    const nameIdFormat = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress';
    const identity = await signIn({ attributes, nameIdFormat }, { subject });
    expect(identity).toMatchObject({ subject: '42', addresses: ['p-4711'] });
    await expectRefused(signIn({}, { subject }), 'saml_subject');
    await expectRefused(
      signIn({ attributes: [['employeeNumber', ['42', '43']]] }, { subject }),
      'saml_subject',
    );
  });

  test('is the whole NameID, with what XML writes as references', async () => {
    const identity = await bring(await makeResponse({ ...context, nameId: 'a&b<c>"d' }));
    expect(identity.subject).toBe('a&b<c>"d');
  });
});

test('settings whose keys do not fit are refused at once', async () => {
  const mixed = { privateKey: spKeys.privateKey, certificate: otherKeys.certificate };
  const broken = { privateKey: 'no key', certificate: spKeys.certificate };
  await expectRefused(() => connector({ signing: { current: mixed } }), 'config_invalid', /signing key/);
  await expectRefused(
    () => connector({ decryption: { current: spKeys, next: broken } }),
    'config_invalid',
    /decryption/,
  );
});
