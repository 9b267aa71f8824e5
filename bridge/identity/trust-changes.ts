/**
 * What the key log commits to of connections, domains and administrators. Each state is put together from members that
 * are named here one by one: what a later version adds to a record, a secret perhaps, does not come in by itself.
 */
import { createHash } from 'node:crypto';
import type { ConnectorProbe } from '../../connectors/identity/connector.ts';
import type { Json } from '../../protocol/canonical-json.ts';
import { domainsByConnection, findDomain } from '../directory/domains.ts';
import { stageTrustChange, type TrustChange, type TrustChangesDeps } from '../keylog/trust-changes.ts';
import type { Transaction } from '../storage/database.ts';
import type { BootstrapLinksTable } from '../storage/tables/administration.ts';
import type { StoredToken } from './administrators-store.ts';
import { type ConnectionRow, findConnection } from './connection-store.ts';
import type { AdministeredSamlSettings } from './saml-settings-schema.ts';

type Act = Pick<TrustChange, 'change' | 'by'>;

/**
 * The connection as it now stands in `tx`, if it does. `probe`: what the IdP publishes, where that was just looked at.
 */
export async function stageConnectionChange(
  deps: TrustChangesDeps,
  tx: Transaction,
  id: string,
  { change, by, probe }: Act & { readonly probe?: ConnectorProbe | undefined },
): Promise<void> {
  const row = await findConnection(tx, id);
  const domains = (await domainsByConnection(tx)).get(id) ?? [];
  const state = row === undefined ? null : connectionState(row, domains, probe);
  await stageTrustChange(deps, tx, { name: connectionName(id), change, by, state });
}

/** Under which the key log has a connection. */
export function connectionName(id: string): string {
  return `connection/${id}`;
}

/** The domain as it now stands in `tx`, if it does. */
export async function stageDomainChange(
  deps: TrustChangesDeps,
  tx: Transaction,
  domain: string,
  act: Act,
): Promise<void> {
  const found = await findDomain(tx, domain);
  const state = found === undefined ? null : { status: found.status, verified: found.verified };
  await stageTrustChange(deps, tx, { name: domainName(domain), ...act, state });
}

/** Under which the key log has a domain. */
export function domainName(domain: string): string {
  return `domain/${domain}`;
}

/** `link`: the hash of the one-time link that was used up for it; null where another token made it. */
export async function stageTokenCreated(
  deps: TrustChangesDeps,
  tx: Transaction,
  { id, name, created, expires, parent, roles }: StoredToken,
  link: string | null,
  by: Act['by'],
): Promise<void> {
  const change = link === null ? 'admin.token_created' : 'admin.bootstrapped';
  const state = { name, created, expires, parent, link, roles: JSON.parse(roles) };
  await stageTrustChange(deps, tx, { name: administratorName(id), change, by, state });
}

export async function stageTokenRevoked(
  deps: TrustChangesDeps,
  tx: Transaction,
  id: string,
  by: Act['by'],
): Promise<void> {
  const name = administratorName(id);
  await stageTrustChange(deps, tx, { name, change: 'admin.token_revoked', by, state: null });
}

/** A link has no id but the hash of its 256 random bits, which opens nothing. */
export async function stageLinkCreated(
  deps: TrustChangesDeps,
  tx: Transaction,
  { hash, expires, token_life, roles }: Readonly<BootstrapLinksTable>,
  by: Act['by'],
): Promise<void> {
  const name = administratorName(hash);
  const state = { expires, token_life, roles: JSON.parse(roles) };
  await stageTrustChange(deps, tx, { name, change: 'admin.link_created', by, state });
}

function administratorName(id: string): string {
  return `administrator/${id}`;
}

function connectionState(row: ConnectionRow, domains: readonly string[], probe?: ConnectorProbe): Json {
  const { protocol, assurance, status, fingerprint } = row;
  const isSaml = protocol === 'saml';
  return {
    ...{ protocol, assurance, status, domains: [...domains].sort() },
    // Another one means other settings or another secret: whether what was tested is what became active.
    fingerprint,
    idp: isSaml ? samlIdp(row) : oidcIdp(row),
    // The keys of an OIDC provider change by themselves, as often as it likes.
    ...(isSaml && probe !== undefined ? { published: publishedBySaml(probe) } : {}),
  };
}

/** Whom an OIDC connection believes, and which of its claims. */
function oidcIdp({ settings }: ConnectionRow): Json {
  const stored: {
    readonly issuer: string;
    readonly clientId: string;
    readonly authentication: { readonly method: string };
    readonly claims: Readonly<Record<string, string>>;
    readonly emailVerified: string;
  } = JSON.parse(settings);
  return {
    issuer: stored.issuer,
    client_id: stored.clientId,
    authentication: stored.authentication.method,
    claims: stored.claims,
    email_verified: stored.emailVerified,
  };
}

/** Whom a SAML connection believes, and what of an assertion. Null: as the metadata or our default has it. */
function samlIdp({ settings }: ConnectionRow): Json {
  const {
    idp,
    ...rest
  }: Pick<AdministeredSamlSettings, 'idp' | 'assertionSignature'> & {
    readonly subject?: Json;
    readonly attributes?: Json;
  } = JSON.parse(settings);
  const { metadata, entityId, overrides } = idp;
  return {
    ...('url' in metadata ? { metadata_url: metadata.url } : { metadata_sha256: sha256Hex(metadata.xml) }),
    entity_id: entityId ?? null,
    sso_url: overrides?.ssoUrl ?? null,
    certificates: overrides?.certificates?.map(certificateFingerprint) ?? null,
    subject: rest.subject ?? null,
    attributes: rest.attributes ?? null,
    assertion_signature: rest.assertionSignature ?? null,
  };
}

function publishedBySaml({ issuer, keys }: ConnectorProbe): Json {
  return { entity_id: issuer, certificates: keys.map(({ id }) => id) };
}

/** SHA-256 of the DER form, as the connector has it; of whatever stands there, where that is no certificate. */
function certificateFingerprint(pem: string): string {
  const base64 = pem.replace(/-----(BEGIN|END) CERTIFICATE-----/g, '').replace(/\s/g, '');
  return sha256Hex(Buffer.from(base64, 'base64'));
}

function sha256Hex(input: string | Uint8Array): string {
  return createHash('sha256').update(input).digest('hex');
}
