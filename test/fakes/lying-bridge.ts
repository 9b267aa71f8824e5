import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Json } from '../../protocol/canonical-json.ts';
import { sha256Base64url } from '../../protocol/hash.ts';
import { decodeClaims, signJws } from '../../protocol/jws.ts';
import { type LookUpRequest, type LookUpResponse, lookUpRequestSchema } from '../../protocol/look-up.ts';
import { Company, makeCompany, NOW } from '../protocol/company.ts';
import type { Names } from './names.ts';
import type { ThrowawayCa } from './throwaway-ca.ts';

/** What a partner's bridge can do other than the honest thing; each is one lie, all else stays true. */
export interface Lies {
  /** Changes to the signed response. */
  response?: (honest: LookUpResponse, request: LookUpRequest) => LookUpResponse | Promise<LookUpResponse>;
  /** The token that is sent in place of the honest one. */
  token?: (honest: string) => string | Promise<string>;
  /** HTTP status in place of 200. */
  status?: number;
  /** Never answers look-ups. */
  hangs?: boolean;
  /** The entity configuration that is served. */
  entity?: () => Promise<string>;
}

export interface LyingBridge {
  readonly company: Company;
  lies: Lies;
  /** The look-up requests received. */
  readonly requests: LookUpRequest[];
  close(): Promise<void>;
}

/**
 * A partner's bridge over real HTTPS with real keys: it has one person, is believed for `<name>.example`, publishes its
 * DNS record in `names`, and answers honestly until it is told to lie.
 */
export async function startLyingBridge(deps: {
  ca: ThrowawayCa;
  names: Names;
  name: string;
}): Promise<LyingBridge> {
  const host = `bridge.${deps.name}.localhost`;
  const server = createServer(await deps.ca.issue([host]));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const made = await makeCompany(deps.name, 'bob');
  const company = new Company({ ...made, iss: `https://${host}:${(server.address() as AddressInfo).port}` });
  deps.names.addHost(host, '127.0.0.1');
  deps.names.setTxt(`_countersign.${company.domain}`, [
    `v=countersign1 entity=${company.iss} root=${company.root.kid}`,
  ]);
  const bridge: LyingBridge = { company, lies: {}, requests: [], close: () => close(server) };
  server.on('request', (request, response) => {
    answer(bridge, request.url ?? '', request)
      .then((reply) => {
        if (reply === null) return;
        response.writeHead(reply.status, { 'content-type': 'application/jwt' }).end(reply.body);
      })
      .catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  return bridge;
}

async function answer(
  bridge: LyingBridge,
  url: string,
  body: AsyncIterable<Buffer>,
): Promise<{ status: number; body: string } | null> {
  if (url === '/.well-known/openid-federation') {
    const entity = bridge.lies.entity ?? (() => entityConfiguration(bridge.company));
    return { status: 200, body: await entity() };
  }
  if (bridge.lies.hangs) return null;
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const token = Buffer.concat(chunks).toString();
  const request = decodeClaims(token, 'key-lookup-request+jwt', lookUpRequestSchema);
  bridge.requests.push(request);
  const honest = await honestResponse(bridge.company, request, token);
  const response = (await bridge.lies.response?.(honest, request)) ?? honest;
  const signed = await signJws(
    bridge.company.keys.federation,
    'key-lookup-response+jwt',
    JSON.parse(JSON.stringify(response)) as Json,
  );
  return { status: bridge.lies.status ?? 200, body: (await bridge.lies.token?.(signed)) ?? signed };
}

/** The company's entity configuration as it is, or with changes. */
export async function entityConfiguration(
  company: Company,
  changes: Parameters<Company['entityConfigurationClaims']>[0] = {},
): Promise<string> {
  const claims = await company.entityConfigurationClaims(changes);
  claims.metadata.key_bridge.lookup_endpoint = `${company.iss}/federation/v1/lookups`;
  return company.signs('federation', 'entity-statement+jwt', claims as Json);
}

async function honestResponse(
  company: Company,
  request: LookUpRequest,
  token: string,
): Promise<LookUpResponse> {
  const head = { source: 'own', iss: company.iss, as_of: NOW } as const;
  const credential = await company.credential();
  return {
    iss: company.iss,
    aud: request.iss,
    jti: request.jti,
    request_hash: sha256Base64url(token),
    iat: NOW,
    exp: NOW + 60,
    results: request.addresses.map((address) =>
      address === company.person.address
        ? { ...head, address, status: 'credential', credential }
        : { ...head, address, status: 'not_found' },
    ),
  };
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
