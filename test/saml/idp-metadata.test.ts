import { describe, expect, test } from 'vitest';
import { parseIdpMetadata } from '../../connectors/identity/saml/idp-metadata.ts';
import { processorTime } from '../fakes/processor-time.ts';
import { idpMetadataXml, type MetadataOptions } from '../fakes/saml-idp/idp-metadata-xml.ts';
import { makeKeyPair } from '../fakes/saml-idp/key-pair.ts';
import { makeResponse } from '../fakes/saml-idp/make-response.ts';
import {
  bring,
  connector,
  context,
  expectRefused,
  IDP,
  idpKeys,
  metadata,
  NOW,
  otherKeys,
  settings,
} from './fixture.ts';

const HOUR = 60 * 60 * 1000;
const MD = 'urn:oasis:names:tc:SAML:2.0:metadata';
const clock = { now: () => NOW };

function xml(changes: Partial<MetadataOptions> = {}): string {
  const ssoUrl = 'https://idp.globex.example/sso';
  return idpMetadataXml({ entityId: IDP, ssoUrl, certificates: [idpKeys.certificate], ...changes });
}

function entities(...each: string[]): string {
  return `<md:EntitiesDescriptor xmlns:md="${MD}">${each.join('')}</md:EntitiesDescriptor>`;
}

function refused(
  text: string,
  detail: RegExp,
  code: 'saml_metadata' | 'saml_doctype' | 'saml_too_large' = 'saml_metadata',
) {
  return expectRefused(() => parseIdpMetadata(text, { clock }), code, detail);
}

