import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { type Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { signDpopProof } from '../../protocol/dpop.ts';
import { importSigningKey } from '../../protocol/ed25519.ts';
import type { Peer } from '../look-up/kept-connection.ts';
import type { Attendant } from './crowd.ts';

/** What a device asks of its bridge. */
export interface DeviceRequest {
  readonly peer: Peer;
  readonly path: string;
  /** Without one it is a GET. */
  readonly body?: object;
  /** Whose connections are used; without one, a new connection. */
  readonly agent?: Agent;
}

export interface DeviceAnswer {
  readonly sent: ClientRequest;
  readonly response: IncomingMessage;
}

const TRIES = 20;
const RETRY_MS = 500;

/**
 * Asks as a device, as if from an address of its own (`number`), until it is answered well: a bridge that has too much to
 * do is asked again, as every client does. Rejects for what does not pass.
 */
export async function askAsDevice(
  wanted: DeviceRequest,
  attendant: Attendant,
  number: number,
): Promise<DeviceAnswer> {
  for (let tries = 1; ; tries += 1) {
    const answer = await ask(wanted, attendant, number);
    const { statusCode = 0 } = answer.response;
    if (statusCode === 200 || statusCode === 201) return answer;
    const said = await text(answer.response);
    if (!mayPass(statusCode) || tries === TRIES) {
      throw new Error(`${wanted.path} was answered with ${statusCode}: ${said}`);
    }
    await wait(RETRY_MS);
  }
}

/** Overloaded, or with as many streams as it takes: one that has just ended may still count. */
const mayPass = (status: number) => status >= 500 || status === 429;

async function ask(
  { peer, path, body, agent }: DeviceRequest,
  { deviceKey, accessToken }: Attendant,
  number: number,
): Promise<DeviceAnswer> {
  const method = body === undefined ? 'GET' : 'POST';
  const url = `https://${peer.host}:${peer.port}${path}`;
  const content = body === undefined ? '' : JSON.stringify(body);
  const asked = { method, url, accessToken };
  const sent = request({
    ...{ host: '127.0.0.1', port: peer.port, servername: peer.host, path, method },
    agent: agent ?? false,
    ...(peer.ca === null ? {} : { ca: peer.ca }),
    headers: {
      ...{ Host: `${peer.host}:${peer.port}`, Authorization: `DPoP ${accessToken}` },
      DPoP: await signDpopProof(await importSigningKey(deviceKey), asked, Math.floor(Date.now() / 1000)),
      'X-Forwarded-For': `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`,
      ...(body === undefined
        ? {}
        : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(content) }),
    },
  });
  sent.end(content);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { sent, response };
}
