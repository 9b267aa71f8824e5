import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Account, ServiceProvider } from './peer.ts';
import type { RsaCertificate } from './rsa-certificate.ts';

export interface SimpleSamlPhpSettings {
  readonly directory: string;
  readonly origin: string;
  readonly entityId: string;
  readonly account: Account;
  readonly signing: RsaCertificate;
  readonly serviceProviders: readonly ServiceProvider[];
  readonly dataEncryption: DataEncryption;
}

/** What an assertion is encrypted with (names of XML Encryption 1.1). */
export type DataEncryption = 'aes128-cbc' | 'aes256-gcm';

/** SimpleSAMLphp 1.19's files, by name. What they leave out has the default that the program carries itself. */
export function simpleSamlPhpFiles(settings: SimpleSamlPhpSettings): Record<string, string> {
  const providers = settings.serviceProviders.map(
    ({ metadataXml }, index) => [`metadata/sp-${index}.xml`, metadataXml] as const,
  );
  return {
    'php.ini': PHP_INI,
    'config/config.php': configuration(settings),
    'config/authsources.php': authenticationSources(settings.account),
    'metadata/saml20-idp-hosted.php': identityProvider(settings),
    'metadata/saml20-sp-remote.php': serviceProviderList(settings.serviceProviders),
    'cert/idp.key': settings.signing.key,
    'cert/idp.pem': settings.signing.cert,
    ...Object.fromEntries(providers),
    ...(settings.dataEncryption === 'aes256-gcm' ? { 'gcm/EncryptedAssertion.php': gcmClass() } : {}),
  };
}

/** Debian's PHP 8.2 warns about this older program's idioms, into the page unless told not to. */
const PHP_INI = `[PHP]
error_reporting = E_ALL & ~E_DEPRECATED
display_errors = 0
log_errors = 1
`;

function configuration({ directory, origin, dataEncryption }: SimpleSamlPhpSettings): string {
  const settings = phpFile('config', {
    baseurlpath: `${origin}/`,
    certdir: `${directory}/cert/`,
    loggingdir: `${directory}/log/`,
    datadir: `${directory}/data/`,
    tempdir: `${directory}/tmp`,
    metadatadir: `${directory}/metadata/`,
    'metadata.sources': [{ type: 'flatfile', directory: `${directory}/metadata` }],
    'enable.saml20-idp': true,
    'module.enable': { exampleauth: true, core: true, saml: true },
    secretsalt: randomBytes(16).toString('hex'),
    'auth.adminpassword': randomBytes(16).toString('hex'),
    'logging.handler': 'errorlog',
    'store.type': 'phpsession',
    'session.phpsession.cookiename': 'SimpleSAML',
    'session.phpsession.savepath': `${directory}/sessions`,
    'session.cookie.secure': true,
    'session.cookie.samesite': 'None',
    production: true,
  });
  return dataEncryption === 'aes256-gcm' ? settings + LOAD_GCM_CLASS : settings;
}

const ENCRYPTED_ASSERTION_CLASS =
  '/usr/share/simplesamlphp/vendor/simplesamlphp/saml2/src/SAML2/EncryptedAssertion.php';

/**
 * Release 1.19 has AES128-CBC written into one line of its SAML library, though the XML library below has AES-GCM.
 * This is that class with that one constant changed.
 *
 * @throws when the line is not there
 */
function gcmClass(): string {
  const source = readFileSync(ENCRYPTED_ASSERTION_CLASS, 'utf8');
  const changed = source.replace(
    'XMLSecurityKey(XMLSecurityKey::AES128_CBC)',
    'XMLSecurityKey(XMLSecurityKey::AES256_GCM)',
  );
  if (changed === source) throw new Error(`${ENCRYPTED_ASSERTION_CLASS} is not the known one`);
  return changed;
}

const LOAD_GCM_CLASS = `
spl_autoload_register(function ($class) {
    if ($class === 'SAML2\\EncryptedAssertion') {
        require dirname(__DIR__) . '/gcm/EncryptedAssertion.php';
    }
}, true, true);
`;

function authenticationSources({ username, password, address, name, groups }: Account): string {
  return phpFile('config', {
    people: {
      0: 'exampleauth:UserPass',
      [`${username}:${password}`]: { uid: [username], mail: [address], displayName: [name], groups },
    },
  });
}

function identityProvider({ entityId }: SimpleSamlPhpSettings): string {
  return phpFile('metadata', {
    [entityId]: {
      host: '__DEFAULT__',
      auth: 'people',
      privatekey: 'idp.key',
      certificate: 'idp.pem',
      'signature.algorithm': 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
      'validate.authnrequest': true,
      'saml20.sign.response': true,
      'saml20.sign.assertion': true,
      'attributes.NameFormat': 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic',
      NameIDFormat: ['urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'],
      authproc: { 1: { class: 'saml:PersistentNameID', attribute: 'uid' } },
    },
  });
}

/** Reads each service provider's own metadata document with SimpleSAMLphp's parser, as its administrators do. */
function serviceProviderList(serviceProviders: readonly ServiceProvider[]): string {
  const encrypt = serviceProviders.map(({ encryptAssertion }) => encryptAssertion);
  return `<?php
foreach (${php(encrypt)} as $index => $encrypt) {
    $xml = file_get_contents(__DIR__ . "/sp-$index.xml");
    $provider = \\SimpleSAML\\Metadata\\SAMLParser::parseString($xml)->getMetadata20SP();
    unset($provider['entityDescriptor'], $provider['expire']);
    $provider['assertion.encryption'] = $encrypt;
    $metadata[$provider['entityid']] = $provider;
}
`;
}

type PhpValue = string | number | boolean | readonly PhpValue[] | { readonly [key: string]: PhpValue };

function phpFile(variable: string, value: PhpValue): string {
  return `<?php\n$${variable} = ${php(value)};\n`;
}

/** A PHP literal. */
function php(value: PhpValue): string {
  if (typeof value === 'string') return `'${value.replace(/[\\']/g, '\\$&')}'`;
  if (typeof value !== 'object') return String(value);
  const entries = Object.entries(value).map(([key, member]) => `${phpKey(key)} => ${php(member)}`);
  return `[${entries.join(', ')}]`;
}

function phpKey(key: string): string {
  return /^\d+$/.test(key) ? key : php(key);
}
