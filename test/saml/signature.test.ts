import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { makeKeyPair } from '../fakes/saml-idp/key-pair.ts';
import { makeResponse, type ResponseOverrides } from '../fakes/saml-idp/make-response.ts';
import {
  bring,
  connector,
  context,
  expectRefused,
  idpKeys,
  metadata,
  NOW,
  otherKeys,
  settings,
  signIn,
} from './fixture.ts';

const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
const MORE = 'http://www.w3.org/2001/04/xmldsig-more#';
const DAY = 24 * 60 * 60 * 1000;
const unsigned = { signAssertion: false, signResponse: false };

/** An assertion-signed message, changed after signing. */
async function tampered(change: (xml: string) => string, overrides: ResponseOverrides = {}): Promise<string> {
  const xml = await makeResponse(context, { signResponse: false, ...overrides });
  const changed = change(xml);
  expect(changed).not.toBe(xml);
  return changed;
}

describe('what is signed', () => {
  test('is accepted: the assertion alone, or the assertion and the Response', async () => {
    expect(await signIn({ signResponse: false })).toMatchObject({ subject: 'p-4711' });
    expect(await signIn({})).toMatchObject({ subject: 'p-4711' });
  });

  test('is refused: nothing', async () => {
    await expectRefused(signIn(unsigned), 'saml_unsigned');
    await expectRefused(signIn(unsigned, { assertionSignature: 'response-or-assertion' }), 'saml_unsigned');
  });

  test('is refused: the Response alone, unless the connection allows it', async () => {
    await expectRefused(signIn({ signAssertion: false }), 'saml_unsigned');
    const identity = await signIn({ signAssertion: false }, { assertionSignature: 'response-or-assertion' });
    expect(identity.subject).toBe('p-4711');
  });

  test('is refused after a change of the name', async () => {
    await expectRefused(bring(await tampered((xml) => xml.replaceAll('p-4711', 'p-0001'))), 'saml_signature');
  });

  test('is refused after a change of the Response whose signature is not the one asked for', async () => {
    const xml = await makeResponse(context);
    const changed = xml.replace(/IssueInstant="[^"]*"/, 'IssueInstant="2020-01-01T00:00:00Z"');
    await expectRefused(bring(changed), 'saml_signature');
  });

  test('is refused under a key that the metadata does not name', async () => {
    await expectRefused(signIn({ signWith: otherKeys }), 'saml_signature');
  });

  test('is refused under a key that only the message’s KeyInfo names', async () => {
    const xml = await makeResponse(context, { signWith: otherKeys });
    expect(xml).toContain('X509Certificate');
    await expectRefused(bring(xml), 'saml_signature');
  });
});

