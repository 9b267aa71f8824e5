import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { StoredEvent } from '../../bridge/events/event.ts';
import type { Names } from '../../test/fakes/names.ts';
import type { ThrowawayCa } from '../../test/fakes/throwaway-ca.ts';
import { must } from '../finding.ts';
import { freePort } from './free-port.ts';

/** An event as it arrived, and when, milliseconds since the epoch. */
export interface ArrivedEvent {
  readonly event: StoredEvent;
  readonly at: number;
}

/**
 * A company's SIEM, as small as one can be: it takes webhooks over TLS, checks that the bridge signed them (Standard
 * Webhooks 1.0), and keeps them in the order in which they came.
 */
export interface Siem {
  readonly url: string;
  /** What it gives the administrator to sign with. */
  readonly secret: string;
  readonly arrived: readonly ArrivedEvent[];
  switchOn(): Promise<void>;
  switchOff(): Promise<void>;
  /** The first that fits, now or soon. */
  awaitEvent(fits: (event: StoredEvent) => boolean, what: string): Promise<ArrivedEvent>;
}

/** What it needs of the stage. */
interface Surroundings {
  readonly folder: string;
  readonly ca: ThrowawayCa;
  readonly names: Names;
}

const WITHIN_MS = 15_000;

/** Sets a SIEM up; it is off. What it gets is written into the story's folder, too. */
export async function setUpSiem(stage: Surroundings, host: string): Promise<Siem> {
  const port = await freePort();
  const tls = await stage.ca.issue([host]);
  const key = randomBytes(32);
  const file = join(stage.folder, 'logs', 'acme-siem.ndjson');
  stage.names.addHost(host, '127.0.0.1');
  const arrived: ArrivedEvent[] = [];
  const waiting = new Set<() => void>();
  let server: Server | undefined;

  async function take(request: IncomingMessage): Promise<number> {
    const body = await text(request);
    if (!isSigned(request, body, key)) return 401;
    const known = new Set(arrived.map(({ event }) => event.event_id));
    const event = JSON.parse(body) as StoredEvent;
    if (known.has(event.event_id)) return 204;
    arrived.push({ event, at: Date.now() });
    await appendFile(file, `${body}\n`);
    for (const look of waiting) look();
    return 204;
  }

  return {
    url: `https://${host}:${port}/events`,
    secret: `whsec_${key.toString('base64')}`,
    arrived,
    switchOn: () =>
      new Promise((resolve) => {
        server = createServer(tls, (request, response) => {
          take(request).then(
            (status) => response.writeHead(status).end(),
            () => response.writeHead(400).end(),
          );
        }).listen(port, '127.0.0.1', resolve);
      }),
    switchOff: () =>
      new Promise((resolve) => {
        server?.close(() => resolve());
        server?.closeAllConnections();
        if (server === undefined) resolve();
      }),
    async awaitEvent(fits, what) {
      const found = await new Promise<ArrivedEvent | undefined>((resolve) => {
        const look = () => {
          const first = arrived.find(({ event }) => fits(event));
          if (first !== undefined) end(first);
        };
        const timer = setTimeout(() => end(undefined), WITHIN_MS);
        const end = (answer: ArrivedEvent | undefined) => {
          clearTimeout(timer);
          waiting.delete(look);
          resolve(answer);
        };
        waiting.add(look);
        look();
      });
      must(found !== undefined, `the SIEM did not get ${what}`);
      return found;
    },
  };
}

/** One of the signatures is of this message, and the message is not an old one. */
function isSigned({ headers }: IncomingMessage, body: string, key: Uint8Array): boolean {
  const id = String(headers['webhook-id']);
  const timestamp = String(headers['webhook-timestamp']);
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false;
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest();
  return String(headers['webhook-signature'])
    .split(' ')
    .filter((signature) => signature.startsWith('v1,'))
    .map((signature) => Buffer.from(signature.slice(3), 'base64'))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
}
