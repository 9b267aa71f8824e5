import { describeWithPeer } from './describe-with-peer.ts';
import { GLEWLWYD_HOST, startGlewlwyd } from './glewlwyd.ts';
import { makeRelyingParty } from './oidc-sign-in.ts';
import type { OidcPeer } from './peer.ts';
import { wholeBridgeContract, withPeerBench } from './whole-bridge-contract.ts';

await describeWithPeer('glewlwyd', 'A whole bridge behind Glewlwyd (OpenID Connect, EdDSA)', () => {
  const bench = withPeerBench({
    protocol: 'oidc',
    host: GLEWLWYD_HOST,
    start: ({ tls, redirectUri }) =>
      startGlewlwyd({ tls, relyingParty: { ...makeRelyingParty(), redirectUri } }),
    settings(peer) {
      const { issuer, clientId, clientSecret } = peer as OidcPeer;
      const authentication = { method: 'client_secret_post', secret: clientSecret };
      return {
        ...{ issuer, clientId, authentication },
        ...{ emailVerified: 'trusted-domain', idTokenAlgorithm: 'EdDSA' },
      };
    },
  });
  wholeBridgeContract(bench);
});
