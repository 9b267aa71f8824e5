/** Signature wrapping: a true, signed assertion somewhere in the message, and a false one where a reader looks. */
import { describe, expect, test } from 'vitest';
import { makeResponse, newId, type ResponseOverrides } from '../fakes/saml-idp/make-response.ts';
import { bring, connector, context, expectRefused } from './fixture.ts';

const SIGNATURE = /<ds:Signature [\s\S]*?<\/ds:Signature>/;
const ASSERTION = /<saml:Assertion [\s\S]*<\/saml:Assertion>/;
const RESPONSE_OPEN = /^<samlp:Response [^>]*>/;

interface Honest {
  readonly response: string;
  /** With its signature. */
  readonly assertion: string;
  readonly signature: string;
  /** The assertion without signature, for somebody else, under another ID. */
  readonly evil: string;
}

async function honest(overrides: ResponseOverrides = { signResponse: false }): Promise<Honest> {
  const response = await makeResponse(context, overrides);
  const assertion = part(response, ASSERTION);
  const bare = assertion.replace(SIGNATURE, '');
  return { response, assertion, signature: part(assertion, SIGNATURE), evil: corrupted(bare) };
}

function part(xml: string, pattern: RegExp): string {
  return pattern.exec(xml)?.[0] ?? expect.fail(`${pattern} is not in the message`);
}

/** Under new IDs and about the attacker. */
function corrupted(xml: string): string {
  return xml.replace(/ ID="[^"]*"/g, () => ` ID="${newId()}"`).replaceAll('p-4711', 'mallory');
}

function withAssertion(response: string, replacement: string): string {
  return response.replace(ASSERTION, () => replacement);
}

/** `inner` as the last child of the element that `outer` is. */
function appended(outer: string, inner: string): string {
  return outer.replace(/<\/[^>]*>$/, (end) => inner + end);
}

const PERMUTATIONS: readonly [string, (facts: Honest) => string, signResponse: boolean][] = [
  [
    'XSW1: the signed Response within the signature of a false one',
    ({ response }) => {
      const signature = part(response, SIGNATURE);
      const evil = corrupted(response.replace(SIGNATURE, ''));
      const wrapped = appended(signature, response.replace(SIGNATURE, ''));
      return evil.replace('<samlp:Status>', () => `${wrapped}<samlp:Status>`);
    },
    true,
  ],
  [
    'XSW2: the signed Response beside its signature in a false one',
    ({ response }) => {
      const signature = part(response, SIGNATURE);
      const bare = response.replace(SIGNATURE, '');
      return corrupted(bare).replace('<samlp:Status>', () => `${bare}${signature}<samlp:Status>`);
    },
    true,
  ],
  [
    'XSW3: a false assertion before the signed one',
    ({ response, assertion, evil }) => withAssertion(response, evil + assertion),
    false,
  ],
  [
    'XSW4: the signed assertion within a false one',
    ({ response, assertion, evil }) => withAssertion(response, appended(evil, assertion)),
    false,
  ],
  [
    'XSW5: the signature in a false assertion, the true one after it',
    ({ response, assertion, signature, evil }) =>
      withAssertion(response, appended(evil, signature) + assertion.replace(SIGNATURE, '')),
    false,
  ],
  [
    'XSW6: the true assertion within the signature of a false one',
    ({ response, assertion, signature, evil }) =>
      withAssertion(response, appended(evil, appended(signature, assertion.replace(SIGNATURE, '')))),
    false,
  ],
  [
    'XSW7: a false assertion in the Extensions',
    ({ response, assertion, evil }) =>
      withAssertion(response, `<samlp:Extensions>${evil}</samlp:Extensions>${assertion}`),
    false,
  ],
  [
    'XSW8: the true assertion in an Object of the signature of a false one',
    ({ response, assertion, signature, evil }) => {
      const object = `<ds:Object>${assertion.replace(SIGNATURE, '')}</ds:Object>`;
      return withAssertion(response, appended(evil, appended(signature, object)));
    },
    false,
  ],
  [
    'XSW9: the signed assertion as advice in a false one',
    ({ response, assertion, evil }) =>
      withAssertion(response, appended(evil, `<saml:Advice>${assertion}</saml:Advice>`)),
    false,
  ],
  [
    'the signed assertion moved to the Extensions, a false one in its place',
    ({ response, assertion, evil }) =>
      withAssertion(response, `<samlp:Extensions>${assertion}</samlp:Extensions>${evil}`),
    false,
  ],
  [
    'a second assertion after the signed one (CVE-2022-41912)',
    ({ response, assertion, evil }) => withAssertion(response, assertion + evil),
    false,
  ],
  [
    'an assertion concealed in the Status detail',
    ({ response, evil }) =>
      response.replace(
        '</samlp:Status>',
        () => `<samlp:StatusDetail>${evil}</samlp:StatusDetail></samlp:Status>`,
      ),
    false,
  ],
  [
    'an assertion of another namespace beside the signed one',
    ({ response, evil }) =>
      response.replace(
        ASSERTION,
        (signed) => evil.replaceAll('urn:oasis:names:tc:SAML:2.0:assertion', 'urn:x') + signed,
      ),
    false,
  ],
  [
    'an encrypted assertion beside the signed one',
    ({ response, assertion }) => withAssertion(response, `${assertion}<saml:EncryptedAssertion/>`),
    false,
  ],
];

