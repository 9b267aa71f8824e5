import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { RelyingParty, ServiceProvider } from './peer.ts';
import type { RsaCertificate } from './rsa-certificate.ts';

/**
 * LemonLDAP::NG 2.16's three configuration files. What is not set here has the default that the program carries
 * itself (Lemonldap::NG::Common::Conf::DefaultValues); Debian's sample configuration is not read.
 */
export interface LemonLdapSettings {
  readonly directory: string;
  readonly host: string;
  readonly port: number;
  readonly samlKey: RsaCertificate;
  readonly oidcKey: RsaCertificate;
  readonly serviceProviders: readonly ServiceProvider[];
  readonly relyingParty: RelyingParty;
}

/** The configuration proper: what an administrator would set in the manager. */
export function lemonLdapConfiguration(settings: LemonLdapSettings): string {
  const { directory, host, port } = settings;
  const origin = `https://${host}:${port}`;
  return JSON.stringify({
    cfgNum: 1,
    cfgAuthor: 'test',
    cfgDate: '1600000000',
    cfgVersion: '2.16.1',
    key: randomBytes(16).toString('hex'),
    portal: `${origin}/`,
    domain: host,
    securedCookie: 1,
    sameSite: 'None',
    authentication: 'Demo',
    userDB: 'Same',
    passwordDB: 'Null',
    registerDB: 'Null',
    portalDisplayRegister: 0,
    portalDisplayResetPassword: 0,
    skipRenewConfirmation: 1,
    locationRules: { [host]: { default: 'accept' } },
    globalStorage: 'Apache::Session::File',
    globalStorageOptions: sessionFiles(join(directory, 'sessions')),
    persistentStorage: 'Apache::Session::File',
    persistentStorageOptions: sessionFiles(join(directory, 'psessions')),
    localSessionStorage: 'Cache::FileCache',
    localSessionStorageOptions: cacheFiles(directory, 'sessions'),
    ...samlIssuer(settings),
    ...oidcIssuer(settings, origin),
  });
}

function sessionFiles(directory: string): object {
  return {
    Directory: directory,
    LockDirectory: join(directory, 'lock'),
    generateModule: 'Lemonldap::NG::Common::Apache::Session::Generate::SHA256',
  };
}

function cacheFiles(directory: string, namespace: string): Record<string, string | number> {
  return {
    namespace,
    cache_root: join(directory, 'cache'),
    cache_depth: 3,
    default_expires_in: 600,
    directory_umask: '007',
  };
}

const BASIC_NAME_FORMAT = 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic';

/** Signs both Response and Assertion, and takes only signed AuthnRequests. */
function samlIssuer({ samlKey, serviceProviders }: LemonLdapSettings): object {
  const named = serviceProviders.map((provider, index) => [`sp${index}`, provider] as const);
  return {
    issuerDBSAMLActivation: 1,
    samlServicePrivateKeySig: samlKey.key,
    samlServicePublicKeySig: samlKey.cert,
    samlServiceUseCertificateInResponse: 1,
    samlServiceSignatureMethod: 'RSA_SHA256',
    samlSPMetaDataXML: Object.fromEntries(
      named.map(([name, { metadataXml }]) => [name, { samlSPMetaDataXML: metadataXml }]),
    ),
    samlSPMetaDataExportedAttributes: Object.fromEntries(
      named.map(([name]) => [
        name,
        // session key: mandatory;name;format;friendly name
        {
          mail: `1;mail;${BASIC_NAME_FORMAT};`,
          cn: `1;displayName;${BASIC_NAME_FORMAT};`,
          groups: `0;groups;${BASIC_NAME_FORMAT};`,
        },
      ]),
    ),
    samlSPMetaDataOptions: Object.fromEntries(
      named.map(([name, { encryptAssertion }]) => [
        name,
        {
          samlSPMetaDataOptionsSignSSOMessage: 1,
          samlSPMetaDataOptionsCheckSSOMessageSignature: 1,
          samlSPMetaDataOptionsEncryptionMode: encryptAssertion ? 'assertion' : 'none',
          samlSPMetaDataOptionsNameIDFormat: 'persistent',
          samlSPMetaDataOptionsForceUTF8: 1,
        },
      ]),
    ),
  };
}