describe('the form of a signature', () => {
  test('is refused with two SignedInfo (CVE-2025-29774)', async () => {
    const doubled = await tampered((xml) =>
      xml.replace(/<ds:SignedInfo>[\s\S]*?<\/ds:SignedInfo>/, (info) => info + info),
    );
    await expectRefused(bring(doubled), 'saml_signature', /more than one SignedInfo/);
  });

  test('is refused with two References', async () => {
    const doubled = await tampered((xml) =>
      xml.replace(/<ds:Reference [\s\S]*?<\/ds:Reference>/, (reference) => reference + reference),
    );
    await expectRefused(bring(doubled), 'saml_signature', /more than one Reference/);
  });

  test('is refused with a comment in the DigestValue (CVE-2025-29775)', async () => {
    const commented = await tampered((xml) => xml.replace('<ds:DigestValue>', '<ds:DigestValue><!--x-->'));
    await expectRefused(bring(commented), 'saml_malformed', /comment/);
  });

  test('is refused with an element in the DigestValue or the SignatureValue', async () => {
    const digest = await tampered((xml) => xml.replace('<ds:DigestValue>', '<ds:DigestValue><ds:x/>'));
    await expectRefused(bring(digest), 'saml_signature', /DigestValue contains more than text/);
    const value = await tampered((xml) => xml.replace('<ds:SignatureValue>', '<ds:SignatureValue><ds:x/>'));
    await expectRefused(bring(value), 'saml_signature', /SignatureValue contains more than text/);
  });

  test('is refused with a DigestValue that is not base64', async () => {
    const odd = await tampered((xml) => xml.replace('<ds:DigestValue>', '<ds:DigestValue>%'));
    await expectRefused(bring(odd), 'saml_signature', /not base64/);
  });

  test.each([
    ['SignedInfo', '</ds:SignedInfo>'],
    ['Reference', '</ds:Reference>'],
    ['Transforms', '</ds:Transforms>'],
  ])('is refused with a foreign element in its %s', async (name, end) => {
    const foreign = await tampered((xml) => xml.replace(end, `<ds:Foreign/>${end}`));
    await expectRefused(bring(foreign), 'saml_signature', new RegExp(`^${name} contains an element`));
    const disguised = await tampered((xml) => xml.replace(end, `<x:DigestValue xmlns:x="urn:x"/>${end}`));
    await expectRefused(bring(disguised), 'saml_signature', new RegExp(`^${name} contains an element`));
  });

  test('is refused with two KeyInfo, or with something foreign beside its value', async () => {
    const doubled = await tampered((xml) => xml.replace(/<ds:KeyInfo>[\s\S]*?<\/ds:KeyInfo>/, '$&$&'));
    await expectRefused(bring(doubled), 'saml_signature', /more than one KeyInfo/);
    const foreign = await tampered((xml) => xml.replace('<ds:KeyInfo>', '<ds:Foreign/><ds:KeyInfo>'));
    await expectRefused(bring(foreign), 'saml_signature', /^Signature contains an element/);
  });

  test('may have anything in its KeyInfo, which is never read', async () => {
    const stuffed = await tampered((xml) =>
      xml.replace('<ds:KeyInfo>', '<ds:KeyInfo><ds:KeyName>x</ds:KeyName>'),
    );
    expect(await bring(stuffed)).toMatchObject({ subject: 'p-4711' });
  });
});

