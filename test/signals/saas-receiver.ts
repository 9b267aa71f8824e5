import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, type JWTPayload, type JWTVerifyResult, jwtVerify } from 'jose';
import type { Administrator } from '../../demo/stage/administrator.ts';
import type { Stage } from '../../demo/stage/stage.ts';
import type { Company } from '../http/two-companies.ts';

export const HEADER = 'Bearer what-the-receiver-wants-to-see';

export interface Pushed {
  readonly headers: IncomingHttpHeaders;
  readonly token: string;
  /** `performance.now()` when all of it was there. */
  readonly at: number;
}

/** A SaaS provider's end: it takes pushes over HTTPS (RFC 8935) and answers as it is told. */
export interface SaasReceiver {
  readonly url: string;
  readonly pushed: Pushed[];
  /** What each push is answered; 202 unless it says otherwise. */
  answer: (push: Pushed) => { status: number; body?: object };
}

export async function startSaasReceiver(
  stage: Stage,
  host = 'signals.saas.localhost',
): Promise<SaasReceiver> {
  stage.names.addHost(host, '127.0.0.1');
  const tls = await stage.ca.issue([host]);
  const pushed: Pushed[] = [];
  const server = createServer(tls, (request, response) => {
    let token = '';
    request.setEncoding('utf8');
    request.on('data', (piece: string) => {
      token += piece;
    });
    request.on('end', () => {
      const push = { headers: request.headers, token, at: performance.now() };
      const { status, body } = receiver.answer(push);
      pushed.push(push);
      response.writeHead(status, body === undefined ? {} : { 'content-type': 'application/json' });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stage.onClose(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const receiver: SaasReceiver = {
    url: `https://${host}:${port}/signals`,
    pushed,
    answer: () => ({ status: 202 }),
  };
  return receiver;
}

/** A registered receiver's client of the transmitter, by the discovered configuration alone. */
export interface SsfClient {
  readonly configuration: { readonly [name: string]: unknown };
  /** Answers status and JSON. */
  call(
    method: string,
    endpoint: string,
    body?: unknown,
    token?: string | null,
  ): Promise<{ status: number; body: { [name: string]: unknown } }>;
  /** Verifies a token as RFC 8417 and the CAEP interoperability profile have it. */
  verify(token: string, audience: string): Promise<JWTVerifyResult<JWTPayload & Signal>>;
}

export interface Signal {
  readonly txn: string;
  readonly sub_id: { readonly [name: string]: unknown };
  readonly events: { readonly [uri: string]: { readonly [name: string]: unknown } };
}

export async function discover(stage: Stage, { bridge }: Company, token: string): Promise<SsfClient> {
  const read = async (url: string) => (await stage.fetch(url)).json();
  const configuration = await read(`${bridge.issuer}/.well-known/ssf-configuration`);
  return {
    configuration,
    async call(method, endpoint, body, as = token) {
      const [name = '', query = ''] = endpoint.split('?');
      const url = `${String(configuration[name] ?? name)}${query === '' ? '' : `?${query}`}`;
      const response = await stage.fetch(url, {
        method,
        headers: {
          ...(as === null ? {} : { authorization: `Bearer ${as}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
    },
    async verify(set, audience) {
      const keys = createLocalJWKSet(await read(configuration.jwks_uri));
      return jwtVerify(set, keys, {
        ...{ issuer: bridge.issuer, audience, typ: 'secevent+jwt', algorithms: ['RS256'] },
        requiredClaims: ['iat', 'jti', 'txn', 'sub_id', 'events'],
        currentDate: new Date(bridge.clock.now()),
      });
    },
  };
}

export interface Registered {
  readonly id: string;
  readonly token: string;
}

export function register(administrator: Administrator, wanted: object): Promise<Registered> {
  return administrator.post('/admin/v1/signals/receivers', {
    ...{ name: 'SaaS', endpoint_host: 'signals.saas.localhost' },
    ...wanted,
  });
}
