import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import Provider, { type ClientMetadata, type Configuration } from 'oidc-provider';
import { createMemoryAdapters } from './memory-adapter.ts';
import { handleInteraction } from './sign-in-page.ts';

/** Somebody whom the IdP knows. The list given at the start is read at each sign-in: change it to close an account. */
export interface OidcPerson {
  readonly username: string;
  readonly password: string;
  readonly sub: string;
  readonly email: string;
  readonly email_verified: boolean;
  readonly name: string;
  readonly groups: readonly string[];
}

export interface OidcIdp {
  readonly issuer: string;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * A throwaway identity provider on the certified `oidc-provider`: code flow with PKCE, ID tokens that carry the
 * claims, an RFC 9207 issuer, a sign-in page, no consent screen. It listens on 127.0.0.1; everything is in memory.
 */
export async function startOidcIdp(options: {
  tls: { key: string; cert: string };
  /** Chosen by the system where absent. */
  port?: number;
  issuerHost: string;
  title?: string;
  people: readonly OidcPerson[];
  clients: readonly ClientMetadata[];
}): Promise<OidcIdp> {
  const server = createServer(options.tls);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const issuer = `https://${options.issuerHost}:${port}`;
  const provider = new Provider(issuer, await configuration(options));
  const answer = provider.callback();
  server.on('request', (request, response) => {
    const page = { provider, people: options.people, title: options.title ?? options.issuerHost };
    if (request.url?.startsWith('/sign-in/') === true) void handleInteraction(page, request, response);
    else void answer(request, response);
  });

  return {
    issuer,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function configuration(options: {
  people: readonly OidcPerson[];
  clients: readonly ClientMetadata[];
}): Promise<Configuration> {
  return {
    adapter: createMemoryAdapters(),
    clients: [...options.clients],
    jwks: { keys: await Promise.all(['RS256', 'ES256', 'Ed25519'].map(newSigningKey)) },
    cookies: { keys: [crypto.randomUUID()] },
    findAccount: (_context, sub) => {
      const person = options.people.find((candidate) => candidate.sub === sub);
      if (person === undefined) return undefined;
      const { username: _username, password: _password, ...claims } = person;
      return { accountId: sub, claims: () => ({ ...claims, groups: [...claims.groups] }) };
    },
    interactions: { url: (_context, interaction) => `/sign-in/${interaction.uid}` },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false } },
    pkce: { required: () => true },
    scopes: ['openid', 'email', 'profile', 'groups'],
    claims: {
      openid: ['sub', 'amr', 'auth_time'],
      groups: ['groups'],
      email: ['email', 'email_verified'],
      profile: ['name'],
    },
    conformIdTokenClaims: false,
    ttl: {
      AccessToken: 300,
      AuthorizationCode: 60,
      Grant: 3600,
      IdToken: 300,
      Interaction: 600,
      Session: 3600,
    },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'Ed25519'] },
    // The company's own client: nobody is asked whether it may have the claims.
    loadExistingGrant: async ({ oidc }) => {
      const { client, session } = oidc;
      if (client === undefined || session?.accountId === undefined) return undefined;
      const grant = new oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid email profile groups');
      await grant.save();
      return grant;
    },
    renderError: (context, out) => {
      context.type = 'text/plain';
      context.body = `${out.error}: ${out.error_description ?? ''}`;
    },
  };
}

async function newSigningKey(alg: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: `${alg}-1` };
}
