import type { DiscoveredBridge } from '../../bridge/federation/partners.ts';
import type { Domain } from '../../demo/stage/domain.ts';
import type { Stage } from '../../demo/stage/stage.ts';
import { type OidcPerson, startOidcIdp } from '../fakes/oidc-idp/oidc-idp.ts';
import { setTestStage } from '../fakes/test-stage.ts';
import { type InstalledApp, installPersonApp, signInWithBrowser } from './person-app.ts';
import { recordTraffic, type Traffic } from './traffic.ts';
import { type Amended, startWholeBridge, type WholeBridge } from './whole-bridge.ts';

/** A bridge whose people sign in at an OpenID provider of the company. */
export interface Company {
  readonly bridge: WholeBridge;
  readonly domain: string;
  /** What the company's apps and its bridge say to each other. */
  readonly traffic: Traffic;
  /** The app of somebody of the company, signed in, on a device of its own; it and their browser ask by `through`. */
  signIn(name: string, through?: typeof fetch): Promise<InstalledApp>;
  address(name: string): string;
}

/** Two companies that approved each other. */
export interface TwoCompanies {
  readonly stage: Stage;
  readonly acme: Company;
  readonly globex: Company;
  close(): Promise<void>;
}

/** `escrow`: whether the first one’s administrators can recover keys. */
export async function startTwoCompanies(
  escrow: 'required' | 'offered' | 'off' = 'off',
): Promise<TwoCompanies> {
  const stage = await setTestStage();
  try {
    const acme = await startCompany(stage, 'acme', ['ada', 'bob', 'carol'], {
      escrow: { organization: escrow },
    });
    const globex = await startCompany(stage, 'globex', ['gwen', 'hal']);
    for (const company of [acme, globex]) await publishBridge(stage, company);
    await approve(acme, globex);
    await approve(globex, acme);
    return { stage, acme, globex, close: () => stage.close() };
  } catch (error) {
    await stage.close();
    throw error;
  }
}

/** With these people at its OpenID provider, and their domain proven. The stage ends it. */
export async function startCompany(
  stage: Stage,
  key: string,
  names: readonly string[],
  amended?: Amended,
): Promise<Company> {
  const bridge = await startWholeBridge(stage, `bridge.${key}.localhost`, amended);
  const domain = `${key}.example`;
  const address = (name: string) => `${name}@${domain}`;
  await bridge.proveDomain(domain);
  const issuer = await startLogin(
    stage,
    bridge,
    key,
    names.map((name) => person(name, address(name))),
  );
  await connect(bridge, issuer, domain);
  const traffic = recordTraffic(stage.fetch, bridge.issuer);
  return {
    ...{ bridge, domain, traffic, address },
    async signIn(name, through) {
      const app = installPersonApp(stage, bridge, through ?? traffic.fetch);
      await signInWithBrowser(app, {
        fetch: through ?? stage.fetch,
        address: address(name),
        typePassword: (browser, page) => browser.signIn(page, name, PASSWORD),
      });
      return app;
    },
  };
}

export const PASSWORD = 'velvet-harbour-4';
const SECRET = 'a-secret-of-the-company';

function person(name: string, address: string): OidcPerson {
  return {
    ...{ username: name, password: PASSWORD, sub: `sub-${name}`, name, groups: [] },
    ...{ email: address, email_verified: true },
  };
}

/** Answers the issuer of the company's OpenID provider. */
async function startLogin(
  stage: Stage,
  bridge: WholeBridge,
  key: string,
  people: readonly OidcPerson[],
): Promise<string> {
  const host = `login.${key}.localhost`;
  stage.names.addHost(host, '127.0.0.1');
  const idp = await startOidcIdp({
    tls: await stage.ca.issue([host]),
    issuerHost: host,
    people,
    clients: [
      {
        client_id: 'countersign',
        client_secret: SECRET,
        redirect_uris: [`${bridge.issuer}/sign-in/oidc/work/callback`],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
  });
  stage.onClose(() => idp.close());
  return idp.issuer;
}

async function connect({ administrator }: WholeBridge, issuer: string, domain: string): Promise<void> {
  await administrator.post('/admin/v1/connections', {
    ...{ id: 'work', name: 'Work', protocol: 'oidc', domains: [domain] },
    settings: {
      ...{ issuer, clientId: 'countersign' },
      authentication: { method: 'client_secret_post', secret: SECRET },
    },
  });
  await administrator.post('/admin/v1/connections/work/test');
  await administrator.post('/admin/v1/connections/work/activate');
}

async function publishBridge(stage: Stage, { bridge, domain }: Company): Promise<void> {
  const { domains } = await bridge.administrator.get<{ domains: readonly Domain[] }>('/admin/v1/domains');
  const record = domains.find((known) => known.domain === domain)?.federationRecord;
  if (record === undefined) throw new Error(`${domain} has no record`);
  stage.names.setTxt(record.name, [record.value]);
}

async function approve({ bridge }: Company, partner: Company): Promise<void> {
  const { administrator } = bridge;
  const { domain } = partner;
  const { entityId } = await administrator.post<DiscoveredBridge>('/admin/v1/partners/discover', { domain });
  const { rootThumbprint } = partner.bridge;
  await administrator.post('/admin/v1/partners/approve', { entityId, rootThumbprint, domains: [domain] });
}
