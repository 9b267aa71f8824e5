import type { ClientRequest } from 'node:http';
import { Agent, request } from 'node:https';
import type { Stage } from '../../demo/stage/stage.ts';
import { signDpopProof } from '../../protocol/dpop.ts';
import type { PersonApp } from './person-app.ts';
import type { WholeBridge } from './whole-bridge.ts';

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  /** A list is sent as several headers of that name. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | undefined;
  /** Announces this many bytes and does not send them. */
  readonly announced?: number;
  /** Sends up to this many bytes in pieces without announcing them, until there is an answer. */
  readonly unannounced?: number;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

const AGENT = new Agent({ keepAlive: true });

/** What is broken off must not leave its rest to the next request. */
function keptOpen({ announced, unannounced }: ApiRequest): Agent | false {
  return announced === undefined && unannounced === undefined ? AGENT : false;
}

/** Sends a request as written: no header is added, folded or checked by a client on the way. */
export function sendRaw(
  stage: Pick<Stage, 'ca'>,
  bridge: Pick<WholeBridge, 'host' | 'issuer'>,
  asked: ApiRequest,
): Promise<ApiAnswer> {
  const { port, host } = new URL(bridge.issuer);
  const length = asked.announced ?? (asked.body === undefined ? undefined : Buffer.byteLength(asked.body));
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...{
          host: '127.0.0.1',
          port,
          servername: bridge.host,
          ca: stage.ca.certificatePem,
          agent: keptOpen(asked),
        },
        ...{ method: asked.method.toUpperCase(), path: asked.path },
        headers: {
          host,
          ...(length === undefined ? {} : { 'content-length': length }),
          ...asked.headers,
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => {
          if (keptOpen(asked) === false) outgoing.destroy();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
      },
    );
    outgoing.on('error', reject);
    if (asked.unannounced !== undefined) sendInPieces(outgoing, asked.unannounced);
    else if (asked.announced !== undefined) outgoing.write('{');
    else outgoing.end(asked.body);
  });
}

const PIECE = ' '.repeat(16_384);

function sendInPieces(outgoing: ClientRequest, left: number): void {
  if (outgoing.destroyed) return;
  if (left <= 0) outgoing.end();
  else outgoing.write(PIECE, () => setImmediate(() => sendInPieces(outgoing, left - PIECE.length)));
}

/** The headers of somebody's device for this request, with a fresh proof. */
export async function deviceHeaders(
  bridge: WholeBridge,
  app: PersonApp,
  { method, path }: Pick<ApiRequest, 'method' | 'path'>,
): Promise<{ authorization: string; dpop: string }> {
  const { accessToken, sig } = await app.secrets();
  const url = bridge.issuer + path;
  const now = Math.floor(bridge.clock.now() / 1000);
  const dpop = await signDpopProof(sig, { method: method.toUpperCase(), url, accessToken }, now);
  return { authorization: `DPoP ${accessToken}`, dpop };
}
