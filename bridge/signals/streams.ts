import { CountersignError } from '../../protocol/errors.ts';
import type { EventLog } from '../events/event-log.ts';
import { succeeded } from '../events/succeeded.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { SIGNAL_VERIFICATION_INTERVAL_S } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database, Query, Transaction } from '../storage/database.ts';
import { SSF } from './event-uris.ts';
import { excludeSubject, includeSubject } from './exclusion-store.ts';
import { deleteQueue, enqueue } from './queue-store.ts';
import type { Receiver } from './receiver.ts';
import { findReceiver, holdReceiver } from './receiver-store.ts';
import type { SignalClaims, SimpleSubject } from './signal.ts';
import { deliveredOf, type StreamStatus, type StreamView, SUPPORTED_EVENTS } from './stream.ts';
import { type DeliveryInput, endpointOf } from './stream-input.ts';
import { sealAuthorization } from './stream-secrets.ts';
import {
  changeStream,
  deleteStream,
  findStream,
  findStreamOf,
  insertStream,
  noteVerification,
  type StoredStream,
  type StreamSettings,
  setStreamStatus,
} from './stream-store.ts';
import { assertNamedSo } from './stream-subjects.ts';

/** What a receiver wants of its stream; what is absent is left to us, or as it was. */
export interface WantedStream {
  readonly delivery?: DeliveryInput | undefined;
  readonly events_requested?: readonly string[] | undefined;
  readonly description?: string | undefined;
}

export interface WantedStatus {
  readonly stream_id: string;
  readonly status: StreamStatus;
  readonly reason?: string | undefined;
}

/** What a receiver does with its one stream (SSF 1.0 §7.1). All that names another’s stream is `stream_unknown`. */
export interface Streams {
  /** Throws `stream_exists`, `malformed_request`. */
  create(receiver: Receiver, wanted: WantedStream, context: RequestContext): Promise<StreamView>;
  /** The receiver’s stream, if it has one. */
  find(receiver: Receiver): Promise<StreamView | undefined>;
  /** Throws `stream_unknown`. */
  get(receiver: Receiver, id: string): Promise<StreamView>;
  /** `all`: what is absent falls back to what a new stream has. Throws `stream_unknown`, `malformed_request`. */
  change(
    receiver: Receiver,
    wanted: WantedStream & { readonly stream_id: string; readonly all: boolean },
    context: RequestContext,
  ): Promise<StreamView>;
  /** With what waits. Throws `stream_unknown`. */
  remove(receiver: Receiver, id: string, context: RequestContext): Promise<void>;
  /**
   * By the receiver. Disabling forgets what waits. Throws `stream_unknown`, and `forbidden` where an administrator holds
   * the stream at a stricter status.
   */
  setStatus(
    receiver: Pick<Receiver, 'id'>,
    wanted: WantedStatus,
    context: RequestContext,
  ): Promise<StreamView>;
  /**
   * The same by an administrator: what is not enabled stays so, whatever the receiver asks or makes anew, until an
   * administrator enables it. Throws `stream_unknown`.
   */
  hold(receiver: Pick<Receiver, 'id'>, wanted: WantedStatus, context: RequestContext): Promise<StreamView>;
  /**
   * Whether the receiver wants to hear of a subject: it does, of everybody it may, unless it said no. Throws
   * `malformed_request` for a form in which this stream names nobody.
   */
  wants(receiver: Receiver, id: string, subject: SimpleSubject, wanted: boolean): Promise<void>;
  /** Puts a verification into the stream. Throws `stream_unknown`, `rate_limited`. */
  verify(receiver: Pick<Receiver, 'id'>, id: string, state: string | undefined): Promise<void>;
}

export interface StreamsDeps {
  readonly database: Database;
  readonly signer: Signer;
  readonly events: EventLog;
  readonly clock: Clock;
  /** Has a new signal sent. */
  readonly wake: (queue: string) => void;
}

