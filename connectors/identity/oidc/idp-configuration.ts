import * as client from 'openid-client';
import * as z from 'zod';
import type { Clock } from '../../../bridge/lib/clock.ts';
import { CLOCK_SKEW_S, METADATA_REFRESH_S, URL_LENGTH } from '../../../bridge/lib/limits.ts';
import { CountersignError } from '../../../protocol/errors.ts';
import { clientAuthentication } from './client-authentication.ts';
import { createIdpFetch } from './idp-fetch.ts';
import { withReadableKeys } from './published-keys.ts';
import { discoveryRefusal, otherIssuer } from './refusals.ts';
import { type CheckedOidcSettings, SIGNING_ALGORITHMS } from './settings.ts';

const endpoint = z.url({ protocol: /^https$/ }).max(URL_LENGTH);

/** What we use of OpenID Connect Discovery 1.0 section 3 and RFC 9207 section 3. */
const discoveryDocument = z.looseObject({
  issuer: z.string(),
  authorization_endpoint: endpoint,
  token_endpoint: endpoint,
  jwks_uri: endpoint,
  userinfo_endpoint: endpoint.optional(),
  id_token_signing_alg_values_supported: z.array(z.string()).default(['RS256']),
  userinfo_signing_alg_values_supported: z.array(z.string()).default([]),
  code_challenge_methods_supported: z.array(z.string()).default(['S256']),
  authorization_response_iss_parameter_supported: z.boolean().default(false),
});

/** What the IdP publishes, checked. */
export type IdpMetadata = z.output<typeof discoveryDocument>;

export interface IdpConfiguration {
  readonly metadata: IdpMetadata;
  /** openid-client's own object, set to verify the ID token's signature. */
  readonly library: client.Configuration;
}

export interface IdpConfigurationSource {
  /** What is known, or read anew when it is older than an hour. */
  current(): Promise<IdpConfiguration>;
  /** Read anew now. */
  refresh(): Promise<IdpConfiguration>;
}

interface Discovered {
  readonly metadata: IdpMetadata;
  readonly authentication: client.ClientAuth;
  readonly fetch: client.CustomFetch;
  readonly at: number;
}

/** Discovery of one IdP, kept for an hour at most; requests that come while it is read share one reading. */
export function createIdpConfigurationSource(
  settings: CheckedOidcSettings,
  deps: { clock: Clock; fetch: typeof fetch },
): IdpConfigurationSource {
  let discovered: Discovered | undefined;
  let reading: Promise<Discovered> | undefined;
  let built: { from: Discovered; skew: number; configuration: IdpConfiguration } | undefined;

  async function read(): Promise<Discovered> {
    reading ??= discover(settings, deps).finally(() => {
      reading = undefined;
    });
    discovered = await reading;
    return discovered;
  }

  /** The library reads the machine's clock; `skew` is what the bridge's clock differs from it (zero but in tests). */
  function build(from: Discovered): IdpConfiguration {
    const skew = Math.round((deps.clock.now() - Date.now()) / 1000);
    if (built?.from === from && Math.abs(built.skew - skew) <= 1) return built.configuration;
    const library = libraryConfiguration(settings, from, skew);
    const keys = built?.from === from ? client.getJwksCache(built.configuration.library) : undefined;
    if (keys !== undefined) client.setJwksCache(library, keys);
    built = { from, skew, configuration: { metadata: from.metadata, library } };
    return built.configuration;
  }

  return {
    async current() {
      const age = discovered === undefined ? Number.POSITIVE_INFINITY : deps.clock.now() - discovered.at;
      const fresh = age >= 0 && age < METADATA_REFRESH_S * 1000;
      return build(discovered !== undefined && fresh ? discovered : await read());
    },
    refresh: async () => build(await read()),
  };
}

async function discover(
  settings: CheckedOidcSettings,
  deps: { clock: Clock; fetch: typeof fetch },
): Promise<Discovered> {
  const fetch = createIdpFetch(deps.fetch);
  const published = await client
    .discovery(new URL(settings.issuer), settings.clientId, undefined, client.None(), {
      [client.customFetch]: fetch,
    })
    .catch((error: unknown) => {
      throw discoveryRefusal(error, settings.issuer);
    });
  const metadata = checkMetadata(published.serverMetadata(), settings);
  return {
    metadata,
    authentication: await clientAuthentication(settings.authentication),
    fetch: withReadableKeys(fetch, metadata.jwks_uri),
    at: deps.clock.now(),
  };
}

function checkMetadata(published: unknown, settings: CheckedOidcSettings): IdpMetadata {
  const checked = discoveryDocument.safeParse(published);
  if (!checked.success) {
    const where = checked.error.issues.map((issue) => issue.path.join('.')).join(', ');
    throw new CountersignError('oidc_discovery', `The discovery document is malformed: ${where}.`);
  }
  const metadata = checked.data;
  // The library forgives a final slash and lets Entra's templates through; identities hang on the exact issuer.
  if (metadata.issuer !== settings.issuer) throw otherIssuer(metadata.issuer, settings.issuer);
  if (!metadata.code_challenge_methods_supported.includes('S256')) {
    throw new CountersignError('oidc_discovery', 'The identity provider does not take PKCE with S256.');
  }
  const algorithms = allowed(metadata.id_token_signing_alg_values_supported);
  if (algorithms.length === 0 && settings.idTokenAlgorithm === undefined) {
    throw new CountersignError(
      'oidc_algorithm',
      'The identity provider offers no algorithm that is allowed.',
    );
  }
  return {
    ...metadata,
    id_token_signing_alg_values_supported: algorithms,
    userinfo_signing_alg_values_supported: allowed(metadata.userinfo_signing_alg_values_supported),
  };
}

function allowed(algorithms: readonly string[]): string[] {
  const list: readonly string[] = SIGNING_ALGORITHMS;
  return algorithms.filter((algorithm) => list.includes(algorithm));
}

function libraryConfiguration(
  settings: CheckedOidcSettings,
  from: Discovered,
  skew: number,
): client.Configuration {
  const configuration = new client.Configuration(
    { ...from.metadata, userinfo_endpoint: from.metadata.userinfo_endpoint } as client.ServerMetadata,
    settings.clientId,
    {
      ...(settings.idTokenAlgorithm === undefined
        ? {}
        : { id_token_signed_response_alg: settings.idTokenAlgorithm }),
      [client.clockSkew]: skew,
      [client.clockTolerance]: CLOCK_SKEW_S,
    },
    from.authentication,
  );
  configuration[client.customFetch] = from.fetch;
  // Our fetch bounds the time. Without a timer of its own the library lets concurrent requests for keys share one.
  configuration.timeout = 0;
  client.enableNonRepudiationChecks(configuration);
  return configuration;
}
