import { randomBytes } from 'node:crypto';
import { freePort } from '../../demo/stage/free-port.ts';
import { assemble } from './assemble.ts';
import { startDaemon } from './daemon.ts';
import type { Account, SamlPeer, ServiceProvider, TlsIdentity } from './peer.ts';
import { getText, peerFetch } from './peer-network.ts';
import { makeRsaCertificate } from './rsa-certificate.ts';
import { carryResponse } from './saml-response-form.ts';
import { type DataEncryption, simpleSamlPhpFiles } from './simplesamlphp-config.ts';
import { makeStateDirectory } from './state-directory.ts';
import { startTlsFront } from './tls-front.ts';

/** The one name that SimpleSAMLphp is reached under. */
export const SIMPLESAMLPHP_HOST = 'simplesamlphp.test';

export interface SimpleSamlPhpOptions {
  /** For SIMPLESAMLPHP_HOST. */
  readonly tls: TlsIdentity;
  readonly serviceProviders: readonly ServiceProvider[];
  /** As released it encrypts with AES128-CBC; what else costs a changed line is said in simplesamlphp-config.ts. */
  readonly dataEncryption: DataEncryption;
}

const ACCOUNT: Account = {
  username: 'alice',
  password: randomBytes(12).toString('base64url'),
  address: 'alice@example.org',
  name: 'Alice Example',
  groups: ['staff', 'admins'],
};

const WEB_ROOT = '/usr/share/simplesamlphp/www';

/** SimpleSAMLphp 1.19 (PHP, xmlseclibs): SAML identity provider, served by PHP's own web server. */
export function startSimpleSamlPhp(options: SimpleSamlPhpOptions): Promise<SamlPeer> {
  return assemble(async (undo) => {
    const host = SIMPLESAMLPHP_HOST;
    const innerPort = await freePort();
    const front = await startTlsFront(options.tls, innerPort);
    undo(() => front.stop());
    const origin = `https://${host}:${front.port}`;
    const metadataUrl = `${origin}/saml2/idp/metadata.php`;

    const state = makeStateDirectory('simplesamlphp');
    undo(() => state.remove());
    const files = simpleSamlPhpFiles({
      directory: state.path,
      origin,
      entityId: metadataUrl,
      account: ACCOUNT,
      signing: await makeRsaCertificate(host),
      serviceProviders: options.serviceProviders,
      dataEncryption: options.dataEncryption,
    });
    for (const [name, content] of Object.entries(files)) state.write(name, content);
    state.makeFolders('log', 'data', 'tmp', 'sessions');
    state.handOver();

    const { fetch, close } = peerFetch(host, options.tls.ca);
    undo(close);
    const php = await startDaemon('php', {
      state,
      command: ['php', '-c', `${state.path}/php.ini`, '-S', `127.0.0.1:${innerPort}`, '-t', WEB_ROOT],
      env: { SIMPLESAMLPHP_CONFIG_DIR: `${state.path}/config` },
      ready: async () => (await getText(fetch, metadataUrl)) !== '',
    });
    undo(() => php.stop());

    return {
      origin,
      host,
      account: ACCOUNT,
      signIn: async (browser, page, password = ACCOUNT.password) =>
        carryResponse(browser, await browser.signIn(page, ACCOUNT.username, password)),
      entityId: metadataUrl,
      metadataUrl,
      metadataXml: await getText(fetch, metadataUrl),
    };
  });
}
