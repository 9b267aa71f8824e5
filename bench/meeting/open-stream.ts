import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import { signDpopProof } from '../../protocol/dpop.ts';
import { importSigningKey } from '../../protocol/ed25519.ts';
import type { Peer } from '../look-up/kept-connection.ts';
import type { Attendant } from './crowd.ts';

/** A bridge, and the meeting that is asked of it. */
export interface StreamAt {
  readonly peer: Peer;
  readonly meeting: { readonly iss: string; readonly group: string };
}

const TRIES = 10;
const RETRY_MS = 500;

/**
 * Opens a device's stream of what comes after `since`, as if from an address of its own. An overloaded bridge is asked again, as every client does.
 * `onError` is told what goes wrong afterwards.
 */
export async function openStream(
  at: StreamAt & { readonly since: number },
  attendant: Attendant,
  number: number,
  onError: (reason: string) => void,
): Promise<IncomingMessage> {
  for (let tries = 1; ; tries += 1) {
    const { sent, response } = await ask(at, attendant, number);
    if (response.statusCode === 200) {
      sent.on('error', (error) => onError(error.stack ?? error.message));
      return response;
    }
    response.destroy();
    if (!mayPass(response.statusCode ?? 0) || tries === TRIES) {
      throw new Error(`a stream was answered with ${response.statusCode}`);
    }
    await wait(RETRY_MS);
  }
}

/** Overloaded, or with as many streams as it takes: one that has just ended may still count. */
const mayPass = (status: number) => status >= 500 || status === 429;

async function ask(
  { peer, meeting, since }: StreamAt & { readonly since: number },
  { deviceKey, accessToken }: Attendant,
  number: number,
): Promise<{ sent: ClientRequest; response: IncomingMessage }> {
  const body = JSON.stringify({ ...meeting, since });
  const path = '/v1/meetings/stream';
  const url = `https://${peer.host}:${peer.port}${path}`;
  const asked = { method: 'POST', url, accessToken };
  const sent = request({
    ...{ host: '127.0.0.1', port: peer.port, servername: peer.host, path, method: 'POST', agent: false },
    ...(peer.ca === null ? {} : { ca: peer.ca }),
    headers: {
      ...{ Host: `${peer.host}:${peer.port}`, Authorization: `DPoP ${accessToken}` },
      DPoP: await signDpopProof(await importSigningKey(deviceKey), asked, Math.floor(Date.now() / 1000)),
      'X-Forwarded-For': `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`,
      ...{ 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
    },
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { sent, response };
}
