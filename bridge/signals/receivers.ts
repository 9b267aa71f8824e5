import { CountersignError } from '../../protocol/errors.ts';
import { verifiedDomains } from '../directory/domains.ts';
import type { EventLog } from '../events/event-log.ts';
import { type Change, succeeded } from '../events/succeeded.ts';
import { listPartners } from '../federation/partner-store.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { sha256Base64url } from '../lib/hash.ts';
import { newHandle, newId } from '../lib/ids.ts';
import { SIGNAL_RECEIVERS } from '../lib/limits.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Database, Query, Transaction } from '../storage/database.ts';
import { countContacts } from './contacts.ts';
import { countWaiting, deleteQueue, findQueue } from './queue-store.ts';
import {
  deliveryView,
  type NewReceiver,
  newReceiverSchema,
  type PartnerDeliveryView,
  type Receiver,
  type ReceiverView,
} from './receiver.ts';
import type { ReceiverKeys } from './receiver-keys.ts';
import {
  deleteReceiver,
  findReceiver,
  findReceiverByToken,
  insertReceiver,
  listReceivers,
  replaceToken,
} from './receiver-store.ts';
import { deleteStream, findStreamOf } from './stream-store.ts';

/** What scanners of leaked secrets find our tokens by. */
const PREFIX = 'cssig_';

/** A bearer token is 43 characters behind its prefix; nothing longer is hashed. */
const TOKEN_LENGTH = 128;

/** The token is told once and stored nowhere. */
export type IssuedReceiver = Receiver & { readonly token: string };

/** Who gets signals beside partners: registered by administrators. Every change is an event. */
export interface Receivers {
  /** Throws `malformed_request`, `domain_unknown` (each must be a verified one), `rate_limited` (there are enough). */
  register(wanted: NewReceiver, context: RequestContext): Promise<IssuedReceiver>;
  list(): Promise<ReceiverView[]>;
  /** Throws `receiver_unknown`. */
  get(id: string): Promise<ReceiverView>;
  /** Makes another token; the one before is void at once. Throws `receiver_unknown`. */
  replaceToken(id: string, context: RequestContext): Promise<IssuedReceiver>;
  /** With its stream and what waits for it. Throws `receiver_unknown`. */
  remove(id: string, context: RequestContext): Promise<void>;
  /** How partners are told, of those that we are federated with. */
  partners(): Promise<PartnerDeliveryView[]>;
  /** Signs with another key from now on; answers its id. */
  rotateKey(context: RequestContext): Promise<string>;
  /** Whose token an `Authorization` header carries. Throws `unauthenticated`. */
  authenticate(authorization: string | undefined): Promise<Receiver>;
}

export interface ReceiversDeps {
  readonly database: Database;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly keys: ReceiverKeys;
}

export function createReceivers({ database, events, clock, keys }: ReceiversDeps): Receivers {
  const report = (tx: Transaction, change: Change, context: RequestContext) =>
    events.append(tx, succeeded(change, context));

  async function view(query: Query, receiver: Receiver): Promise<ReceiverView> {
    const found = await findStreamOf(query, receiver.id);
    if (found === undefined) return { ...receiver, stream: null, delivery: deliveryView(undefined, 0) };
    const { stream_id, status, reason, method, events_delivered, created } = found;
    const delivery = await deliveryOf(query, stream_id);
    return {
      ...receiver,
      stream: { stream_id, status, reason, method, events_delivered, created },
      delivery,
    };
  }

  return {
    async register(given, context) {
      const { domains: named, endpoint_host = null, ...wanted } = newReceiverSchema.parse(given);
      const domains = named === undefined ? null : [...new Set(named)].sort();
      await keys.prepare();
      const token = PREFIX + newHandle();
      const receiver = { id: `rcv_${newId()}`, ...wanted, domains, endpoint_host, created: seconds(clock) };
      await database.transaction(async (tx) => {
        const ours = await verifiedDomains(tx);
        if (domains?.some((domain) => !ours.includes(domain))) throw new CountersignError('domain_unknown');
        if ((await listReceivers(tx)).length >= SIGNAL_RECEIVERS) {
          throw new CountersignError('rate_limited', `There are ${SIGNAL_RECEIVERS} receivers already.`);
        }
        await insertReceiver(tx, receiver, sha256Base64url(token));
        const { id, name, audience } = receiver;
        const data = { receiver: id, name, audience, ...(domains === null ? {} : { domains }) };
        await report(tx, { type: 'signal.receiver_registered', data }, context);
      });
      return { ...receiver, held: null, token };
    },

    list: () =>
      database.read(async (query) =>
        Promise.all((await listReceivers(query)).map((each) => view(query, each))),
      ),

    get: (id) => database.read(async (query) => view(query, await requireReceiver(query, id))),

    async replaceToken(id, context) {
      const token = PREFIX + newHandle();
      return database.transaction(async (tx) => {
        const receiver = await requireReceiver(tx, id);
        await replaceToken(tx, id, sha256Base64url(token));
        const data = { receiver: id, name: receiver.name };
        await report(tx, { type: 'signal.receiver_token_replaced', data }, context);
        return { ...receiver, token };
      });
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
        const active = (await listPartners(query)).filter(({ status }) => status === 'active');
        return Promise.all(
          active.map(async ({ entity_id: partner }) => ({
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

    async authenticate(authorization) {
      const [, token] = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization ?? '') ?? [];
      if (token === undefined || token.length > TOKEN_LENGTH) throw new CountersignError('unauthenticated');
      const found = await database.read((query) => findReceiverByToken(query, sha256Base64url(token)));
      if (found === undefined) throw new CountersignError('unauthenticated');
      return found;
    },
  };
}

async function requireReceiver(reader: Query | Transaction, id: string): Promise<Receiver> {
  const receiver = await findReceiver(reader, id);
  if (receiver === undefined) throw new CountersignError('receiver_unknown');
  return receiver;
}

async function deliveryOf(query: Query, queue: string) {
  return deliveryView(await findQueue(query, queue), await countWaiting(query, queue));
}
