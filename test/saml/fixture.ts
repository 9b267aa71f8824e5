/** One connector and the facts of one honest sign-in at it; tests change one fact each. */
import { expect } from 'vitest';
import type { IdentityConnector, UpstreamIdentity } from '../../connectors/identity/connector.ts';
import { createSamlConnector } from '../../connectors/identity/saml/saml-connector.ts';
import type { SamlSettings } from '../../connectors/identity/saml/saml-settings.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { idpMetadataXml } from '../fakes/saml-idp/idp-metadata-xml.ts';
import { makeKeyPair } from '../fakes/saml-idp/key-pair.ts';
import {
  makeResponse,
  type ResponseContext,
  type ResponseOverrides,
  toField,
} from '../fakes/saml-idp/make-response.ts';

export const NOW = Date.now();
export const IDP = 'https://idp.globex.example/metadata';
export const SP = 'https://bridge.globex.example/saml';
export const ACS = 'https://bridge.globex.example/saml/acs';
export const REQUEST = '_request-0001';

export const [idpKeys, otherKeys, spKeys, nextSpKeys] = await Promise.all([
  makeKeyPair({ commonName: 'idp' }),
  makeKeyPair({ commonName: 'attacker' }),
  makeKeyPair({ commonName: 'sp' }),
  makeKeyPair({ commonName: 'sp next' }),
]);

export const context: ResponseContext = {
  idpEntityId: IDP,
  keys: idpKeys,
  spEntityId: SP,
  acsUrl: ACS,
  requestId: REQUEST,
  now: NOW,
  nameId: 'p-4711',
  attributes: [
    ['mail', ['rosa@globex.example']],
    ['displayName', ['Rosa Marin']],
    ['groups', ['staff', 'board']],
  ],
};

export const settings: SamlSettings = {
  spEntityId: SP,
  acsUrl: ACS,
  signing: { current: spKeys },
  decryption: { current: spKeys, next: nextSpKeys },
  idp: { metadata: { xml: metadata([idpKeys.certificate]) } },
};

export function metadata(certificates: readonly string[]): string {
  return idpMetadataXml({ entityId: IDP, ssoUrl: 'https://idp.globex.example/sso', certificates });
}

export function connector(
  changes: Partial<SamlSettings> = {},
  deps: { readonly now?: number; readonly fetchText?: (url: string) => Promise<string> } = {},
): IdentityConnector {
  const unexpected = () => Promise.reject(new Error('no fetch is expected'));
  return createSamlConnector(
    { ...settings, ...changes },
    { clock: { now: () => deps.now ?? NOW }, fetchText: deps.fetchText ?? unexpected },
  );
}

/** Completes the open request with a response that differs from an honest one by `overrides`. */
export async function signIn(
  overrides: ResponseOverrides = {},
  changes: Partial<SamlSettings> = {},
  deps: Parameters<typeof connector>[1] = {},
): Promise<UpstreamIdentity> {
  return bring(await makeResponse(context, overrides), connector(changes, deps));
}

/** Brings a finished message to the connector. */
export function bring(xml: string, to: IdentityConnector = connector()): Promise<UpstreamIdentity> {
  return to.complete({ protocol: 'saml', form: { SAMLResponse: toField(xml) } }, { requestId: REQUEST });
}

/** Asserts that the sign-in is refused with exactly this code, and by the rule that says so. */
export async function expectRefused(
  attempt: Promise<unknown> | (() => unknown),
  code: ErrorCode,
  detail?: RegExp,
): Promise<void> {
  const promise = typeof attempt === 'function' ? (async () => attempt())() : attempt;
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'CountersignError', code });
  if (detail !== undefined) expect((error as { detail?: string }).detail).toMatch(detail);
}
