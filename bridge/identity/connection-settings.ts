import { checkOidcSettings, type OidcSettings } from '../../connectors/identity/oidc/settings.ts';
import type { SamlSettings } from '../../connectors/identity/saml/saml-settings.ts';
import { CountersignError } from '../../protocol/errors.ts';
import { checkInput } from './checked-input.ts';
import { type AdministeredSamlSettings, administeredSamlSettings } from './saml-settings-schema.ts';

/** The settings of a connection in two parts: what may be shown, and what is sealed. */
export interface CheckedSettings {
  readonly shown: Readonly<Record<string, unknown>>;
  readonly secret: ConnectionSecret | null;
}

/** What authenticates us at the IdP's token endpoint. */
export type ConnectionSecret = { readonly secret: string } | { readonly privateKey: string };

/** The URLs of ours that a connection needs. */
export interface OurUrls {
  readonly redirectUri: string;
  readonly entityId: string;
  readonly acsUrl: string;
  readonly metadataUrl: string;
}

export function ourUrls(issuer: string, id: string): OurUrls {
  return {
    redirectUri: `${issuer}/sign-in/oidc/${id}/callback`,
    entityId: `${issuer}/saml/${id}`,
    acsUrl: `${issuer}/saml/${id}/acs`,
    metadataUrl: `${issuer}/saml/${id}/metadata`,
  };
}

/**
 * Settings as an administrator gave them, checked; where they leave the secret out, `kept` stands in.
 *
 * @throws config_invalid, naming the faults with their paths, never the values
 */
export function checkSettings(
  protocol: 'oidc' | 'saml',
  given: Readonly<Record<string, unknown>>,
  urls: OurUrls,
  kept: ConnectionSecret | null,
): CheckedSettings {
  return protocol === 'oidc' ? checkOidc(given, urls, kept) : { shown: checkSaml(given), secret: null };
}

/** The connector's settings again, from both parts. */
export function oidcSettingsOf(
  shown: Readonly<Record<string, unknown>>,
  secret: ConnectionSecret | null,
  urls: OurUrls,
): OidcSettings {
  const authentication = { ...record(shown.authentication), ...secret };
  return checkOidcSettings({
    ...shown,
    authentication,
    redirectUri: urls.redirectUri,
  } as unknown as OidcSettings);
}

export function samlSettingsOf(
  shown: Readonly<Record<string, unknown>>,
  urls: OurUrls,
  keys: Pick<SamlSettings, 'signing' | 'decryption'>,
): SamlSettings {
  return { ...parseSaml(shown), ...keys, spEntityId: urls.entityId, acsUrl: urls.acsUrl };
}

function checkOidc(
  given: Readonly<Record<string, unknown>>,
  urls: OurUrls,
  kept: ConnectionSecret | null,
): CheckedSettings {
  if (Object.hasOwn(given, 'redirectUri')) {
    throw new CountersignError('config_invalid', 'redirectUri: is the bridge’s own and cannot be set');
  }
  const authentication = { ...keptSecret(given.authentication, kept), ...record(given.authentication) };
  const checked = checkOidcSettings({
    ...given,
    authentication,
    redirectUri: urls.redirectUri,
  } as unknown as OidcSettings);
  const { redirectUri: _ours, authentication: how, ...rest } = checked;
  const { secret, shownAuthentication } = withoutSecret(how);
  return { shown: { ...rest, authentication: shownAuthentication }, secret };
}

/** A stored secret stays only with a method that uses it: otherwise the schema refuses it as unknown. */
function keptSecret(authentication: unknown, kept: ConnectionSecret | null): object {
  if (kept === null) return {};
  const { method } = record(authentication);
  const usesPrivateKey = method === 'private_key_jwt';
  const usesSecret = typeof method === 'string' && method.startsWith('client_secret_');
  return ('privateKey' in kept ? usesPrivateKey : usesSecret) ? kept : {};
}

function withoutSecret(authentication: OidcSettings['authentication']): {
  secret: ConnectionSecret | null;
  shownAuthentication: Readonly<Record<string, unknown>>;
} {
  if ('secret' in authentication) {
    const { secret, ...shownAuthentication } = authentication;
    return { secret: { secret }, shownAuthentication };
  }
  if ('privateKey' in authentication) {
    const { privateKey, ...shownAuthentication } = authentication;
    return { secret: { privateKey }, shownAuthentication };
  }
  return { secret: null, shownAuthentication: authentication };
}

function checkSaml(given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { ...parseSaml(given) };
}

function parseSaml(given: Readonly<Record<string, unknown>>): AdministeredSamlSettings {
  return checkInput(administeredSamlSettings, given) as AdministeredSamlSettings;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
