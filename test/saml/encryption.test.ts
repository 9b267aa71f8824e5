import { describe, expect, test } from 'vitest';
import { makeResponse, type ResponseOverrides } from '../fakes/saml-idp/make-response.ts';
import {
  bring,
  connector,
  context,
  expectRefused,
  nextSpKeys,
  otherKeys,
  signIn,
  spKeys,
} from './fixture.ts';

const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
const XENC = 'http://www.w3.org/2001/04/xmlenc#';
const XENC11 = 'http://www.w3.org/2009/xmlenc11#';
const encryptFor = spKeys.certificate;

describe('an encrypted assertion is opened', () => {
  test.each<[string, ResponseOverrides['encryption']]>([
    ['AES-256-GCM and RSA-OAEP-MGF1P', {}],
    ['AES-128-GCM', { dataAlgorithm: `${XENC11}aes128-gcm` }],
    ['RSA-OAEP-MGF1P with SHA-256', { oaepDigest: 'sha256' }],
    ['RSA-OAEP with SHA-256', { keyAlgorithm: `${XENC11}rsa-oaep`, oaepDigest: 'sha256' }],
  ])('with %s', async (_name, encryption = {}) => {
    const identity = await signIn({ encryptFor, encryption });
    expect(identity).toMatchObject({ subject: 'p-4711', name: 'Rosa Marin' });
    expect(identity.evidence).toMatch(/^<saml:Assertion .*SignatureValue/s);
  });

  test('with the next key as well, because it is published', async () => {
    expect(await signIn({ encryptFor: nextSpKeys.certificate })).toMatchObject({ subject: 'p-4711' });
  });

  test('whether or not the Response around it is signed', async () => {
    expect(await signIn({ encryptFor, signResponse: false })).toMatchObject({ subject: 'p-4711' });
  });

  test('where the key stands beside the data', async () => {
    const editEncrypted = (xml: string) => {
      const key =
        /<e:EncryptedKey [\s\S]*<\/e:EncryptedKey>/.exec(xml)?.[0] ?? expect.fail('no EncryptedKey');
      const named = key.replace('<e:EncryptedKey ', `<e:EncryptedKey xmlns="${DSIG}" Id="_key" `);
      return xml
        .replace(key, () => `<RetrievalMethod xmlns="${DSIG}" URI="#_key"/>`)
        .replace('</saml:EncryptedAssertion>', () => `${named}</saml:EncryptedAssertion>`);
    };
    expect(await signIn({ encryptFor, editEncrypted })).toMatchObject({ subject: 'p-4711' });
  });
});

