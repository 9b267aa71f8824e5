/**
 * A SAML identity provider with a login page, for tests and for the demo. Its cryptography is real and it checks what
 * an honest IdP checks; `lie` makes it say something else.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '../../../bridge/lib/clock.ts';
import { idpMetadataXml } from './idp-metadata-xml.ts';
import { type KeyPair, makeKeyPair } from './key-pair.ts';
import { type Attribute, makeResponse, type ResponseOverrides, toField } from './make-response.ts';
import { faultPage, loginPage, postPage, SECURITY_HEADERS } from './pages.ts';
import { isSignedBy, readAuthnRequest, readSpMetadata, type ServiceProvider } from './service-provider.ts';

export interface SamlPerson {
  readonly username: string;
  readonly password: string;
  /** The persistent NameID. */
  readonly nameId: string;
  readonly mail: string;
  readonly name: string;
  readonly groups: readonly string[];
}

export interface SamlIdpOptions {
  /** The server's certificate and key, PEM, for `idpHost`. */
  readonly tls: { readonly key: string; readonly cert: string };
  /** The name under which browsers and service providers reach it; it listens on 127.0.0.1. */
  readonly idpHost: string;
  /** Chosen by the system where absent. */
  readonly port?: number;
  /** On the login page. */
  readonly title?: string;
  readonly people: readonly SamlPerson[];
  readonly keys?: KeyPair;
  readonly clock?: Clock;
  /** Encrypt assertions for service providers that publish a certificate for it. */
  readonly encrypt?: boolean;
}

export interface SamlIdp {
  readonly origin: string;
  readonly entityId: string;
  readonly metadataUrl: string;
  metadataXml(): string;
  /** Learns a service provider from its metadata; the same entity again replaces it. */
  trust(spMetadataXml: string): void;
  /** How the next responses differ from honest ones; `{}` makes it honest again. */
  lie(overrides: ResponseOverrides): void;
  /** Signs with another key from now on; both are published where `overlap`. */
  rotate(keys: KeyPair, options?: { overlap: boolean }): void;
  close(): Promise<void>;
}

const BODY_BYTES = 8 * 1024;

export async function startSamlIdp(options: SamlIdpOptions): Promise<SamlIdp> {
  const clock = options.clock ?? systemClock;
  const providers = new Map<string, ServiceProvider>();
  let published = [options.keys ?? (await makeKeyPair({ commonName: 'Throwaway SAML IdP' }))];
  let lies: ResponseOverrides = {};

  const metadataXml = () =>
    idpMetadataXml({
      entityId: idp.entityId,
      ssoUrl: `${idp.origin}/sso`,
      certificates: published.map(({ certificate }) => certificate),
    });

  const respond = async (person: SamlPerson, provider: ServiceProvider, requestId: string) => {
    const [keys] = published;
    const certificate = options.encrypt === true ? provider.encryptionCertificates[0] : undefined;
    if (keys === undefined) throw new Error('no key to sign with');
    return makeResponse(
      {
        idpEntityId: idp.entityId,
        keys,
        spEntityId: provider.entityId,
        acsUrl: provider.acsUrl,
        requestId,
        now: clock.now(),
        nameId: person.nameId,
        attributes: attributesOf(person),
      },
      { ...(certificate === undefined ? {} : { encryptFor: certificate }), ...lies },
    );
  };

  const sso = async (request: IncomingMessage, url: URL, response: ServerResponse) => {
    const authnRequest = readAuthnRequest(url.searchParams);
    const provider = providers.get(authnRequest.issuer);
    if (provider === undefined) return page(response, 403, faultPage('This service is not known here.'));
    if (!isSignedBy(provider, url.search)) {
      return page(response, 403, faultPage('The request of the service is not signed by it.'));
    }
    if (authnRequest.acsUrl !== null && authnRequest.acsUrl !== provider.acsUrl) {
      return page(
        response,
        403,
        faultPage('The answer would go to an address that the service does not publish.'),
      );
    }
    const form = request.method === 'POST' ? new URLSearchParams(await readBody(request)) : undefined;
    const person = options.people.find(
      ({ username, mail, password }) =>
        [username, mail].includes(form?.get('username') ?? '') && password === form?.get('password'),
    );
    if (person === undefined) {
      const login = {
        title: `Sign in to ${options.title ?? options.idpHost}`,
        serviceProvider: provider.entityId,
        action: `/sso${url.search}`,
        hint: form?.get('username') ?? url.searchParams.get('login_hint') ?? '',
        fault: form === undefined ? null : 'User name or password is wrong.',
      };
      return page(response, form === undefined ? 200 : 401, loginPage(login));
    }
    const xml = await respond(person, provider, authnRequest.id);
    const RelayState = url.searchParams.get('RelayState') ?? '';
    return page(response, 200, postPage(provider.acsUrl, { SAMLResponse: toField(xml), RelayState }));
  };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', idp.origin);
    if (url.pathname === '/metadata') {
      response.writeHead(200, { 'content-type': 'application/samlmetadata+xml' }).end(metadataXml());
    } else if (url.pathname === '/sso') {
      await sso(request, url, response).catch(() =>
        page(response, 400, faultPage('The request is malformed.')),
      );
    } else {
      page(response, 404, faultPage('There is nothing here.'));
    }
  };

  const server = createServer(options.tls, (request, response) => void handle(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const origin = `https://${options.idpHost}:${port}`;

  const idp: SamlIdp = {
    origin,
    entityId: `${origin}/metadata`,
    metadataUrl: `${origin}/metadata`,
    metadataXml,
    trust(spMetadataXml) {
      const provider = readSpMetadata(spMetadataXml);
      providers.set(provider.entityId, provider);
    },
    lie(overrides) {
      lies = overrides;
    },
    rotate(keys, { overlap } = { overlap: false }) {
      published = overlap ? [keys, ...published] : [keys];
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return idp;
}

function attributesOf(person: SamlPerson): readonly Attribute[] {
  return [
    ['mail', [person.mail]],
    ['displayName', [person.name]],
    ['groups', person.groups],
  ];
}

function page(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, SECURITY_HEADERS).end(body);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > BODY_BYTES) throw new Error('body too large');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}
