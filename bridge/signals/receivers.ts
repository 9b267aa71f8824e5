import { CountersignError } from '../../protocol/errors.ts';
import { verifiedDomains } from '../directory/domains.ts';
import type { EventLog } from '../events/event-log.ts';
import { type Change, succeeded } from '../events/succeeded.ts';
import { listPartners } from '../federation/partner-store.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { SIGNAL_RECEIVERS } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Database, Query, Transaction } from '../storage/database.ts';
import { countContacts } from './contacts.ts';
import { countWaiting, deleteQueue, findQueue } from './queue-store.ts';
import {
  deliveryView,
  mayBePushed,
  type NewReceiver,
  newReceiverSchema,
  type PartnerDeliveryView,
  pushedTo,
  type Receiver,
  type ReceiverChange,
  type ReceiverView,
  receiverChangeSchema,
} from './receiver.ts';
import type { ReceiverKeys } from './receiver-keys.ts';
import { deleteReceiver, insertReceiver, listReceivers, setEndpointHost } from './receiver-store.ts';
import { type IssuedReceiver, newToken, requireReceiver } from './receiver-tokens.ts';
import { deleteStream, findStreamOf, setStreamStatus } from './stream-store.ts';

/** Who gets signals beside partners: registered by administrators. Every change is an event. */
export interface Receivers {
  /** Throws `malformed_request`, `domain_unknown` (each must be a verified one), `rate_limited` (there are enough). */
  register(wanted: NewReceiver, context: RequestContext): Promise<IssuedReceiver>;
  list(): Promise<ReceiverView[]>;
  /** Throws `receiver_unknown`. */
  get(id: string): Promise<ReceiverView>;
  /**
   * Fixes the host that its stream may be pushed to, or lets it be any. A stream that is pushed elsewhere is paused until
   * the receiver names another address. Throws `receiver_unknown`, `malformed_request`.
   */
  change(id: string, change: ReceiverChange, context: RequestContext): Promise<ReceiverView>;
  /** With its stream and what waits for it. Throws `receiver_unknown`. */
  remove(id: string, context: RequestContext): Promise<void>;
  /** How partners are told, of those that we are federated with. */
  partners(): Promise<PartnerDeliveryView[]>;
  /** Signs with another key from now on; answers its id. */
  rotateKey(context: RequestContext): Promise<string>;
}

export interface ReceiversDeps {
  readonly database: Database;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly keys: ReceiverKeys;
  /** Has sent what may be sent now of this queue. */
  readonly wake: (queue: string) => void;
}

