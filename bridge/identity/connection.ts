import * as z from 'zod';
import type { ConnectorProbe, IdentityConnector } from '../../connectors/identity/connector.ts';
import { CONNECTION_DOMAINS, NAME_LENGTH } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';

/** `draft → tested → active → disabled`: only exactly the settings that passed a test can become active. */
export type ConnectionStatus = 'draft' | 'tested' | 'active' | 'disabled';

/** In URLs: chosen by the administrator, so that the IdP can be told where to send people before anything else. */
export const connectionId = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/, 'must be lower-case letters, digits and hyphens');

/** Without what the bridge supplies itself: redirect URI, SP entity id, ACS URL, SP keys. Checked per protocol. */
const settings = z.record(z.string(), z.unknown());
const name = z.string().trim().min(1).max(NAME_LENGTH);
const domains = z.array(z.string()).max(CONNECTION_DOMAINS);

export const newConnectionSchema = z.strictObject({
  /** A random one where absent. */
  id: connectionId.optional(),
  name,
  protocol: z.enum(['oidc', 'saml']),
  /** `guest`: people who sign in through it are guests, whatever they bring. */
  assurance: z.enum(['member', 'guest', 'room']).default('member'),
  settings,
  /** Domains that it may assert addresses on. Each must be known; it counts once it is verified. */
  domains: domains.default([]),
});
export type NewConnection = z.input<typeof newConnectionSchema>;

/** `settings` replaces all of them; a secret that is left out stays as it is. */
export const connectionChangeSchema = z.strictObject({
  name: name.optional(),
  assurance: z.enum(['member', 'guest', 'room']).optional(),
  settings: settings.optional(),
  domains: domains.optional(),
});
export type ConnectionChange = z.input<typeof connectionChangeSchema>;

/** A connection as administrators see it: secrets are left out of `settings`. */
export interface Connection {
  readonly id: string;
  readonly name: string;
  readonly protocol: 'oidc' | 'saml';
  readonly assurance: 'member' | 'guest' | 'room';
  readonly status: ConnectionStatus;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly domains: readonly string[];
  /** What the administrator of the IdP must be told. */
  readonly ours:
    | { readonly redirectUri: string }
    | { readonly entityId: string; readonly acsUrl: string; readonly metadataUrl: string };
  /** Whether a secret is stored. */
  readonly hasSecret: boolean;
  /** Seconds; null if these settings have not passed a test. */
  readonly tested: number | null;
  readonly created: number;
  readonly changed: number;
}

/**
 * The configured IdPs. Every method throws `connection_unknown` for an id that there is not; every change is an
 * event, and staged in the key log, in the same transaction.
 */
export interface Connections {
  /** Throws `config_invalid` (faults of settings, with their paths), `conflict` for an id in use. */
  create(connection: NewConnection, context: RequestContext): Promise<Connection>;
  /** New settings make it a draft again, unless they are exactly the tested ones. */
  change(id: string, change: ConnectionChange, context: RequestContext): Promise<Connection>;
  /** Asks the IdP for what it publishes and remembers these settings as tested. Throws what the connector throws. */
  test(id: string, context: RequestContext): Promise<{ connection: Connection; probe: ConnectorProbe }>;
  /** Throws `connection_untested` unless exactly these settings passed a test. */
  activate(id: string, context: RequestContext): Promise<Connection>;
  /** Signs everybody out who came through it: their tokens end in the same transaction. */
  disable(id: string, reason: string | undefined, context: RequestContext): Promise<Connection>;
  /** Throws `conflict` while it is active, or when people are known through it: disable it then. */
  remove(id: string, context: RequestContext): Promise<void>;
  list(): Promise<Connection[]>;
  get(id: string): Promise<Connection>;
  /** The adapter of a connection of any status, for this version of its settings. */
  connector(id: string): Promise<IdentityConnector>;
  /** Our SAML metadata for it, with current and next certificate. Throws `not_found` for OIDC. */
  metadata(id: string): Promise<string>;
}
