import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Connection } from '../../bridge/identity/connection.ts';
import type { SignInTrace } from '../../bridge/identity/sign-in.ts';
import { createPostedForms, type PostedForms } from '../../demo/stage/posted-forms.ts';
import { type Stage, setStage } from '../../demo/stage/stage.ts';
import { createHeadlessBrowser, type Page } from '../fakes/headless-browser.ts';
import { installPersonApp, type PersonApp, signInWithBrowser } from '../http/person-app.ts';
import { startWholeBridge, type WholeBridge } from '../http/whole-bridge.ts';
import type { Peer, TlsIdentity } from './peer.ts';

/** How a peer is joined to a bridge. */
export interface PeerConnection {
  readonly protocol: 'saml' | 'oidc';
  /** The one name that the peer is reached under. */
  readonly host: string;
  /** Starts the peer, telling it of the bridge as its administrator does. */
  start(given: { tls: TlsIdentity; spMetadata: string; redirectUri: string }): Promise<Peer>;
  /** What the bridge's administrator says of the peer, once it runs. */
  settings(peer: Peer): Readonly<Record<string, unknown>>;
}

/** A bridge with one connection, to the peer, and who listens in on the browsers. */
export interface PeerBench {
  readonly stage: Stage;
  readonly bridge: WholeBridge;
  readonly peer: Peer;
  readonly forms: PostedForms;
  readonly statuses: readonly string[];
}

export const CONNECTION = 'work';
/** Valid settings, for a draft whose metadata the peer must have before it starts. */
const UNTIL_THE_PEER_RUNS = {
  saml: { idp: { metadata: { url: 'https://not-yet.invalid/metadata' } } },
  oidc: { issuer: 'https://not-yet.invalid', clientId: 'x', authentication: { method: 'none' } },
};

/** Everything that an administrator does, by the admin API: draft, metadata, settings, test, domain, activation. */
async function startPeerBench(join: PeerConnection): Promise<PeerBench> {
  const stage = await setStage(new AbortController().signal);
  try {
    const bridge = await startWholeBridge(stage, 'bridge.acme.localhost');
    const { administrator } = bridge;
    const path = `/admin/v1/connections/${CONNECTION}`;
    const draft = await administrator.post<Connection>('/admin/v1/connections', {
      ...{ id: CONNECTION, name: 'Work', protocol: join.protocol },
      settings: UNTIL_THE_PEER_RUNS[join.protocol],
    });
    const { ours } = draft;
    const spMetadata = 'metadataUrl' in ours ? await (await stage.fetch(ours.metadataUrl)).text() : '';
    const redirectUri = 'redirectUri' in ours ? ours.redirectUri : '';

    stage.names.addHost(join.host, '127.0.0.1');
    const tls = { ...(await stage.ca.issue([join.host])), ca: stage.ca.certificatePem };
    const peer = await join.start({ tls, spMetadata, redirectUri });
    stage.onClose(() => peer.stop());

    const domain = domainOf(peer);
    await bridge.proveDomain(domain);
    await administrator.patch(path, { settings: join.settings(peer), domains: [domain] });
    const tested = await administrator.post<{ connection: Connection }>(`${path}/test`);
    const active = await administrator.post<Connection>(`${path}/activate`);
    const statuses = [draft.status, tested.connection.status, active.status];
    return { stage, bridge, peer, forms: createPostedForms(stage.fetch), statuses };
  } catch (error) {
    await stage.close();
    throw error;
  }
}

function domainOf({ account }: Peer): string {
  return account.address.slice(account.address.indexOf('@') + 1);
}

export async function signInThroughPeer(bench: PeerBench, password?: string): Promise<PersonApp> {
  const { stage, bridge, peer, forms } = bench;
  const app = installPersonApp(stage, bridge);
  await signInWithBrowser(app, {
    fetch: forms.fetch,
    address: peer.account.address,
    typePassword: (browser, page) => peer.signIn(browser, page, password),
  });
  return app;
}

