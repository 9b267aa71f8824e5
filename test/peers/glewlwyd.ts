import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { freePort } from '../../demo/stage/free-port.ts';
import { assemble } from './assemble.ts';
import { startDaemon } from './daemon.ts';
import { glewlwydConfiguration, setUpGlewlwyd } from './glewlwyd-config.ts';
import { signInToGlewlwyd } from './glewlwyd-sign-in.ts';
import type { Account, OidcPeer, RelyingParty, TlsIdentity } from './peer.ts';
import { peerFetch } from './peer-network.ts';
import { makeStateDirectory, type StateDirectory } from './state-directory.ts';

/** The one name that Glewlwyd is reached under. */
export const GLEWLWYD_HOST = 'glewlwyd.test';

export interface GlewlwydOptions {
  /** For GLEWLWYD_HOST. */
  readonly tls: TlsIdentity;
  readonly relyingParty: RelyingParty;
}

const ACCOUNT: Account = {
  username: 'alice',
  password: randomBytes(12).toString('base64url'),
  address: 'alice@example.org',
  name: 'Alice Example',
  groups: [],
};

const DATABASE_SCHEMA = '/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3';

/** Glewlwyd 2.7 (C, rhonabwy): an OpenID provider that signs its ID tokens with Ed25519 (`alg` EdDSA). */
export function startGlewlwyd(options: GlewlwydOptions): Promise<OidcPeer> {
  return assemble(async (undo) => {
    const host = GLEWLWYD_HOST;
    const port = await freePort();
    const origin = `https://${host}:${port}`;
    const issuer = `${origin}/api/oidc`;
    const state = makeStateDirectory('glewlwyd');
    undo(() => state.remove());
    const file = writeFiles(state, origin, port, options.tls);

    const { fetch, close } = peerFetch(host, options.tls.ca);
    undo(close);
    const server = await startDaemon('glewlwyd', {
      state,
      command: ['glewlwyd', `--config-file=${file}`],
      ready: async () => (await fetch(`${origin}/config`)).ok,
    });
    undo(() => server.stop());
    const { relyingParty } = options;
    await setUpGlewlwyd({ api: `${origin}/api`, fetch, issuer, account: ACCOUNT, relyingParty });

    const { clientId, clientSecret } = relyingParty;
    return {
      origin,
      host,
      account: ACCOUNT,
      signIn: (browser, page, password = ACCOUNT.password) =>
        signInToGlewlwyd({ fetch, browser, page, clientId, username: ACCOUNT.username, password }),
      issuer,
      clientId,
      clientSecret,
    };
  });
}

/** Answers the path of the configuration file. */
function writeFiles(state: StateDirectory, origin: string, port: number, tls: TlsIdentity): string {
  const database = `${state.path}/glewlwyd.db`;
  execFileSync('sqlite3', ['-init', DATABASE_SCHEMA, database, ''], { stdio: 'ignore' });
  const key = state.write('tls-key.pem', tls.key);
  const cert = state.write('tls-cert.pem', tls.cert);
  const file = state.write('glewlwyd.conf', glewlwydConfiguration({ origin, port, database, key, cert }));
  state.handOver();
  return file;
}