describe('the metadata of an identity provider', () => {
  test('gives its entity id, its endpoint and its certificates for signing', () => {
    const found = parseIdpMetadata(`<?xml version="1.0"?>\n<!-- our IdP -->\n${xml()}`, { clock });
    expect(found).toMatchObject({
      entityId: IDP,
      ssoUrl: 'https://idp.globex.example/sso',
      validUntil: null,
    });
    expect(found.certificates).toHaveLength(1);
    expect(found.certificates[0]?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  test('gives every certificate while two overlap', () => {
    const found = parseIdpMetadata(xml({ certificates: [idpKeys.certificate, otherKeys.certificate] }), {
      clock,
    });
    expect(found.certificates).toHaveLength(2);
  });

  test('gives a certificate that names no use', () => {
    expect(parseIdpMetadata(xml({ use: null }), { clock }).certificates).toHaveLength(1);
  });

  test('is refused where the certificate is for encryption only', async () => {
    await refused(xml({ use: 'encryption' }), /no certificate for signing/);
  });

  test('is refused with a flood of certificates', async () => {
    const certificates = Array.from({ length: 11 }, () => idpKeys.certificate);
    await refused(xml({ certificates }), /too many certificates/);
  });

  test('is refused where a certificate does not parse', async () => {
    await refused(xml({ certificates: ['AAAA'] }), /certificate does not parse/);
  });

  test('is refused of a service provider', async () => {
    await refused(xml().replaceAll('IDPSSODescriptor', 'SPSSODescriptor'), /no IDPSSODescriptor/);
  });

  test('is refused where it speaks another protocol', async () => {
    await refused(xml().replace('SAML:2.0:protocol', 'SAML:1.1:protocol'), /does not speak/);
  });

  test.each([
    'javascript:alert(1)',
    'http://idp.globex.example/sso',
    'http://127.0.0.1/sso',
    'https://user:secret@idp.globex.example/sso',
    '/sso',
    '',
  ])('is refused with an endpoint at %j', async (ssoUrl) => {
    await refused(xml({ ssoUrl }), /not an https URL/);
  });

  test('is refused without the Redirect binding', async () => {
    await refused(xml().replace('HTTP-Redirect', 'HTTP-POST'), /Redirect binding/);
  });

  test('is refused with several entities unless one is named', async () => {
    const both = entities(xml(), xml({ entityId: 'https://other.example' }));
    await refused(both, /several entities/);
    expect(parseIdpMetadata(both, { clock, entityId: IDP }).entityId).toBe(IDP);
    await expectRefused(
      () => parseIdpMetadata(xml(), { clock, entityId: 'https://other.example' }),
      'saml_metadata',
    );
    await refused(entities(), /not in the document/);
  });

  test('is refused past its validUntil', async () => {
    await refused(xml({ validUntil: new Date(NOW).toISOString() }), /validUntil/);
    await refused(
      entities(xml())
        .replace('<md:Entities', `<md:Entities`)
        .replace(/^<md:EntitiesDescriptor/, '$& validUntil="2020-01-01T00:00:00Z"'),
      /validUntil/,
    );
    const later = parseIdpMetadata(xml({ validUntil: new Date(NOW + HOUR).toISOString() }), { clock });
    expect(later.validUntil).toBe(NOW + HOUR);
  });

  test('is refused with a validUntil that is no time', async () => {
    await expectRefused(
      () => parseIdpMetadata(xml({ validUntil: 'soon' }), { clock }),
      'saml_metadata',
      /UTC time/,
    );
  });

  test('is refused with a document type declaration, even behind a comment', async () => {
    await refused(`<!DOCTYPE x [<!ENTITY y "z">]>${xml()}`, /document type/, 'saml_doctype');
    await refused(`<!-<!-- -->-DOCTYPE x>${xml()}`, /./);
  });

  test('is refused when it is too large or not XML', async () => {
    await refused(' '.repeat(1024 * 1024 + 1), /too large/, 'saml_too_large');
    await refused('<html><body>404</body>', /not complete/);
    await refused(`${xml()}<!-- never ends`, /./);
  });

  test('costs little even with comments that never end', () => {
    const started = processorTime();
    expect(() => parseIdpMetadata('<!--'.repeat(200_000), { clock })).toThrow();
    expect(processorTime() - started).toBeLessThan(1);
  });
});

describe('metadata at a URL', () => {
  const idp = { metadata: { url: 'https://idp.globex.example/metadata' } };
  const LOGIN = { handle: 'h' };

  /** A connector whose clock and whose metadata a test moves. */
  function moving() {
    const world = { now: NOW, fetches: 0, answer: async () => metadata([idpKeys.certificate]) };
    const fetchText = () => {
      world.fetches += 1;
      return world.answer();
    };
    const deps = {
      fetchText,
      get now() {
        return world.now;
      },
    };
    return { world, connector: connector({ ...settings, idp }, deps) };
  }

  test('is fetched once an hour', async () => {
    const { world, connector } = moving();
    await connector.begin(LOGIN);
    await connector.begin(LOGIN);
    expect(world.fetches).toBe(1);
    world.now += HOUR;
    await connector.begin(LOGIN);
    expect(world.fetches).toBe(2);
  });

  test('serves for a day while it cannot be fetched, and no longer', async () => {
    const { world, connector } = moving();
    await connector.begin(LOGIN);
    world.answer = () => Promise.reject(new Error('connect ECONNREFUSED'));
    world.now += 24 * HOUR - 1;
    expect((await connector.begin(LOGIN)).url).toMatch(/^https:/);
    world.now += 1;
    await expectRefused(connector.begin(LOGIN), 'upstream_unreachable');
  });

  test('is asked for at most once a minute while it cannot be fetched', async () => {
    const { world, connector } = moving();
    await connector.begin(LOGIN);
    world.answer = () => Promise.reject(new Error('connect ECONNREFUSED'));
    world.now += HOUR;
    await connector.begin(LOGIN);
    await connector.begin(LOGIN);
    expect(world.fetches).toBe(2);
    world.now += HOUR / 60;
    await connector.begin(LOGIN);
    expect(world.fetches).toBe(3);
  });

  test('is fetched once for many sign-ins at the same time', async () => {
    const { world, connector } = moving();
    await Promise.all(Array.from({ length: 20 }, () => connector.begin(LOGIN)));
    expect(world.fetches).toBe(1);
  });

  test('does not hide the fault of a response where it cannot be fetched again', async () => {
    const { world, connector } = moving();
    await connector.begin(LOGIN);
    world.answer = () => Promise.reject(new Error('connect ECONNREFUSED'));
    await expectRefused(
      bring(await makeResponse(context, { signWith: otherKeys }), connector),
      'saml_signature',
    );
    expect(world.fetches).toBe(2);
  });

  test('does not serve past its validUntil, though it cannot be fetched', async () => {
    const { world, connector } = moving();
    world.answer = async () => xml({ validUntil: new Date(NOW + HOUR / 2).toISOString() });
    await connector.begin(LOGIN);
    world.answer = () => Promise.reject(new Error('connect ECONNREFUSED'));
    world.now += HOUR / 2;
    await expectRefused(connector.begin(LOGIN), 'upstream_unreachable');
  });

  test('is not replaced by what cannot be used, and that is not hidden', async () => {
    const { world, connector } = moving();
    world.answer = async () => '<html>';
    await expectRefused(connector.begin(LOGIN), 'saml_metadata');
    await expectRefused(connector.probe(), 'saml_metadata');
  });

  test('is unreachable where the guarded fetch refuses', async () => {
    const { world, connector } = moving();
    world.answer = () => Promise.reject(new Error('169.254.169.254 is internal'));
    await expectRefused(
      connector.begin(LOGIN),
      'upstream_unreachable',
      /^the metadata could not be fetched$/,
    );
  });
});

describe('settings override metadata', () => {
  test('with the certificates that may sign', async () => {
    const overrides = { certificates: [otherKeys.certificate] };
    const pinned = connector({ idp: { ...settings.idp, overrides } });
    expect(await bring(await makeResponse(context, { signWith: otherKeys }), pinned)).toMatchObject({
      subject: 'p-4711',
    });
    await expectRefused(bring(await makeResponse(context), pinned), 'saml_signature');
  });

  test('with the endpoint, which must be https as well', async () => {
    const at = (ssoUrl: string) =>
      connector({ idp: { ...settings.idp, overrides: { ssoUrl } } }).begin({ handle: 'h' });
    expect((await at('https://login.globex.example/sso')).url).toMatch(
      /^https:\/\/login\.globex\.example\/sso\?/,
    );
    await expectRefused(at('javascript:alert(1)'), 'saml_metadata');
  });
});

test('the probe refuses a provider all of whose certificates are expired', async () => {
  const expired = await makeKeyPair({
    notBefore: new Date(NOW - 48 * HOUR),
    notAfter: new Date(NOW - 24 * HOUR),
  });
  const idp = { metadata: { xml: xml({ certificates: [expired.certificate] }) } };
  await expectRefused(connector({ idp }).probe(), 'saml_certificate');
});
