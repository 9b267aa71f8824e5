import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { CompactSign, exportJWK, generateKeyPair, type JWK, type KeyObject } from 'jose';
import { RISC } from '../../bridge/signals/event-uris.ts';
import type { Stage } from '../../demo/stage/stage.ts';

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'] | KeyObject | Uint8Array;

/** An identity provider's transmitter of signals: real keys, published over HTTPS; what it signs may be a lie. */
export interface SetTransmitter {
  readonly issuer: string;
  readonly jwksUri: string;
  /** How often its keys were fetched. */
  fetched(): number;
  /** Status with which its keys are answered. */
  status: number;
  /** What it publishes elsewhere than at its keys, by path; all else is answered with the keys. */
  readonly documents: Map<string, object | null>;
  /** Makes a key and publishes it; answers its id. */
  rotate(alg: 'RS256' | 'ES256'): Promise<string>;
  /** A token about `subject`; `lies` change claims, header or key. */
  sign(given: SetGiven, lies?: SetLies): Promise<string>;
}

export interface SetGiven {
  readonly aud: string;
  readonly subject: object;
  readonly event?: string;
  readonly said?: object;
  /** Seconds. */
  readonly now: number;
}

export interface SetLies {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly key?: PrivateKey;
}

export async function startSetTransmitter(
  stage: Pick<Stage, 'names' | 'ca' | 'onClose'>,
  host: string,
): Promise<SetTransmitter> {
  stage.names.addHost(host, '127.0.0.1');
  const published: JWK[] = [];
  const documents = new Map<string, object | null>();
  const keys = new Map<string, { key: PrivateKey; alg: string }>();
  let fetched = 0;
  let current = '';
  const server = createServer(await stage.ca.issue([host]), (request, response) => {
    const document = documents.get(request.url ?? '');
    if (document !== undefined) {
      response.writeHead(document === null ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(document));
      return;
    }
    fetched += 1;
    response.writeHead(transmitter.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ keys: published }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stage.onClose(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  const issuer = `https://${host}:${(server.address() as AddressInfo).port}`;
  const transmitter: SetTransmitter = {
    issuer,
    jwksUri: `${issuer}/jwks`,
    fetched: () => fetched,
    documents,
    status: 200,

    async rotate(alg) {
      const { privateKey, publicKey } = await generateKeyPair(alg);
      current = `${alg}-${keys.size}`;
      keys.set(current, { key: privateKey, alg });
      published.push({ ...(await exportJWK(publicKey)), kid: current, alg, use: 'sig' });
      return current;
    },

    async sign({ aud, subject, event = RISC.accountDisabled, said = {}, now }, lies = {}) {
      const signer = keys.get(current);
      if (signer === undefined) throw new Error('there is no key');
      const claims = {
        ...{ iss: issuer, jti: crypto.randomUUID(), iat: now, aud, txn: 'txn-1' },
        ...{ sub_id: subject, events: { [event]: { event_timestamp: now, ...said } } },
        ...lies.claims,
      };
      const header = { alg: signer.alg, kid: current, typ: 'secevent+jwt', ...lies.header };
      return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
        .setProtectedHeader(header as { alg: string })
        .sign(lies.key ?? signer.key);
    },
  };
  await transmitter.rotate('RS256');
  return transmitter;
}