describe('a wrapped signature', () => {
  test.each(PERMUTATIONS)('is refused: %s', async (_name, wrap, signResponse) => {
    const facts = await honest({ signResponse });
    await expectRefused(bring(wrap(facts)), 'saml_wrapping');
  });

  test('is refused by the mere sight of a second Response', async () => {
    const { response } = await honest();
    const nested = response.replace('<samlp:Status>', '<samlp:Response/><samlp:Status>');
    await expectRefused(bring(nested), 'saml_wrapping', /a Response within/);
  });

  test('is refused when the false document surrounds a whole signed one (CVE-2025-54369)', async () => {
    const { response } = await honest({});
    await expectRefused(
      bring(`<x:Envelope xmlns:x="urn:x">${response}</x:Envelope>`),
      'saml_malformed',
      /not a Response/,
    );
  });

  test('is refused with two root elements (CVE-2022-39299)', async () => {
    const { response } = await honest();
    await expectRefused(
      bring(corrupted(response.replace(SIGNATURE, '')) + response),
      'saml_malformed',
      /root/,
    );
  });

  test('is refused when a signature covers something other than its parent', async () => {
    const { response } = await honest();
    const moved = response.replace(/URI="#[^"]*"/, 'URI="#_elsewhere"');
    await expectRefused(bring(moved), 'saml_wrapping', /other than its parent/);
    await expectRefused(bring(response.replace(/URI="#[^"]*"/, 'URI=""')), 'saml_wrapping', /its parent/);
  });

  test('is refused where an element has two signatures', async () => {
    const { response, signature } = await honest();
    const doubled = response.replace(SIGNATURE, () => signature + signature);
    await expectRefused(bring(doubled), 'saml_wrapping', /more than one signature/);
  });

  test('is refused where a signature stands deeper in the assertion', async () => {
    const { response, signature } = await honest();
    const moved = response
      .replace(SIGNATURE, '')
      .replace('</saml:Subject>', () => `${signature}</saml:Subject>`);
    await expectRefused(bring(moved), 'saml_wrapping', /where it may not be/);
  });

  test('is refused where something other than the assertion is encrypted', async () => {
    const data = '<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"/>';
    const xml = await makeResponse(context, {
      nameIdXml: `<saml:EncryptedID>${data}</saml:EncryptedID>`,
    });
    await expectRefused(bring(xml), 'saml_wrapping', /other than the assertion/);
  });

  test('is refused where the Response has Extensions, signed or not', async () => {
    const xml = await makeResponse(context, {
      editResponse: (response) => response.replace('<samlp:Status>', '<samlp:Extensions/><samlp:Status>'),
    });
    await expectRefused(bring(xml), 'saml_wrapping', /element that it may not/);
  });

  test('is refused where the Response has no assertion', async () => {
    const { response } = await honest();
    await expectRefused(bring(withAssertion(response, '')), 'saml_wrapping', /not exactly one assertion/);
  });

  test('is refused where a signature contains an object', async () => {
    const { response } = await honest();
    const stuffed = response.replace(SIGNATURE, (signature) => appended(signature, '<ds:Object/>'));
    await expectRefused(bring(stuffed), 'saml_wrapping', /object/);
  });
});

describe('IDs', () => {
  test('are refused where two elements share one', async () => {
    const { response } = await honest();
    const id = part(response, / ID="[^"]*"/).slice(5, -1);
    const doubled = response.replace('<saml:Issuer>', `<saml:Issuer ID="${id}">`);
    await expectRefused(bring(doubled), 'saml_duplicate_id');
  });

  test.each(['Id', 'id', 'xml:id'])(
    'are refused where two elements share one under the name %s',
    async (name) => {
      const { response } = await honest();
      const id = part(response, / ID="[^"]*"/).slice(5, -1);
      const doubled = response.replace('<saml:Issuer>', `<saml:Issuer ${name}="${id}">`);
      await expectRefused(bring(doubled), 'saml_duplicate_id');
    },
  );

  test.each([`_a'b`, '_a b', '1a', '', '_a&quot;b', '#a'])(
    'are refused where one is no name: %s',
    async (id) => {
      const { response } = await honest();
      await expectRefused(
        bring(response.replace(RESPONSE_OPEN, (open) => open.replace(/ ID="[^"]*"/, ` ID="${id}"`))),
        'saml_malformed',
        /ID is not a name/,
      );
    },
  );
});

test('the honest message that all of these start from is accepted', async () => {
  expect(await bring((await honest()).response)).toMatchObject({ subject: 'p-4711' });
  expect(await bring((await honest({})).response, connector())).toMatchObject({ subject: 'p-4711' });
});
