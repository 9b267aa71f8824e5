import type { IdentityConnector } from '../../connectors/identity/connector.ts';
import { createOidcConnector } from '../../connectors/identity/oidc/oidc-connector.ts';
import type { SamlSettings } from '../../connectors/identity/saml/saml-settings.ts';
import type { Clock } from '../lib/clock.ts';
import type { Outbound } from '../lib/outbound.ts';
import { type SealedColumn, textOf } from '../signer/sealed-columns.ts';
import type { SealContext, Signer } from '../signer/signer.ts';
import { type ConnectionSecret, oidcSettingsOf, ourUrls, samlSettingsOf } from './connection-settings.ts';
import type { ConnectionRow } from './connection-store.ts';

export interface ConnectorDeps {
  readonly issuer: string;
  readonly signer: Signer;
  readonly outbound: Outbound;
  readonly clock: Clock;
}

/** Makes the adapters of connections, and keeps each for as long as its settings and our SAML keys stay. */
export interface Connectors {
  of(row: ConnectionRow): Promise<IdentityConnector>;
  samlMetadata(row: ConnectionRow): Promise<string>;
}

export function createConnectors(deps: ConnectorDeps): Connectors {
  const kept = new Map<string, { version: string; connector: IdentityConnector }>();

  const saml = async (row: ConnectionRow): Promise<SamlSettings> => {
    const { current, next } = await deps.signer.samlKeys();
    const keys = next === null ? { current } : { current, next };
    return samlSettingsOf(JSON.parse(row.settings), ourUrls(deps.issuer, row.id), {
      signing: keys,
      decryption: keys,
    });
  };

  const make = async (row: ConnectionRow): Promise<{ version: string; create: () => IdentityConnector }> => {
    if (row.protocol === 'saml') {
      const settings = await saml(row);
      const { current, next } = settings.signing;
      const { createSamlConnector } = await import('../../connectors/identity/saml/saml-connector.ts');
      return {
        version: [row.fingerprint, current.certificate, next?.certificate].join(),
        create: () =>
          createSamlConnector(settings, {
            clock: deps.clock,
            fetchText: (url, bounds) => deps.outbound.text(url, bounds),
          }),
      };
    }
    const secret = await openSecret(deps.signer, row);
    const settings = oidcSettingsOf(JSON.parse(row.settings), secret, ourUrls(deps.issuer, row.id));
    return {
      version: row.fingerprint,
      create: () => createOidcConnector(settings, { clock: deps.clock, fetch: deps.outbound.fetch }),
    };
  };

  return {
    async of(row) {
      const { version, create } = await make(row);
      const found = kept.get(row.id);
      if (found?.version === version) return found.connector;
      const connector = create();
      kept.set(row.id, { version, connector });
      return connector;
    },
    async samlMetadata(row) {
      const { spMetadata } = await import('../../connectors/identity/saml/sp-metadata.ts');
      return spMetadata(await saml(row));
    },
  };
}

export async function openSecret(signer: Signer, row: ConnectionRow): Promise<ConnectionSecret | null> {
  if (row.secret === null) return null;
  const opened = await signer.open(sealContext(row.id), row.secret);
  return JSON.parse(new TextDecoder().decode(opened)) as ConnectionSecret;
}

export async function sealSecret(
  signer: Signer,
  id: string,
  secret: ConnectionSecret | null,
): Promise<Uint8Array | null> {
  if (secret === null) return null;
  return signer.seal(sealContext(id), new TextEncoder().encode(JSON.stringify(secret)));
}

/** What identity providers gave us to prove that we are their client. */
export const CONNECTION_SECRETS: SealedColumn = {
  ...{ table: 'connections', column: 'secret', key: ['id'] },
  context: (row) => sealContext(textOf(row, 'id')),
};

function sealContext(id: string): SealContext {
  return { kind: 'connection-secret', connection: id };
}