/** The code behind a page that shows nothing but a trace id, as the administrator finds it. */
export async function codeBehind({ bridge }: PeerBench, page: Page): Promise<string> {
  expect(page.status).toBeGreaterThanOrEqual(400);
  const traceId = /\b[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4})+\b/.exec(page.html)?.[0];
  const { code } = await bridge.administrator.get<SignInTrace>(`/admin/v1/traces/${traceId}`);
  expect(page.html).not.toContain(code);
  return code;
}

/** The code of the latest sign-in that was refused, as its event has it. */
export async function codeBehindLastSignIn({ bridge }: PeerBench): Promise<string | null | undefined> {
  return (await bridge.events()).findLast(({ type }) => type === 'sign_in.refused')?.code;
}

/** Posts a form from another site, by a browser without cookies. */
export function postFromElsewhere(
  { stage }: PeerBench,
  action: string,
  fields: Readonly<Record<string, string>>,
): Promise<Page> {
  const form = { method: 'POST', action, fields, submitsItself: true } as const;
  const page = { url: 'https://attacker.invalid/', status: 200, html: '', forms: [form], stopped: false };
  return createHeadlessBrowser({ fetch: stage.fetch }).submit({ ...page, posted: null }, form);
}

/** Sets a bench up around the suite that calls it; to be asked for inside its tests. */
export function withPeerBench(join: PeerConnection): () => PeerBench {
  let bench: PeerBench | undefined;
  beforeAll(async () => {
    bench = await startPeerBench(join);
  });
  afterAll(() => bench?.stage.close());
  return () => {
    if (bench === undefined) throw new Error('the bench is not set up');
    return bench;
  };
}

/** What must hold of a whole bridge behind every peer. */
export function wholeBridgeContract(bench: () => PeerBench): void {
  it('tests the connection against the peer before it is activated', () => {
    expect(bench().statuses).toEqual(['draft', 'tested', 'active']);
  });

  it('does not sign in with a wrong password', async () => {
    const { bridge, peer } = bench();
    await expect(signInThroughPeer(bench(), 'wrong')).rejects.toThrow(`The sign-in ended at ${peer.origin}`);
    expect((await bridge.events()).map(({ type }) => type)).not.toContain('sign_in.succeeded');
  });

  it('takes a person from the peer’s password to a token, and to a key that verifies', async () => {
    const { bridge, peer } = bench();
    const { client, secrets } = await signInThroughPeer(bench());
    expect(await client.me()).toMatchObject({
      name: peer.account.name,
      addresses: [peer.account.address],
      assurance: 'member',
      credential: null,
    });
    const { verified, device } = await client.enrol({ label: 'Laptop' });
    expect(verified.statement).toMatchObject({ address: peer.account.address, version: 0, status: 'active' });
    expect(device.device_id).toBe((await secrets()).sig.kid);
    const [found] = await client.lookUp([peer.account.address]);
    expect(found).toMatchObject({ status: 'verified', level: 'logged' });
    const types = (await bridge.events()).map(({ type }) => type);
    expect(types).toEqual(
      expect.arrayContaining([
        'sign_in.succeeded',
        'person.created',
        'enrolment.confirmed',
        'statement.published',
      ]),
    );
  });

  it('refuses the token without the device’s key', async () => {
    const { stage, bridge } = bench();
    const { accessToken } = await (await signInThroughPeer(bench())).secrets();
    for (const scheme of ['Bearer', 'DPoP']) {
      const headers = { authorization: `${scheme} ${accessToken}` };
      expect((await stage.fetch(`${bridge.issuer}/v1/me`, { headers })).status).toBe(401);
    }
  });

  it('knows the person again, on a second device', async () => {
    const [first, second] = [await signInThroughPeer(bench()), await signInThroughPeer(bench())];
    const [me, again] = [await first.client.me(), await second.client.me()];
    expect(again.sub).toBe(me.sub);
    expect(again.deviceId).not.toBe(me.deviceId);
  });
}