describe('the algorithms of a signature', () => {
  const REFUSED: readonly [string, ResponseOverrides][] = [
    ['RSA with SHA-1', { signing: { signatureAlgorithm: `${DSIG}rsa-sha1` } }],
    ['a SHA-1 digest', { signing: { digestAlgorithm: `${DSIG}sha1` } }],
    [
      'inclusive canonicalization',
      { signing: { canonicalization: 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315' } },
    ],
    [
      'canonicalization with comments',
      { signing: { canonicalization: 'http://www.w3.org/2001/10/xml-exc-c14n#WithComments' } },
    ],
    [
      'a transform with comments',
      {
        signing: {
          transforms: [`${DSIG}enveloped-signature`, 'http://www.w3.org/2001/10/xml-exc-c14n#WithComments'],
        },
      },
    ],
    [
      'HMAC with the public key as secret',
      {
        signing: {
          signatureAlgorithm: `${DSIG}hmac-sha1`,
          hmacSecret: createPublicKey(idpKeys.certificate).export({ type: 'spki', format: 'pem' }).toString(),
        },
      },
    ],
  ];

  test.each(REFUSED)('are refused: %s', async (_name, overrides) => {
    await expectRefused(signIn({ signResponse: false, ...overrides }), 'saml_algorithm');
  });

  test('are refused: HMAC with the certificate as secret', async () => {
    const signing = { signatureAlgorithm: `${DSIG}hmac-sha1`, hmacSecret: idpKeys.certificate };
    await expectRefused(signIn({ signResponse: false, signing }), 'saml_algorithm');
  });

  test('are refused: an XSLT transform', async () => {
    const xslt = await tampered((xml) =>
      xml.replace(
        '<ds:Transforms>',
        '<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>',
      ),
    );
    await expectRefused(bring(xslt), 'saml_algorithm');
  });

  test('are refused: an XSLT transform in the place of one of two', async () => {
    const xslt = await tampered((xml) =>
      xml.replace(`${DSIG}enveloped-signature`, 'http://www.w3.org/TR/1999/REC-xslt-19991116'),
    );
    await expectRefused(bring(xslt), 'saml_algorithm', /Transform is not allowed/);
  });

  test('are refused: three transforms, each of them allowed', async () => {
    const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#';
    const transforms = [`${DSIG}enveloped-signature`, exclusive, exclusive];
    await expectRefused(
      signIn({ signResponse: false, signing: { transforms } }),
      'saml_algorithm',
      /too many/,
    );
  });

  test('are refused: a signature method with parameters', async () => {
    const odd = await tampered((xml) =>
      xml.replace(
        /(<ds:SignatureMethod [^>]*)\/>/,
        '$1><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>',
      ),
    );
    await expectRefused(bring(odd), 'saml_algorithm', /parameters/);
  });

  test('are refused: parameters other than a list of prefixes', async () => {
    const xpath = '<ds:XPath>1=0</ds:XPath>';
    const transform = await tampered((xml) =>
      xml.replace(/(<ds:Transform [^>]*)\/>/, `$1>${xpath}</ds:Transform>`),
    );
    await expectRefused(bring(transform), 'saml_algorithm', /Transform has parameters/);
    const method = await tampered((xml) =>
      xml.replace(/(<ds:CanonicalizationMethod [^>]*)\/>/, `$1>${xpath}</ds:CanonicalizationMethod>`),
    );
    await expectRefused(bring(method), 'saml_algorithm', /CanonicalizationMethod has parameters/);
  });

  test('are refused: one that the connection has struck off the list', async () => {
    const algorithms = { signature: [`${MORE}rsa-sha512`] };
    await expectRefused(signIn({}, { algorithms }), 'saml_algorithm');
  });

  test('cannot be allowed by a connection', async () => {
    const algorithms = { signature: [`${DSIG}rsa-sha1`] };
    const signing = { signatureAlgorithm: `${DSIG}rsa-sha1` };
    await expectRefused(signIn({ signing }, { algorithms }), 'saml_algorithm');
  });

  test('are accepted: RSA with SHA-512, RSA-PSS', async () => {
    const sha512 = {
      signatureAlgorithm: `${MORE}rsa-sha512`,
      digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha512',
    };
    expect(await signIn({ signing: sha512 })).toMatchObject({ subject: 'p-4711' });
    const pss = { signatureAlgorithm: 'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1' };
    expect(await signIn({ signing: pss })).toMatchObject({ subject: 'p-4711' });
  });
});

describe('the certificates of the identity provider', () => {
  const signedWith = async (keys: typeof idpKeys, others: readonly (typeof idpKeys)[] = []) =>
    bring(
      await makeResponse(context, { signWith: keys }),
      connector({ idp: { metadata: { xml: metadata([...others, keys].map((pair) => pair.certificate)) } } }),
    );

  test('verify whichever of them signed', async () => {
    expect(await signedWith(otherKeys, [idpKeys])).toMatchObject({ subject: 'p-4711' });
  });

  test('are refused when expired', async () => {
    const expired = await makeKeyPair({ notBefore: new Date(NOW - 2 * DAY), notAfter: new Date(NOW - DAY) });
    await expectRefused(signedWith(expired), 'saml_certificate');
    await expectRefused(signedWith(expired, [idpKeys]), 'saml_signature');
  });

  test('are refused when not yet valid', async () => {
    const early = await makeKeyPair({ notBefore: new Date(NOW + DAY), notAfter: new Date(NOW + 2 * DAY) });
    await expectRefused(signedWith(early), 'saml_certificate');
  });

  test('are refused when shorter than 2048 bits', async () => {
    await expectRefused(signedWith(await makeKeyPair({ bits: 1024 })), 'saml_certificate');
  });

  test('are fetched again once, and not for every response, when none of them verifies', async () => {
    let fetches = 0;
    let published = metadata([idpKeys.certificate]);
    const fetchText = async () => {
      fetches += 1;
      return published;
    };
    const idp = { metadata: { url: 'https://idp.globex.example/metadata' } };
    const rotating = connector({ ...settings, idp }, { fetchText });
    await bring(await makeResponse(context), rotating);
    expect(fetches).toBe(1);
    published = metadata([otherKeys.certificate]);
    const rotated = await makeResponse(context, { signWith: otherKeys });
    expect(await bring(rotated, rotating)).toMatchObject({ subject: 'p-4711' });
    expect(fetches).toBe(2);
    const forged = await makeResponse(context, { signWith: await makeKeyPair() });
    await expectRefused(bring(forged, rotating), 'saml_signature');
    await expectRefused(bring(forged, rotating), 'saml_signature');
    expect(fetches).toBe(2);
  });
});