function oidcIssuer({ oidcKey, relyingParty }: LemonLdapSettings, origin: string): object {
  return {
    issuerDBOpenIDConnectActivation: 1,
    oidcServiceMetaDataIssuer: origin,
    oidcServicePrivateKeySig: oidcKey.key,
    oidcServicePublicKeySig: oidcKey.publicKey,
    oidcServiceKeyIdSig: 'test-1',
    oidcServiceAllowAuthorizationCodeFlow: 1,
    oidcRPMetaDataOptions: {
      rp: {
        oidcRPMetaDataOptionsClientID: relyingParty.clientId,
        oidcRPMetaDataOptionsClientSecret: relyingParty.clientSecret,
        oidcRPMetaDataOptionsRedirectUris: relyingParty.redirectUri,
        oidcRPMetaDataOptionsBypassConsent: 1,
        oidcRPMetaDataOptionsIDTokenSignAlg: 'RS256',
        oidcRPMetaDataOptionsIDTokenForceClaims: 1,
        oidcRPMetaDataOptionsRequirePKCE: 1,
        oidcRPMetaDataOptionsUserIDAttr: 'uid',
      },
    },
    oidcRPMetaDataExportedVars: {
      rp: { email: 'mail', name: 'cn', preferred_username: 'uid', groups: 'groups' },
    },
    oidcRPMetaDataOptionsExtraClaims: { rp: { groups: 'groups' } },
  };
}

/** Where the configuration is, and where the program finds its own templates. */
export function lemonLdapIni(directory: string): string {
  const cache = Object.entries(cacheFiles(directory, 'configuration'))
    .map(([key, value]) => `'${key}'=>'${value}'`)
    .join(',');
  return `[all]
logLevel = notice
[configuration]
type = File
dirName = ${join(directory, 'conf')}
localStorage = Cache::FileCache
localStorageOptions = {${cache}}
[portal]
staticPrefix = /static
templateDir = /usr/share/lemonldap-ng/portal/templates
languages = en
[handler]
`;
}

/** LemonLDAP::NG speaks FastCGI; nginx brings HTTP and TLS. */
export function nginxConfiguration(directory: string, host: string, port: number): string {
  const temporary = ['client_body', 'fastcgi', 'proxy', 'uwsgi', 'scgi']
    .map((name) => `  ${name}_temp_path ${join(directory, 'tmp', name)};`)
    .join('\n');
  return `daemon off;
worker_processes 1;
pid ${join(directory, 'nginx.pid')};
error_log stderr;
events { worker_connections 256; }
http {
  include /etc/nginx/mime.types;
  access_log off;
${temporary}
  server {
    listen 127.0.0.1:${port} ssl;
    server_name ${host};
    ssl_certificate ${join(directory, 'tls-cert.pem')};
    ssl_certificate_key ${join(directory, 'tls-key.pem')};
    root /usr/share/lemonldap-ng/portal/htdocs/;
    fastcgi_buffers 32 32k;
    fastcgi_buffer_size 64k;
    if ($uri !~ ^/((static|javascript|favicon).*|.*\\.psgi)) {
      rewrite ^/(.*)$ /index.psgi/$1 break;
    }
    location ~ ^(?<script>/.*\\.psgi)(?:$|/) {
      include /etc/nginx/fastcgi_params;
      fastcgi_pass unix:${join(directory, 'fastcgi.sock')};
      fastcgi_param HTTP_HOST $http_host;
      fastcgi_param LLTYPE psgi;
      fastcgi_param SCRIPT_FILENAME $document_root$script;
      fastcgi_split_path_info ^(.*\\.psgi)(/.*)$;
      fastcgi_param PATH_INFO $fastcgi_path_info;
    }
    location / { try_files $uri =404; }
    location /static/ { alias /usr/share/lemonldap-ng/portal/htdocs/static/; }
    location /javascript/ { alias /usr/share/javascript/; }
  }
}
`;
}
