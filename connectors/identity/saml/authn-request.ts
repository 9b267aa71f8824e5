import { randomBytes } from 'node:crypto';
import { SAML } from '@node-saml/node-saml';
import type { LoginRequest } from '../connector.ts';
import type { IdpMetadata } from './idp-metadata.ts';
import { NAME_ID } from './names.ts';
import type { SamlSettings } from './saml-settings.ts';

/** A signed AuthnRequest for the Redirect binding (SAML Bindings §3.4.4.1), and the id that its answer must cite. */
export async function createAuthnRequest(
  settings: SamlSettings,
  idp: IdpMetadata,
  request: LoginRequest,
): Promise<{ url: string; requestId: string }> {
  const requestId = `_${randomBytes(20).toString('hex')}`;
  const byNameId = settings.subject === undefined || 'nameId' in settings.subject;
  const saml = new SAML({
    issuer: settings.spEntityId,
    callbackUrl: settings.acsUrl,
    entryPoint: idp.ssoUrl,
    idpCert: idp.certificates.map(({ pem }) => pem),
    privateKey: settings.signing.current.privateKey,
    signatureAlgorithm: 'sha256',
    identifierFormat: byNameId ? NAME_ID.persistent : null,
    disableRequestedAuthnContext: true,
    forceAuthn: request.fresh === true,
    generateUniqueId: () => requestId,
  });
  const hint = request.loginHint === undefined ? {} : { login_hint: request.loginHint };
  const url = await saml.getAuthorizeUrlAsync(request.handle, undefined, { additionalParams: hint });
  return { url, requestId };
}
