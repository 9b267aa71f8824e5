import type { Terminal } from '../terminal.ts';
import {
  clientSecret,
  emailVerifiedOf,
  metadataOf,
  type OidcOptions,
  type SamlOptions,
} from './connection-settings.ts';

export type OidcChanges = Partial<OidcOptions>;
export type SamlChanges = SamlOptions;

type Settings = Readonly<Record<string, unknown>>;

/** The settings that a connection has, with those changed that the options name. */
export async function changedOidcSettings(
  terminal: Terminal,
  settings: Settings,
  options: OidcChanges,
): Promise<Settings> {
  const { issuer, clientId, addressClaim, subjectClaim, trustAddresses } = options;
  return {
    ...settings,
    ...(issuer === undefined ? {} : { issuer }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(trustAddresses === undefined ? {} : { emailVerified: emailVerifiedOf(trustAddresses) }),
    claims: {
      ...part(settings.claims),
      ...(addressClaim === undefined ? {} : { address: addressClaim }),
      ...(subjectClaim === undefined ? {} : { subject: subjectClaim }),
    },
    authentication: await changedAuthentication(terminal, part(settings.authentication), options),
  };
}

/** The bridge keeps the secret that it has where the method goes on using it; it is asked for only where it has none. */
async function changedAuthentication(
  terminal: Terminal,
  before: Settings,
  options: OidcChanges,
): Promise<Settings> {
  const { authentication: method = before.method, clientSecretFile } = options;
  const kept = method === before.method ? before : { method };
  const lacksSecret = usesSecret(method) && !usesSecret(before.method);
  if (clientSecretFile === undefined && !lacksSecret) return kept;
  return { ...kept, secret: await clientSecret(terminal, options) };
}

function usesSecret(method: unknown): boolean {
  return typeof method === 'string' && method.startsWith('client_secret_');
}

/** As for OpenID Connect; of the identity provider's own part only the metadata changes. */
export function changedSamlSettings(settings: Settings, options: SamlChanges): Settings {
  const { metadataUrl, metadataFile, addressAttribute, subjectAttribute, wantEncrypted } = options;
  const metadata = metadataUrl === undefined && metadataFile === undefined ? undefined : metadataOf(options);
  return {
    ...settings,
    ...(metadata === undefined ? {} : { idp: { ...part(settings.idp), metadata } }),
    ...(addressAttribute === undefined
      ? {}
      : { attributes: { ...part(settings.attributes), address: addressAttribute } }),
    ...(subjectAttribute === undefined ? {} : { subject: { attribute: subjectAttribute } }),
    ...(wantEncrypted === undefined ? {} : { wantEncrypted }),
  };
}

function part(value: unknown): Settings {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