export function createReceivers(deps: ReceiversDeps): Receivers {
  const { database, events, clock, keys } = deps;
  const report = (tx: Transaction, change: Change, context: RequestContext) =>
    events.append(tx, succeeded(change, context));

  async function view(query: Query, known: Receiver): Promise<ReceiverView> {
    const found = await findStreamOf(query, known.id);
    const { former_token_expires: former } = known;
    const receiver = { ...known, former_token_expires: (former ?? 0) > seconds(clock) ? former : null };
    if (found === undefined) return { ...receiver, stream: null, delivery: deliveryView(undefined, 0) };
    const { stream_id, status, reason, method, events_delivered, created } = found;
    const delivery = await deliveryOf(query, stream_id);
    return {
      ...receiver,
      stream: {
        ...{ stream_id, status, reason, method, events_delivered, created },
        pushed_to: pushedTo(found),
      },
      delivery,
    };
  }

  /** What goes elsewhere than it may is kept: the receiver reads why at its status endpoint, and names another address. */
  async function pauseElsewhere(
    tx: Transaction,
    receiver: Receiver,
    host: string,
    context: RequestContext,
  ): Promise<void> {
    const stream = await findStreamOf(tx, receiver.id);
    if (stream?.method !== 'push' || stream.status !== 'enabled') return;
    if (mayBePushed({ endpoint_host: host }, stream)) return;
    const reason = `It may be pushed to ${host} only: name an address there.`;
    await setStreamStatus(tx, stream.stream_id, { status: 'paused', reason });
    const about = { receiver: receiver.id, stream: stream.stream_id, changed: ['status'] };
    const data = { ...about, status: 'paused', reason };
    await report(tx, { type: 'signal.stream_changed', data }, context);
  }

  return {
    async register(given, context) {
      const {
        domains: named,
        endpoint_host = null,
        token_valid_days: days,
        ...wanted
      } = newReceiverSchema.parse(given);
      const domains = named === undefined ? null : [...new Set(named)].sort();
      await keys.prepare();
      const now = seconds(clock);
      const { token, ...stored } = newToken(now, days);
      const receiver = { id: `rcv_${newId()}`, ...wanted, domains, endpoint_host, created: now };
      await database.transaction(async (tx) => {
        const ours = await verifiedDomains(tx);
        if (domains?.some((domain) => !ours.includes(domain))) throw new CountersignError('domain_unknown');
        if ((await listReceivers(tx)).length >= SIGNAL_RECEIVERS) {
          throw new CountersignError('rate_limited', `There are ${SIGNAL_RECEIVERS} receivers already.`);
        }
        await insertReceiver(tx, receiver, stored);
        const { id, name, audience } = receiver;
        const limits = { ...(domains === null ? {} : { domains }), ...hostIn(endpoint_host) };
        const data = { receiver: id, name, audience, expires: stored.expires, ...limits };
        await report(tx, { type: 'signal.receiver_registered', data }, context);
      });
      return { ...receiver, held: null, token_expires: stored.expires, former_token_expires: null, token };
    },

    list: () =>
      database.read(async (query) =>
        Promise.all((await listReceivers(query)).map((each) => view(query, each))),
      ),

    get: (id) => database.read(async (query) => view(query, await requireReceiver(query, id))),

    async change(id, change, context) {
      const { endpoint_host: host } = receiverChangeSchema.parse(change);
      const stream = await database.transaction(async (tx) => {
        const receiver = await requireReceiver(tx, id);
        if (receiver.endpoint_host === host) return undefined;
        await setEndpointHost(tx, id, host);
        const data = { receiver: id, name: receiver.name, changed: ['endpoint_host'], ...hostIn(host) };
        await report(tx, { type: 'signal.receiver_changed', data }, context);
        if (host !== null) await pauseElsewhere(tx, receiver, host, context);
        return findStreamOf(tx, id);
      });
      if (stream !== undefined) deps.wake(stream.stream_id);
      return database.read(async (query) => view(query, await requireReceiver(query, id)));
    },

    remove: (id, context) =>
      database.transaction(async (tx) => {
        const { name } = await requireReceiver(tx, id);
        const stream = await findStreamOf(tx, id);
        const waiting = stream === undefined ? 0 : await deleteQueue(tx, stream.stream_id);
        if (stream !== undefined) await deleteStream(tx, stream.stream_id);
        await deleteReceiver(tx, id);
        await report(tx, { type: 'signal.receiver_removed', data: { receiver: id, name, waiting } }, context);
      }),

    partners: () =>
      database.read(async (query) => {
        const told = (await listPartners(query)).filter(({ status }) => status !== 'removed');
        return Promise.all(
          told.map(async ({ entity_id: partner }) => ({
            partner,
            knows: await countContacts(query, partner, seconds(clock)),
            delivery: await deliveryOf(query, partner),
          })),
        );
      }),

    async rotateKey(context) {
      const kid = await keys.rotate();
      await events.record(succeeded({ type: 'signal.key_rotated', data: { kid } }, context));
      return kid;
    },
  };
}

function hostIn(host: string | null): { endpoint_host?: string } {
  return host === null ? {} : { endpoint_host: host };
}

async function deliveryOf(query: Query, queue: string) {
  return deliveryView(await findQueue(query, queue), await countWaiting(query, queue));
}