export function createStreams(deps: StreamsDeps): Streams {
  const { database, signer, events, clock } = deps;

  /** A header is kept only for the address that it was given for: it must not be sent to another. */
  async function settingsOf(
    { endpoint_host: host }: Receiver,
    id: string,
    wanted: WantedStream,
    before: StoredStream | undefined,
  ): Promise<StreamSettings> {
    const { delivery, events_requested, description } = wanted;
    const rest = {
      events_requested: events_requested ?? before?.events_requested ?? SUPPORTED_EVENTS,
      description: description ?? before?.description ?? null,
    };
    if (delivery === undefined) {
      if (before === undefined) throw new CountersignError('malformed_request', 'delivery is missing');
      const { method, endpoint_url, authorization } = before;
      return { method, endpoint_url, authorization, ...rest };
    }
    const endpoint = endpointOf(delivery, host);
    const header = endpoint.method === 'push' ? delivery.authorization_header : undefined;
    const same = endpoint.endpoint_url !== null && endpoint.endpoint_url === before?.endpoint_url;
    const kept = header === undefined && same ? (before?.authorization ?? null) : null;
    const sealed = await sealAuthorization(signer, id, header === '' ? undefined : header);
    return { ...endpoint, ...rest, authorization: sealed ?? kept };
  }

  async function putInto(tx: Transaction, stream: string, claims: SignalClaims): Promise<void> {
    await enqueue(tx, stream, [claims], seconds(clock));
  }

  async function putStatus(
    tx: Transaction,
    receiver: Pick<Receiver, 'id'>,
    { stream_id: id, status, reason }: WantedStatus,
    context: RequestContext,
    even: 'unchanged' | undefined = undefined,
  ): Promise<StoredStream> {
    const before = await requireStream(tx, receiver, id);
    if (even === undefined && before.status === status && before.reason === (reason ?? null)) return before;
    await setStreamStatus(tx, id, { status, reason: reason ?? null });
    if (status === 'disabled') await deleteQueue(tx, id);
    // Of the others nothing may be sent (SSF 1.0 §8.1.5), and the receiver reads them at the status endpoint.
    if (status === 'enabled') await putInto(tx, id, statusClaims(id, status));
    const why = reason === undefined ? {} : { reason };
    const data = { receiver: receiver.id, stream: id, changed: ['status'], status, ...why };
    await events.append(tx, succeeded({ type: 'signal.stream_changed', data }, context));
    return requireStream(tx, receiver, id);
  }

  return {
    async create(receiver, wanted, context) {
      const id = `str_${newId()}`;
      const settings = await settingsOf(receiver, id, wanted, undefined);
      return database.transaction(async (tx) => {
        if ((await findStreamOf(tx, receiver.id)) !== undefined) throw new CountersignError('stream_exists');
        const held = (await findReceiver(tx, receiver.id))?.held ?? undefined;
        await insertStream(tx, { id, receiver: receiver.id, created: seconds(clock) }, settings, held);
        const delivered = deliveredOf(settings.events_requested);
        const data = { receiver: receiver.id, stream: id, method: settings.method, events: delivered };
        await events.append(tx, succeeded({ type: 'signal.stream_created', data }, context));
        return requireStream(tx, receiver, id);
      });
    },

    find: ({ id }) => database.read((query) => findStreamOf(query, id)),
    get: (receiver, id) => database.read((query) => requireStream(query, receiver, id)),

    async change(receiver, { stream_id: id, all, ...wanted }, context) {
      const before = await database.read((query) => requireStream(query, receiver, id));
      const base = all ? { ...before, events_requested: SUPPORTED_EVENTS, description: null } : before;
      if (all && wanted.delivery === undefined) {
        throw new CountersignError('malformed_request', 'delivery is missing');
      }
      const settings = await settingsOf(receiver, id, wanted, base);
      const stream = await database.transaction(async (tx) => {
        await requireStream(tx, receiver, id);
        await changeStream(tx, id, settings);
        const named = ['delivery', 'events_requested', 'description'] as const;
        const changed = named.filter((name) => all || wanted[name] !== undefined);
        const data = { receiver: receiver.id, stream: id, changed };
        await events.append(tx, succeeded({ type: 'signal.stream_changed', data }, context));
        return requireStream(tx, receiver, id);
      });
      deps.wake(id);
      return stream;
    },

    remove: (receiver, id, context) =>
      database.transaction(async (tx) => {
        await requireStream(tx, receiver, id);
        const waiting = await deleteQueue(tx, id);
        await deleteStream(tx, id);
        const data = { receiver: receiver.id, stream: id, waiting };
        await events.append(tx, succeeded({ type: 'signal.stream_deleted', data }, context));
      }),

    async setStatus(receiver, wanted, context) {
      const changed = await database.transaction(async (tx) => {
        const held = (await findReceiver(tx, receiver.id))?.held ?? 'enabled';
        if (STRICTNESS.indexOf(wanted.status) < STRICTNESS.indexOf(held)) {
          throw new CountersignError('forbidden', `An administrator holds the stream: it is ${held}.`);
        }
        return putStatus(tx, receiver, wanted, context);
      });
      deps.wake(wanted.stream_id);
      return changed;
    },

    async hold(receiver, wanted, context) {
      const changed = await database.transaction(async (tx) => {
        await requireStream(tx, receiver, wanted.stream_id);
        const held = wanted.status === 'enabled' ? null : wanted.status;
        const before = (await findReceiver(tx, receiver.id))?.held ?? null;
        await holdReceiver(tx, receiver.id, held);
        // Who holds the stream is a change as well, and to be told.
        return putStatus(tx, receiver, wanted, context, before === held ? undefined : 'unchanged');
      });
      deps.wake(wanted.stream_id);
      return changed;
    },

    wants: (receiver, id, subject, wanted) =>
      database.transaction(async (tx) => {
        await requireStream(tx, receiver, id);
        assertNamedSo(receiver, subject, deps.signer.iss);
        await (wanted ? includeSubject : excludeSubject)(tx, id, subject);
      }),

    async verify(receiver, id, state) {
      const now = seconds(clock);
      await database.transaction(async (tx) => {
        await requireStream(tx, receiver, id);
        const before = now - SIGNAL_VERIFICATION_INTERVAL_S;
        if (!(await noteVerification(tx, id, { now, before }))) {
          const retryAfter = SIGNAL_VERIFICATION_INTERVAL_S;
          throw new CountersignError('rate_limited', undefined, { retryAfter });
        }
        await putInto(tx, id, {
          ...{ txn: newId(), sub_id: { format: 'opaque', id } },
          events: { [SSF.verification]: state === undefined ? {} : { state } },
        });
      });
      deps.wake(id);
    },
  };
}

/** A receiver may always want less than an administrator allows. */
const STRICTNESS: readonly StreamStatus[] = ['enabled', 'paused', 'disabled'];

function statusClaims(id: string, status: StreamStatus): SignalClaims {
  return { txn: newId(), sub_id: { format: 'opaque', id }, events: { [SSF.streamUpdated]: { status } } };
}

async function requireStream(
  reader: Query | Transaction,
  { id: receiver }: Pick<Receiver, 'id'>,
  id: string,
): Promise<StoredStream> {
  const stream = await findStream(reader, id);
  if (stream?.receiver !== receiver) throw new CountersignError('stream_unknown');
  return stream;
}
