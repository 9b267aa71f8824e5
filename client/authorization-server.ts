import * as z from 'zod/mini';
import type { SigningKey } from '../protocol/ed25519.ts';
import { CountersignError, type ErrorCode } from '../protocol/errors.ts';
import type { ClientContext } from './context.ts';
import { type DpopFetch, fetchFromBridge } from './dpop-fetch.ts';
import type { Tokens } from './key-store.ts';

/** The bridge as OAuth authorization server, for this app. What it answers is attacker-controlled until parsed here. */
export interface AuthorizationServer {
  /** Pushes an authorization request (RFC 9126); answers the URL that carries its reference and nothing else. */
  authorizationUrl(sig: SigningKey, parameters: Readonly<Record<string, string>>): Promise<string>;
  /**
   * Tokens for this grant, bound to `sig`. `invalidGrant` is thrown for a code or refresh token that is not taken. Without a new
   * refresh token the one at hand stays.
   */
  tokens(sig: SigningKey, grant: Grant, invalidGrant: ErrorCode): Promise<Tokens>;
  /** Begins the device grant (RFC 8628 §3.1). Throws `bridge_invalid` where the bridge has none. */
  deviceCode(parameters: Readonly<Record<string, string>>): Promise<DeviceCode>;
  /** Asks whether the code was taken. Throws `sign_in_refused`. */
  deviceTokens(sig: SigningKey, deviceCode: string): Promise<Tokens | 'pending' | 'slow_down'>;
  /** Asks to forget a token (RFC 7009), where the server takes such requests. */
  revoke(token: string): Promise<void>;
}

/** Made anew for a repeated request where it is a function. */
export type Grant = Readonly<Record<string, string>> | (() => Promise<Readonly<Record<string, string>>>);

export interface DeviceCode {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete: string;
  readonly lifeSeconds: number;
  readonly intervalSeconds: number;
}

/** What tokens are asked for: the client API of the bridge (RFC 8707). */
export const apiResource = (context: ClientContext) => `${context.issuer}/v1`;

