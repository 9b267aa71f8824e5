import { createHmac } from 'node:crypto';

/** Standard Webhooks 1.0: `whsec_` and 24 to 64 bytes in base64. */
const SECRET = /^whsec_([A-Za-z0-9+/]{32,86}={0,2})$/;
const KEY_BYTES = { least: 24, most: 64 };

/** The key of a webhook secret; `undefined` if it is not in the form of the specification. */
export function webhookKey(secret: string): Buffer | undefined {
  const encoded = SECRET.exec(secret)?.[1];
  if (encoded === undefined) return undefined;
  const key = Buffer.from(encoded, 'base64');
  if (key.length < KEY_BYTES.least || key.length > KEY_BYTES.most) return undefined;
  return key.toString('base64') === encoded ? key : undefined;
}

/** What a receiver of Standard Webhooks verifies. */
export interface WebhookMessage {
  /** Of the message, not of the attempt. */
  readonly id: string;
  /** Seconds since the epoch, of the attempt. */
  readonly timestamp: number;
  readonly body: string;
}

/** The headers of a message, with one signature for each key: receivers take it if one of them is right. */
export function webhookHeaders(message: WebhookMessage, keys: readonly Uint8Array[]): Record<string, string> {
  const { id, timestamp, body } = message;
  const signed = `${id}.${timestamp}.${body}`;
  const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  };
}
