import { expect, it } from 'vitest';
import { createHeadlessBrowser } from '../fakes/headless-browser.ts';
import { installPersonApp } from '../http/person-app.ts';
import {
  CONNECTION,
  codeBehind,
  type PeerBench,
  postFromElsewhere,
  signInThroughPeer,
} from './whole-bridge-contract.ts';

/** The response of a sign-in that succeeded, as something that listens in the browser would have it. */
async function recordedResponse(bench: PeerBench): Promise<Readonly<Record<string, string>>> {
  await signInThroughPeer(bench);
  const recorded = bench.forms.last(assertionConsumer(bench), 'SAMLResponse');
  if (recorded === undefined) throw new Error('no response was posted');
  return recorded;
}

function assertionConsumer({ bridge }: PeerBench): string {
  return `${bridge.issuer}/saml/${CONNECTION}/acs`;
}

/** The attacker's own sign-in, up to the door of the peer: its RelayState. */
async function beginElsewhere({ stage, bridge, peer }: PeerBench): Promise<string> {
  const { client } = installPersonApp(stage, bridge);
  const redirectUri = 'http://127.0.0.1:1/callback';
  const { url } = await client.beginSignIn({ redirectUri, loginHint: peer.account.address });
  const page = await createHeadlessBrowser({ fetch: stage.fetch, stopAt: [peer.origin] }).open(url);
  expect(page.stopped).toBe(true);
  return new URL(page.url).searchParams.get('RelayState') ?? '';
}

/** What must hold of a whole bridge behind a SAML peer. */
export function wholeBridgeSamlContract(bench: () => PeerBench): void {
  it('refuses a response that is posted again', async () => {
    const recorded = await recordedResponse(bench());
    const page = await postFromElsewhere(bench(), assertionConsumer(bench()), recorded);
    expect(await codeBehind(bench(), page)).toBe('replayed');
  });

  it('refuses a response that is posted into a sign-in of somebody else', async () => {
    const recorded = await recordedResponse(bench());
    const RelayState = await beginElsewhere(bench());
    const page = await postFromElsewhere(bench(), assertionConsumer(bench()), { ...recorded, RelayState });
    expect(await codeBehind(bench(), page)).toBe('saml_in_response_to');
  });

  it('refuses a response without an open sign-in', async () => {
    const { RelayState: _none, ...recorded } = await recordedResponse(bench());
    const page = await postFromElsewhere(bench(), assertionConsumer(bench()), recorded);
    expect(await codeBehind(bench(), page)).toBe('sign_in_unknown');
  });

  it('remembers the id of each assertion that signed somebody in', async () => {
    const used = async () =>
      (await bench().bridge.store.read((query) => query.selectFrom('one_time').selectAll().execute())).filter(
        ({ kind }) => kind === 'saml-assertion',
      ).length;
    const before = await used();
    await signInThroughPeer(bench());
    expect(await used()).toBe(before + 1);
  });
}
