import { generateKeyPairSync } from 'node:crypto';
import type { Account, RelyingParty } from './peer.ts';

interface GlewlwydSettings {
  /** `https://<host>:<port>` */
  readonly origin: string;
  readonly port: number;
  /** Paths: the SQLite file, and the TLS key and certificate. */
  readonly database: string;
  readonly key: string;
  readonly cert: string;
}

/** The file that Glewlwyd 2.7 starts from; the rest of its settings live in its database. */
export function glewlwydConfiguration({ origin, port, database, key, cert }: GlewlwydSettings): string {
  return `port=${port}
bind_address="127.0.0.1"
external_url="${origin}"
login_url="login.html"
api_prefix="api"
cookie_secure=1
log_mode="console"
log_level="WARNING"
log_file="/dev/null"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
use_secure_connection=true
secure_connection_key_file="${key}"
secure_connection_pem_file="${cert}"
hash_algorithm="SHA512"
database={ type="sqlite3"; path="${database}"; };
`;
}

interface GlewlwydContent {
  /** The administrators' REST API, and a fetch that reaches it. */
  readonly api: string;
  readonly fetch: typeof fetch;
  readonly issuer: string;
  readonly account: Account;
  readonly relyingParty: RelyingParty;
}

/** The account that the database is delivered with. */
const ADMINISTRATOR = { username: 'admin', password: 'password' };

/** Makes the OpenID provider, its client and its person. */
export async function setUpGlewlwyd(content: GlewlwydContent): Promise<void> {
  const { account, relyingParty } = content;
  const cookie = await signInAsAdministrator(content);
  const create = (path: string, body: object) => post(content, path, body, cookie);

  await create('/mod/plugin/', openIdProvider(content.issuer));
  await create('/client/?source=database', {
    client_id: relyingParty.clientId,
    name: 'Countersign',
    enabled: true,
    confidential: true,
    client_secret: relyingParty.clientSecret,
    password: relyingParty.clientSecret,
    redirect_uri: [relyingParty.redirectUri],
    authorization_type: ['code'],
    token_endpoint_auth_method: ['client_secret_post'],
    scope: [],
  });
  await create('/user/?source=database', {
    username: account.username,
    name: account.name,
    email: account.address,
    enabled: true,
    password: account.password,
    scope: ['openid', 'g_profile'],
  });
}

async function signInAsAdministrator(content: GlewlwydContent): Promise<string> {
  const answer = await post(content, '/auth', ADMINISTRATOR);
  const cookies = answer.headers.getSetCookie().map((cookie) => cookie.split(';')[0]);
  return cookies.join('; ');
}

function openIdProvider(issuer: string): object {
  const key = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const signingKey = { ...key, kid: 'test-1', alg: 'EdDSA', use: 'sig' };
  return {
    module: 'oidc',
    name: 'oidc',
    display_name: 'OpenID Connect',
    enabled: true,
    parameters: {
      iss: issuer,
      'jwks-private': JSON.stringify({ keys: [signingKey] }),
      'default-kid': signingKey.kid,
      'jwks-show': true,
      'access-token-duration': 600,
      'refresh-token-duration': 3600,
      'code-duration': 60,
      'allow-non-oidc': false,
      'auth-type-code-enabled': true,
      'auth-type-code-revoke-replayed': true,
      'auth-type-token-enabled': false,
      'auth-type-id-token-enabled': true,
      'auth-type-none-enabled': false,
      'auth-type-password-enabled': false,
      'auth-type-client-enabled': false,
      'auth-type-device-enabled': false,
      'auth-type-refresh-enabled': false,
      'pkce-allowed': true,
      'pkce-required': true,
      'pkce-method-plain-allowed': false,
      'subject-type': 'public',
      'email-claim': 'mandatory',
      'name-claim': 'mandatory',
      'scope-claim': 'no',
      scope: [],
      claims: [],
      'additional-parameters': [],
      'client-pubkey-parameter': 'pubkey',
      'client-jwks-parameter': 'jwks',
      'client-jwks_uri-parameter': 'jwks_uri',
    },
  };
}

async function post(content: GlewlwydContent, path: string, body: object, cookie = ''): Promise<Response> {
  const answer = await content.fetch(content.api + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer;
}