const metadataSchema = z.object({
  issuer: z.string(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  pushed_authorization_request_endpoint: z.url(),
  revocation_endpoint: z.optional(z.url()),
  device_authorization_endpoint: z.optional(z.url()),
});
type Metadata = z.infer<typeof metadataSchema>;

const pushedSchema = z.object({ request_uri: z.string().check(z.minLength(1)) });

const tokensSchema = z.object({
  access_token: z.string().check(z.minLength(1)),
  token_type: z.string(),
  expires_in: z.optional(z.number().check(z.nonnegative())),
  refresh_token: z.optional(z.string().check(z.minLength(1))),
});

const deviceCodeSchema = z.object({
  device_code: z.string().check(z.minLength(1)),
  user_code: z.string().check(z.regex(/^[\x20-\x7e]{1,32}$/)),
  verification_uri: z.url(),
  verification_uri_complete: z.url(),
  expires_in: z.number().check(z.positive()),
  interval: z.optional(z.number().check(z.positive())),
});

/** RFC 8628 §3.2, where the server names none, seconds. */
const POLL_INTERVAL = 5;

/** A token whose life the server does not tell is renewed after this time, seconds. */
const UNKNOWN_LIFE = 300;

/** Nothing is asked before the first use; then the endpoints are looked up once. */
export function createAuthorizationServer(context: ClientContext, dpopFetch: DpopFetch): AuthorizationServer {
  let found: Promise<Metadata> | null = null;

  function metadata(): Promise<Metadata> {
    found ??= discover(context).catch((error: unknown) => {
      found = null;
      throw error;
    });
    return found;
  }

  async function post(sig: SigningKey, url: string, parameters: Grant): Promise<Response> {
    const body =
      typeof parameters === 'function'
        ? async () => formOf(context, await parameters())
        : formOf(context, parameters);
    return dpopFetch(sig, { method: 'POST', url, headers: FORM_HEADERS, body });
  }

  return {
    async authorizationUrl(sig, parameters) {
      const { pushed_authorization_request_endpoint: endpoint, authorization_endpoint } = await metadata();
      const response = await post(sig, endpoint, parameters);
      if (response.status !== 201) throw await refusal(response, 'bridge_invalid');
      const { request_uri } = await parseJson(response, pushedSchema);
      const url = new URL(authorization_endpoint);
      url.searchParams.set('client_id', context.clientId);
      url.searchParams.set('request_uri', request_uri);
      return url.href;
    },

    async tokens(sig, grant, invalidGrant) {
      const response = await post(sig, (await metadata()).token_endpoint, grant);
      if (response.status !== 200) throw await refusal(response, invalidGrant);
      return tokensOf(context, response);
    },

    async deviceCode(parameters) {
      const { device_authorization_endpoint: endpoint } = await metadata();
      if (endpoint === undefined)
        throw new CountersignError('bridge_invalid', 'the bridge has no device grant');
      const body = formOf(context, parameters);
      const response = await fetchFromBridge(context, endpoint, {
        method: 'POST',
        headers: FORM_HEADERS,
        body,
      });
      if (response.status !== 200) throw await refusal(response, 'bridge_invalid');
      const answer = await parseJson(response, deviceCodeSchema);
      const { verification_uri: page, verification_uri_complete: complete } = answer;
      // People are sent to this address: to the bridge and nowhere else.
      if ([page, complete].some((url) => new URL(url).origin !== context.issuer)) {
        throw new CountersignError('bridge_invalid', 'the page for the code is elsewhere');
      }
      return {
        ...{ deviceCode: answer.device_code, userCode: answer.user_code },
        ...{ verificationUri: page, verificationUriComplete: complete },
        ...{ lifeSeconds: answer.expires_in, intervalSeconds: answer.interval ?? POLL_INTERVAL },
      };
    },

    async deviceTokens(sig, deviceCode) {
      const grant = { grant_type: DEVICE_GRANT, device_code: deviceCode };
      const response = await post(sig, (await metadata()).token_endpoint, grant);
      if (response.status === 200) return tokensOf(context, response);
      const { error } = errorSchema.safeParse(await readJson(response)).data ?? {};
      if (error === 'authorization_pending') return 'pending';
      if (error === 'slow_down') return 'slow_down';
      const refused = ['access_denied', 'expired_token', 'invalid_grant'].includes(error ?? '');
      const detail = `the authorization server answered ${error ?? `HTTP ${response.status}`}`;
      throw new CountersignError(refused ? 'sign_in_refused' : 'bridge_invalid', detail);
    },

    async revoke(token) {
      const { revocation_endpoint: endpoint } = await metadata();
      if (endpoint === undefined) return;
      const body = formOf(context, { token });
      const response = await fetchFromBridge(context, endpoint, {
        method: 'POST',
        headers: FORM_HEADERS,
        body,
      });
      if (response.status !== 200) throw await refusal(response, 'bridge_invalid');
    },
  };
}

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

async function tokensOf(context: ClientContext, response: Response): Promise<Tokens> {
  const issued = await parseJson(response, tokensSchema);
  if (issued.token_type.toLowerCase() !== 'dpop') {
    throw new CountersignError('bridge_invalid', 'the token is not bound to the device key');
  }
  return {
    accessToken: issued.access_token,
    refreshToken: issued.refresh_token ?? null,
    expires: context.now() + Math.floor(issued.expires_in ?? UNKNOWN_LIFE),
  };
}

const FORM_HEADERS = {
  accept: 'application/json',
  'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
};

/** A public client: it says which app it is, and proves nothing by that. */
function formOf({ clientId }: ClientContext, parameters: Readonly<Record<string, string>>): string {
  return new URLSearchParams({ ...parameters, client_id: clientId }).toString();
}

/** RFC 8414 §3. The bridge answers for itself alone: a token or code goes to no other origin. */
async function discover(context: ClientContext): Promise<Metadata> {
  const url = `${context.issuer}/.well-known/oauth-authorization-server`;
  const response = await fetchFromBridge(context, url, { headers: { accept: 'application/json' } });
  if (response.status !== 200) throw await refusal(response, 'bridge_invalid');
  const { issuer, ...endpoints } = await parseJson(response, metadataSchema);
  if (issuer !== context.issuer) {
    throw new CountersignError('bridge_invalid', 'the authorization server names itself otherwise');
  }
  for (const endpoint of Object.values(endpoints)) {
    if (endpoint !== undefined && new URL(endpoint).origin !== context.issuer) {
      throw new CountersignError('bridge_invalid', 'an endpoint of the authorization server is elsewhere');
    }
  }
  return { issuer, ...endpoints };
}

async function parseJson<Body>(response: Response, schema: z.ZodMiniType<Body>): Promise<Body> {
  const type = response.headers.get('content-type') ?? '';
  const parsed = schema.safeParse(await readJson(response));
  if (!/^application\/json\s*(?:;|$)/i.test(type) || !parsed.success) {
    throw new CountersignError('bridge_invalid', 'the authorization server’s answer is not in its form');
  }
  return parsed.data;
}

const errorSchema = z.object({ error: z.string().check(z.regex(/^[\x20-\x7e]{1,64}$/)) });

/** RFC 6749 §5.2; `invalidGrant` for that error. */
async function refusal(response: Response, invalidGrant: ErrorCode): Promise<CountersignError> {
  const body = errorSchema.safeParse(await readJson(response));
  if (!body.success) {
    return new CountersignError(
      'bridge_invalid',
      `the authorization server answered HTTP ${response.status}`,
    );
  }
  const { error } = body.data;
  const refused = error === 'invalid_grant' || error === 'invalid_client';
  const code = refused ? invalidGrant : 'bridge_invalid';
  return new CountersignError(code, `the authorization server answered ${error}`);
}

/** Null for what is no JSON. Throws `bridge_unreachable` where the answer breaks off. */
async function readJson(response: Response): Promise<unknown> {
  let text: string;
  try {
    text = await response.text();
  } catch (cause) {
    throw new CountersignError('bridge_unreachable', 'the answer broke off', { cause });
  }
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
