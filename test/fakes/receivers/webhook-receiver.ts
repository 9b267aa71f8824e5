import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  type Answer,
  demand,
  eventIdIn,
  jsonOf,
  openReceiver,
  type ReceivedRequest,
  type Receiver,
} from './receiver.ts';
import type { ReceiverNetwork } from './receiver-network.ts';

const TOLERANCE_S = 300;

export interface WebhookReceiver extends Receiver {
  /** Ids of events in the order of arrival, repeats included. */
  readonly held: readonly string[];
  readonly messageIds: readonly string[];
  /** Events that it answers with 422. */
  refuse(eventId: string): void;
  /** Knows this secret alone from now on. */
  trust(secret: string): void;
}

/** A receiver that verifies as Standard Webhooks 1.0 tells it to, and reads CloudEvents 1.0 and plain JSON. */
export async function openWebhookReceiver(
  network: ReceiverNetwork,
  options: { secret: string; now: () => number },
): Promise<WebhookReceiver> {
  const held: string[] = [];
  const messageIds: string[] = [];
  const refused = new Set<string>();
  let { secret } = options;

  function handle(request: ReceivedRequest): Answer {
    demand(request.method === 'POST', 'expected POST');
    const id = header(request, 'webhook-id');
    const timestamp = header(request, 'webhook-timestamp');
    // A full stop would let one message pass for another: it stands between what is signed.
    demand(/^[\w-]{1,256}$/.test(id), 'webhook-id is not a plain identifier');
    demand(/^\d+$/.test(timestamp), 'webhook-timestamp is not a number');
    demand(Math.abs(Number(timestamp) - options.now() / 1_000) <= TOLERANCE_S, 'webhook-timestamp is off');
    if (!isSigned(request, id, timestamp, secret)) return { status: 401, body: 'no signature fits' };

    const ids = eventIds(header(request, 'content-type'), jsonOf(request.body));
    if (ids.some((eventId) => refused.has(eventId))) return { status: 422, body: 'this one never' };
    messageIds.push(id);
    held.push(...ids);
    return { status: 204 };
  }

  const receiver = await openReceiver(network, 'hooks.example.net', handle);
  return {
    ...receiver,
    held,
    messageIds,
    refuse: (eventId) => void refused.add(eventId),
    trust: (other) => {
      secret = other;
    },
  };
}

function header(request: ReceivedRequest, name: string): string {
  const value = request.headers[name];
  demand(typeof value === 'string' && value !== '', `lacks ${name}`);
  return value;
}

function isSigned(request: ReceivedRequest, id: string, timestamp: string, secret: string): boolean {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const expected = createHmac('sha256', key)
    .update(Buffer.concat([Buffer.from(`${id}.${timestamp}.`), request.bytes]))
    .digest();
  const signatures = header(request, 'webhook-signature').split(' ');
  return signatures.some((text) => {
    const [version, encoded = ''] = text.split(',');
    demand(version === 'v1', `a signature of version ${version}`);
    const signature = Buffer.from(encoded, 'base64');
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  });
}

function eventIds(type: string, body: unknown): string[] {
  const cloud = type.startsWith('application/cloudevents');
  if (!cloud) demand(type === 'application/json', `content-type ${type}`);
  const batched = cloud ? type === 'application/cloudevents-batch+json' : Array.isArray(body);
  demand(batched === Array.isArray(body), 'the content-type and the body do not agree');
  const events: unknown[] = Array.isArray(body) ? body : [body];
  return events.map((event) => (cloud ? idOfCloudEvent(event) : eventIdIn(event)));
}

function idOfCloudEvent(event: unknown): string {
  demand(typeof event === 'object' && event !== null, 'expected an object');
  const attributes = event as Record<string, unknown>;
  demand(attributes.specversion === '1.0', 'specversion is not 1.0');
  for (const name of ['id', 'source', 'type']) {
    demand(typeof attributes[name] === 'string' && attributes[name] !== '', `lacks ${name}`);
  }
  const strange = Object.keys(attributes).filter((name) => !/^[a-z0-9]{1,20}$|^data_base64$/.test(name));
  demand(strange.length === 0, `attributes ${strange.join(', ')}`);
  return String(attributes.id);
}
