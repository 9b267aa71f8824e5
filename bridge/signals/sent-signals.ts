import type { SequencedEventLog } from '../events/database-event-log.ts';
import { type Loop, startLoop } from '../lib/background.ts';
import { createBell } from '../lib/bell.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { SIGNAL_RECEIVER_TOKEN_LOOK_MS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import type { Outbound } from '../lib/outbound.ts';
import type { Signer } from '../signer/signer.ts';
import type { Database, Transaction } from '../storage/database.ts';
import { noteContacts, purgeContacts } from './contacts.ts';
import { createDestinations } from './destinations.ts';
import { createPolls, type Poll } from './polls.ts';
import { type QueueTotals, readQueueTotals } from './queue-totals.ts';
import type { Receiver } from './receiver.ts';
import { createReceiverKeys, type ReceiverKeys } from './receiver-keys.ts';
import { listReceivers } from './receiver-store.ts';
import { createReceiverTokens, type ReceiverTokens } from './receiver-tokens.ts';
import { createReceivers, type Receivers } from './receivers.ts';
import { createSignalDelivery } from './signal-delivery.ts';
import { createSignalProjection } from './signal-projection.ts';
import { createStreams, type Streams } from './streams.ts';

export interface SentSignalsDeps {
  readonly iss: string;
  readonly database: Database;
  readonly signer: Signer;
  readonly outbound: Outbound;
  readonly events: SequencedEventLog;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Signals to partners and registered receivers (decision 0034). */
export interface SentSignals {
  readonly keys: ReceiverKeys;
  readonly receivers: Receivers;
  readonly tokens: ReceiverTokens;
  readonly streams: Streams;
  readonly poll: Poll;
  start(): void;
  stop(): Promise<void>;
  /** How delivery stands as a whole, and who is registered. */
  state(): Promise<{ readonly queues: readonly QueueTotals[]; readonly receivers: readonly Receiver[] }>;
  /** Forgets old contacts; answers how many. */
  purge(): Promise<number>;
}

export function createSentSignals(deps: SentSignalsDeps): SentSignals {
  const { database, clock, events } = deps;
  const keys = createReceiverKeys(deps);
  const destinations = createDestinations({ ...deps, keys });
  const queued = createBell();
  const delivery = createSignalDelivery({
    ...{ ...deps, destinations },
    projection: createSignalProjection({ ...deps, log: events }),
    onPublished: (listener) => events.onPublished(listener),
    onQueued: () => queued.ring(),
  });
  const wake = (queue: string) => {
    delivery.wake(queue);
    queued.ring();
  };
  const streams = createStreams({ ...deps, wake });
  const polls = createPolls({ ...deps, streams, destinations, queued });
  const tokens = createReceiverTokens(deps);
  let watch: Loop | undefined;
  return {
    ...{ keys, streams, tokens, poll: polls.poll },
    receivers: createReceivers({ ...deps, keys, wake }),
    start() {
      delivery.start();
      watch ??= startLoop('receiver-tokens', SIGNAL_RECEIVER_TOKEN_LOOK_MS, () => tokens.warn(), deps);
    },
    async stop() {
      polls.stop();
      await watch?.stop();
      watch = undefined;
      await delivery.stop();
    },
    state: () =>
      database.read(async (query) => ({
        queues: await readQueueTotals(query, seconds(clock)),
        receivers: await listReceivers(query),
      })),
    purge: () => database.transaction((tx) => purgeContacts(tx, seconds(clock))),
  };
}

/** Notes the addresses that a partner is told of, as the contexts that tell it call it. Answers what is new to it. */
export type NoteContacts = (
  tx: Transaction,
  partner: string,
  addresses: readonly string[],
) => Promise<readonly string[]>;

export function createNoteContacts(clock: Clock): NoteContacts {
  return (tx, partner, addresses) => noteContacts(tx, partner, addresses, seconds(clock));
}