describe('an encrypted assertion is refused', () => {
  test.each<[string, ResponseOverrides['encryption']]>([
    ['AES-256-CBC', { dataAlgorithm: `${XENC}aes256-cbc` }],
    ['AES-128-CBC', { dataAlgorithm: `${XENC}aes128-cbc` }],
    ['Triple DES', { dataAlgorithm: `${XENC}tripledes-cbc` }],
    ['RSA 1.5 key transport', { keyAlgorithm: `${XENC}rsa-1_5` }],
  ])('with %s', async (_name, encryption = {}) => {
    await expectRefused(signIn({ encryptFor, encryption }), 'saml_algorithm');
  });

  test('with a digest or a mask that is not on the list', async () => {
    const md5 = {
      editEncrypted: (xml: string) => xml.replace(/(<DigestMethod [^>]*Algorithm=")[^"]*/, '$1urn:md5'),
    };
    await expectRefused(
      signIn({ encryptFor, ...md5, signResponse: false }),
      'saml_algorithm',
      /DigestMethod/,
    );
    const mask = (algorithm: string) => ({
      encryptFor,
      encryption: { keyAlgorithm: `${XENC11}rsa-oaep` },
      signResponse: false,
      editEncrypted: (xml: string) =>
        xml.replace(/<(\w+:)?MGF ([^>]*)Algorithm="[^"]*"/, `<$1MGF $2Algorithm="${algorithm}"`),
    });
    await expectRefused(signIn(mask('urn:md5')), 'saml_algorithm', /MGF/);
  });

  test('with a mask for the algorithm that has a fixed one', async () => {
    const editEncrypted = (xml: string) =>
      xml.replace(
        /<DigestMethod /,
        `<x:MGF xmlns:x="${XENC11}" Algorithm="${XENC11}mgf1sha256"/><DigestMethod `,
      );
    await expectRefused(signIn({ encryptFor, editEncrypted }), 'saml_algorithm', /takes no mask/);
  });

  test('when it is not signed itself, though the Response is', async () => {
    const overrides = { encryptFor, signAssertion: false };
    await expectRefused(signIn(overrides), 'saml_unsigned', /encrypted assertion/);
    await expectRefused(signIn(overrides, { assertionSignature: 'response-or-assertion' }), 'saml_unsigned');
    await expectRefused(signIn({ ...overrides, signResponse: false }), 'saml_unsigned');
  });

  test('when the signature of the Response around it does not verify', async () => {
    const editSignedResponse = (xml: string) =>
      xml.replace(/IssueInstant="[^"]*"/, 'IssueInstant="2020-01-01T00:00:00Z"');
    await expectRefused(signIn({ encryptFor, editSignedResponse }), 'saml_signature', /of the Response/);
  });

  test('when its own signature does not verify', async () => {
    const editSignedAssertion = (xml: string) => xml.replaceAll('p-4711', 'p-0001');
    await expectRefused(signIn({ encryptFor, editSignedAssertion }), 'saml_signature', /^the signature does/);
    await expectRefused(signIn({ encryptFor, signWith: otherKeys, signResponse: false }), 'saml_signature');
  });

  test('when it is for somebody else', async () => {
    await expectRefused(signIn({ encryptFor: otherKeys.certificate }), 'saml_encryption', /does not open/);
  });

  test('when a byte of the ciphertext is changed, in the same words', async () => {
    const editEncrypted = (xml: string) => {
      const start = xml.lastIndexOf('CipherValue>', xml.lastIndexOf('</')) - 200;
      return xml.slice(0, start) + (xml[start] === 'A' ? 'B' : 'A') + xml.slice(start + 1);
    };
    await expectRefused(
      signIn({ encryptFor, editEncrypted, signResponse: false }),
      'saml_encryption',
      /does not open/,
    );
  });

  test('when the ciphertext or the key is elsewhere', async () => {
    const reference = (xml: string) =>
      xml.replace(
        /<e:CipherValue>[\s\S]*?<\/e:CipherValue>/,
        '<e:CipherReference URI="https://evil.example"/>',
      );
    await expectRefused(signIn({ encryptFor, editEncrypted: reference }), 'saml_encryption', /elsewhere/);
    const retrieval = (xml: string) =>
      xml.replace(
        '</saml:EncryptedAssertion>',
        '<ds:RetrievalMethod xmlns:ds="http://www.w3.org/2000/09/xmldsig#" URI="https://evil.example"/></saml:EncryptedAssertion>',
      );
    await expectRefused(signIn({ encryptFor, editEncrypted: retrieval }), 'saml_encryption', /elsewhere/);
  });

  test('when it holds two keys', async () => {
    const editEncrypted = (xml: string) => xml.replace(/<e:EncryptedKey [\s\S]*<\/e:EncryptedKey>/, '$&$&');
    await expectRefused(signIn({ encryptFor, editEncrypted }), 'saml_encryption', /many EncryptedKey/);
  });

  test('when it holds no key, or no ciphertext', async () => {
    const keyless = (xml: string) => xml.replace(/<e:EncryptedKey [\s\S]*<\/e:EncryptedKey>/, '');
    await expectRefused(signIn({ encryptFor, editEncrypted: keyless }), 'saml_encryption', /no EncryptedKey/);
    const empty = (xml: string) => xml.replace(/<xenc:CipherData>[\s\S]*<\/xenc:CipherData>/, '');
    await expectRefused(signIn({ encryptFor, editEncrypted: empty }), 'saml_encryption', /no CipherData/);
    const lost = (xml: string) => xml.replace(/<e:CipherData>[\s\S]*<\/e:CipherData>/, '');
    await expectRefused(signIn({ encryptFor, editEncrypted: lost }), 'saml_encryption', /no CipherData/);
  });

  test('when a method of another namespace stands before the true one', async () => {
    const editEncrypted = (xml: string) =>
      xml.replace(
        '<xenc:EncryptionMethod ',
        `<x:EncryptionMethod xmlns:x="urn:x" Algorithm="${XENC}aes256-cbc"/>$&`,
      );
    await expectRefused(signIn({ encryptFor, editEncrypted }), 'saml_encryption', /many EncryptionMethod/);
  });

  test('when it is missing where the connection wants it', async () => {
    await expectRefused(signIn({}, { wantEncrypted: true }), 'saml_encryption', /not encrypted/);
    expect(await signIn({ encryptFor }, { wantEncrypted: true })).toMatchObject({ subject: 'p-4711' });
  });
});

