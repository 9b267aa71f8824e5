import { createClient, createMemoryKeyStore, createMemoryPinStore } from '../../client/index.ts';
import type { Stage } from '../../demo/stage/stage.ts';
import { createHeadlessBrowser, type HeadlessBrowser, type Page } from '../fakes/headless-browser.ts';
import { startOidcIdp } from '../fakes/oidc-idp/oidc-idp.ts';
import { setTestStage } from '../fakes/test-stage.ts';
import { startWholeBridge, type WholeBridge } from '../http/whole-bridge.ts';

const SECRET = 'a-secret-of-the-company';
export const PASSWORD = 'velvet-harbour-4';
export const ROOM_APP = 'room-app';

/** A company with one IdP, which two connections use: people sign in through one, rooms through the other. */
export interface RoomCompany {
  readonly stage: Stage;
  readonly bridge: WholeBridge;
  newClient(clientId?: string): ReturnType<typeof createClient>;
  browser(): HeadlessBrowser;
  /** Types code and address on the page, and signs in at the IdP; where the browser is then. */
  signRoomIn(browser: HeadlessBrowser, page: Page, given: { code: string; name: string }): Promise<Page>;
  close(): Promise<void>;
}

export async function startRoomCompany(): Promise<RoomCompany> {
  const stage = await setTestStage();
  const bridge = await startWholeBridge(stage, 'bridge.acme.localhost');
  await bridge.proveDomain('acme.example');
  const host = 'login.acme.localhost';
  stage.names.addHost(host, '127.0.0.1');
  const idp = await startOidcIdp({
    tls: await stage.ca.issue([host]),
    issuerHost: host,
    people: ['ada', 'room-1', 'room-2'].map((name) => ({
      ...{ username: name, password: PASSWORD, sub: `sub-${name}`, name, groups: [] },
      ...{ email: `${name}@acme.example`, email_verified: true },
    })),
    clients: ['work', 'rooms'].map((id) => ({
      client_id: `countersign-${id}`,
      client_secret: SECRET,
      redirect_uris: [`${bridge.issuer}/sign-in/oidc/${id}/callback`],
      token_endpoint_auth_method: 'client_secret_post' as const,
    })),
  });
  stage.onClose(() => idp.close());
  const { administrator } = bridge;
  for (const [id, assurance] of [
    ['work', 'member'],
    ['rooms', 'room'],
  ] as const) {
    await administrator.post('/admin/v1/connections', {
      ...{ id, name: id, protocol: 'oidc', domains: ['acme.example'], assurance },
      settings: {
        ...{ issuer: idp.issuer, clientId: `countersign-${id}` },
        authentication: { method: 'client_secret_post', secret: SECRET },
      },
    });
    await administrator.post(`/admin/v1/connections/${id}/test`);
    await administrator.post(`/admin/v1/connections/${id}/activate`);
  }
  await administrator.post('/admin/v1/apps', { id: ROOM_APP, name: 'Acme Rooms', kind: 'room' });

  return {
    ...{ stage, bridge },
    newClient: (clientId = ROOM_APP) =>
      createClient({
        ...{ issuer: bridge.issuer, clientId, engine: stage.engine, clock: bridge.clock },
        ...{ keyStore: createMemoryKeyStore(), pinStore: createMemoryPinStore(), fetch: stage.fetch },
      }),
    browser: () => createHeadlessBrowser({ fetch: stage.fetch }),
    async signRoomIn(browser, page, { code, name }) {
      const [form] = page.forms;
      if (form === undefined) throw new Error(`no form at ${page.url}`);
      const fields = { user_code: code, address: `${name}@acme.example` };
      const login = await browser.submit(page, form, fields);
      return browser.signIn(login, name, PASSWORD);
    },
    close: () => stage.close(),
  };
}
