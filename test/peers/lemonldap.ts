import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../demo/stage/free-port.ts';
import type { HeadlessBrowser, Page } from '../fakes/headless-browser.ts';
import { assemble } from './assemble.ts';
import { startDaemon } from './daemon.ts';
import { lemonLdapConfiguration, lemonLdapIni, nginxConfiguration } from './lemonldap-config.ts';
import type { Account, OidcPeer, RelyingParty, SamlPeer, ServiceProvider, TlsIdentity } from './peer.ts';
import { getText, peerFetch } from './peer-network.ts';
import { makeRsaCertificate } from './rsa-certificate.ts';
import { carryResponse } from './saml-response-form.ts';
import { makeStateDirectory, type StateDirectory } from './state-directory.ts';

/** The one name that LemonLDAP::NG is reached under; it looks its own name up nowhere. */
export const LEMONLDAP_HOST = 'lemonldap.test';

export interface LemonLdapOptions {
  /** For LEMONLDAP_HOST. */
  readonly tls: TlsIdentity;
  readonly serviceProviders: readonly ServiceProvider[];
  readonly relyingParty: RelyingParty;
}

/** One of the accounts that its 'Demo' back end has built in; the password is the name. */
const ACCOUNT: Account = {
  username: 'dwho',
  password: 'dwho',
  address: 'dwho@badwolf.org',
  name: 'Doctor Who',
  groups: ['timelords', 'users'],
};

/** LemonLDAP::NG 2.16 (Perl, lasso): SAML identity provider and OpenID provider at once. */
export function startLemonLdap(options: LemonLdapOptions): Promise<SamlPeer & OidcPeer> {
  return assemble(async (undo) => {
    const host = LEMONLDAP_HOST;
    const port = await freePort();
    const origin = `https://${host}:${port}`;
    const state = makeStateDirectory('lemonldap');
    undo(() => state.remove());
    const files = await writeFiles(state, port, options);

    const portal = await startDaemon('portal', {
      state,
      command: [
        '/usr/sbin/llng-fastcgi-server',
        '--foreground',
        '-n',
        '2',
        '-s',
        files.socket,
        '-p',
        files.pid,
      ],
      env: {
        LLNG_DEFAULTCONFFILE: files.ini,
        LLNG_DEFAULTLOGGER: 'Lemonldap::NG::Common::Logger::Std',
      },
      ready: async () => existsSync(files.socket),
    });
    undo(() => portal.stop());

    const metadataUrl = `${origin}/saml/metadata`;
    const { fetch, close } = peerFetch(host, options.tls.ca);
    undo(close);
    const nginx = await startDaemon('nginx', {
      state,
      command: ['nginx', '-e', 'stderr', '-c', files.nginx, '-p', state.path],
      ready: async () => (await getText(fetch, metadataUrl)) !== '',
    });
    undo(() => nginx.stop());

    return {
      origin,
      host,
      account: ACCOUNT,
      signIn,
      entityId: metadataUrl,
      metadataUrl,
      metadataXml: await getText(fetch, metadataUrl),
      issuer: origin,
      clientId: options.relyingParty.clientId,
      clientSecret: options.relyingParty.clientSecret,
    };
  });
}

async function signIn(browser: HeadlessBrowser, page: Page, password = ACCOUNT.password): Promise<Page> {
  const form = page.forms.find(({ fields }) => 'password' in fields);
  if (form === undefined) throw new Error(`No password is asked for at ${page.url} (${page.status})`);
  return carryResponse(browser, await browser.submit(page, form, { user: ACCOUNT.username, password }));
}

async function writeFiles(state: StateDirectory, port: number, options: LemonLdapOptions) {
  const [samlKey, oidcKey] = await Promise.all([
    makeRsaCertificate(LEMONLDAP_HOST),
    makeRsaCertificate(LEMONLDAP_HOST),
  ]);
  state.makeFolders('sessions/lock', 'psessions/lock', 'cache', 'tmp');
  state.write(
    'conf/lmConf-1.json',
    lemonLdapConfiguration({
      directory: state.path,
      host: LEMONLDAP_HOST,
      port,
      samlKey,
      oidcKey,
      serviceProviders: options.serviceProviders,
      relyingParty: options.relyingParty,
    }),
  );
  state.write('tls-cert.pem', options.tls.cert);
  state.write('tls-key.pem', options.tls.key);
  const files = {
    ini: state.write('lemonldap-ng.ini', lemonLdapIni(state.path)),
    nginx: state.write('nginx.conf', nginxConfiguration(state.path, LEMONLDAP_HOST, port)),
    socket: join(state.path, 'fastcgi.sock'),
    pid: join(state.path, 'fastcgi.pid'),
  };
  state.handOver();
  return files;
}