describe('what comes out of the encryption passes the gate again', () => {
  const opened = (editSignedAssertion: (xml: string) => string) =>
    signIn({ encryptFor, signResponse: false, editSignedAssertion });

  test('and is refused with a document type declaration', async () => {
    await expectRefused(
      opened((xml) => `<!DOCTYPE x>${xml}`),
      'saml_doctype',
    );
  });

  test('and is refused with a comment', async () => {
    await expectRefused(
      opened((xml) => xml.replace('p-4711', 'p-<!---->4711')),
      'saml_malformed',
      /comment/,
    );
  });

  test('and is refused with two roots', async () => {
    await expectRefused(
      opened((xml) => xml + xml),
      'saml_malformed',
      /more than one root/,
    );
  });

  test('and is refused with an assertion concealed in it', async () => {
    const concealed = '<saml:Advice><saml:Assertion ID="_x"/></saml:Advice></saml:Assertion>';
    await expectRefused(
      opened((xml) => xml.replace('</saml:Assertion>', concealed)),
      'saml_wrapping',
    );
    const encrypted = '<saml:Advice><saml:EncryptedAssertion/></saml:Advice></saml:Assertion>';
    await expectRefused(
      opened((xml) => xml.replace('</saml:Assertion>', encrypted)),
      'saml_wrapping',
    );
  });

  test('and is refused with two elements of one ID', async () => {
    await expectRefused(
      opened((xml) => xml.replace('<saml:Subject>', `<saml:Subject ID="${/ ID="([^"]*)"/.exec(xml)?.[1]}">`)),
      'saml_duplicate_id',
    );
  });

  test('and is refused with a prefix that only the Response around it would have bound', async () => {
    await expectRefused(
      opened((xml) => xml.replace('<saml:Subject>', '<saml:Subject><samlp:x/>')),
      'saml_malformed',
      /no namespace/,
    );
  });

  test('and is refused with a signature, an object or encrypted data where it may not be', async () => {
    const within = (inner: string) =>
      opened((xml) => xml.replace('</saml:Subject>', `${inner}</saml:Subject>`));
    await expectRefused(within(`<ds:Signature xmlns:ds="${DSIG}"/>`), 'saml_wrapping', /signature is where/);
    await expectRefused(within(`<ds:Object xmlns:ds="${DSIG}"/>`), 'saml_wrapping', /contains an object/);
    await expectRefused(within(`<e:EncryptedData xmlns:e="${XENC}"/>`), 'saml_wrapping', /other than/);
  });

  test('and is refused with algorithms that are not allowed', async () => {
    const signing = { signatureAlgorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1' };
    await expectRefused(signIn({ encryptFor, signResponse: false, signing }), 'saml_algorithm');
  });

  test('and is refused when it is no assertion', async () => {
    await expectRefused(
      opened(() => '<x:y xmlns:x="urn:x"/>'),
      'saml_encryption',
      /no assertion/,
    );
    const response = await makeResponse(context);
    await expectRefused(
      opened(() => response),
      'saml_encryption',
      /no assertion/,
    );
  });

  test('and every rule of the signed assertion still holds', async () => {
    await expectRefused(signIn({ encryptFor, recipient: 'https://evil.example' }), 'saml_recipient');
    const stolen = await makeResponse(
      { ...context, requestId: '_theirs' },
      { encryptFor, signResponse: false },
    );
    const changed = stolen.replace('InResponseTo="_theirs"', 'InResponseTo="_request-0001"');
    await expectRefused(bring(changed, connector()), 'saml_in_response_to');
  });
});
