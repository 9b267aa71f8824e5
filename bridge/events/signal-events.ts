import * as z from 'zod';
import { count, foreign, name, phrase } from './event-text.ts';

const receiver = { receiver: name, name: phrase };
const stream = { receiver: name, stream: name };
/** The one host that it may be pushed to; absent: any with public addresses. */
const endpointHost = { endpoint_host: name.optional() };

/** Events of signals that this bridge sends, and of who gets them: part of the catalogue. */
export const SIGNAL_EVENTS = {
  'signal.receiver_registered': {
    doc: 'An administrator registered a receiver of signals: it may make a stream about the people of these domains.',
    data: z.strictObject({
      ...receiver,
      audience: foreign,
      /** Absent: everybody. */
      domains: z.array(name).max(50).optional(),
      ...endpointHost,
      /** When its token ends, seconds. */
      expires: count.optional(),
    }),
  },
  'signal.receiver_changed': {
    doc: 'An administrator changed where the stream of a receiver of signals may be pushed to.',
    data: z.strictObject({ ...receiver, changed: z.array(name).max(8), ...endpointHost }),
  },
  'signal.receiver_token_replaced': {
    doc: 'A receiver of signals got another token; the one before is void at once, or at `former_expires`.',
    data: z.strictObject({
      ...receiver,
      /** Seconds. */
      expires: count.optional(),
      former_expires: count.optional(),
    }),
  },
  'signal.receiver_token_expiring': {
    doc: 'The token of a receiver of signals ends within two weeks and was not exchanged yet.',
    data: z.strictObject({ ...receiver, expires: count }),
  },
  'signal.receiver_token_expired': {
    doc: 'The token of a receiver of signals has ended: it can neither poll nor manage its stream.',
    data: z.strictObject({ ...receiver, expires: count }),
  },
  'signal.receiver_removed': {
    doc: 'A receiver of signals was removed, with its stream and what waited for it.',
    data: z.strictObject({ ...receiver, waiting: count }),
  },
  'signal.stream_created': {
    doc: 'A receiver made its stream of signals.',
    data: z.strictObject({ ...stream, method: name, events: z.array(name).max(16) }),
  },
  'signal.stream_changed': {
    doc: 'A stream of signals was changed, by its receiver or by an administrator.',
    data: z.strictObject({
      ...stream,
      changed: z.array(name).max(16),
      status: name.optional(),
      reason: phrase.optional(),
    }),
  },
  'signal.stream_deleted': {
    doc: 'A receiver deleted its stream of signals.',
    data: z.strictObject({ ...stream, waiting: count }),
  },
  'signal.given_up': {
    doc: 'Signals did not reach a partner or a receiver: it refused them for good, or they waited for too long.',
    data: z.strictObject({
      /** Entity id of the partner, or id of the stream. */
      queue: name,
      signals: count,
      /** In the receiver’s words, or ours. */
      detail: phrase,
    }),
  },
  'signal.key_rotated': {
    doc: 'Signals to registered receivers are signed with another key from now on.',
    data: z.strictObject({ kid: name }),
  },
} as const;
