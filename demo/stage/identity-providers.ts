import { startOidcIdp } from '../../test/fakes/oidc-idp/oidc-idp.ts';
import { startSamlIdp } from '../../test/fakes/saml-idp/saml-idp.ts';
import type { CompanyPlan, IdentityProvider } from './company.ts';
import { ADA, BEN, GWEN, HAL, inOidcDirectory, inSamlDirectory } from './people.ts';
import type { Stage } from './stage.ts';

/** Starts the company's identity provider, by the protocol that the company uses. */
export async function startIdentityProvider(
  stage: Stage,
  company: CompanyPlan,
  bridge: string,
): Promise<IdentityProvider> {
  const tls = await stage.ca.issue([company.loginHost]);
  stage.names.addHost(company.loginHost, '127.0.0.1');
  return company.protocol === 'oidc'
    ? startOidc(stage, company, bridge, tls)
    : startSaml(stage, company, tls);
}

async function startOidc(
  stage: Stage,
  company: CompanyPlan,
  bridge: string,
  tls: { key: string; cert: string },
): Promise<IdentityProvider> {
  const clientId = 'countersign';
  const secret = crypto.randomUUID();
  const idp = await startOidcIdp({
    tls,
    issuerHost: company.loginHost,
    title: company.name,
    people: [ADA, BEN].map(inOidcDirectory),
    clients: [
      {
        client_id: clientId,
        client_secret: secret,
        redirect_uris: [`${bridge}/sign-in/oidc/${company.connection}/callback`],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
  });
  stage.onClose(() => idp.close());
  return {
    origin: idp.issuer,
    description: 'OpenID Connect',
    settings: { issuer: idp.issuer, clientId, authentication: { method: 'client_secret_post', secret } },
    trust: null,
  };
}

async function startSaml(
  stage: Stage,
  company: CompanyPlan,
  tls: { key: string; cert: string },
): Promise<IdentityProvider> {
  const idp = await startSamlIdp({
    tls,
    idpHost: company.loginHost,
    title: company.name,
    people: [GWEN, HAL].map(inSamlDirectory),
    encrypt: true,
  });
  stage.onClose(() => idp.close());
  return {
    origin: idp.origin,
    description: 'SAML',
    settings: { idp: { metadata: { url: idp.metadataUrl } }, wantEncrypted: true },
    trust: (metadataXml) => idp.trust(metadataXml),
  };
}
