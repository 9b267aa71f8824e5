import type { SinkDefinition } from '../../bridge/events/delivery/sink-definition.ts';
import { findState } from '../../bridge/events/delivery/sink-states.ts';
import { createDelivery, type Delivery, type DeliveryDeps } from '../../bridge/events/delivery.ts';
import { deletePruned, storePruned } from '../../bridge/events/prune-store.ts';
import { EVENT_PAGE } from '../../bridge/lib/limits.ts';
import {
  appendEach,
  closed,
  type EventsFixture,
  eventsFixture,
  quiet,
  refusedRequest,
} from '../events/events-fixture.ts';
import type { FakeReceiver } from '../fakes/fake-receiver.ts';
import { SOON } from '../fakes/soon.ts';

export interface DeliveryFixture extends EventsFixture {
  /** What is delivered to; changes are taken up at the next `wake`. */
  definitions: SinkDefinition[];
  /** Milliseconds of the waits between tries: none of them passes. */
  readonly waits: number[];
  deliver(options?: Partial<DeliveryDeps>): Delivery;
  /** So many events, each in its place. */
  append(count: number): Promise<void>;
  /** What the log has of this type. */
  reported(type: string): Promise<{ seq: number; data: object; code: string | null }[]>;
  state(sink: string): ReturnType<typeof stateOf>;
}

export const soon = { ...SOON, interval: 2 };

export async function deliveryFixture(): Promise<DeliveryFixture> {
  const fixture = await eventsFixture();
  const { database, log, clock } = fixture;
  const deliveries: Delivery[] = [];
  const waits: number[] = [];
  log.start();
  const all: DeliveryFixture = {
    ...fixture,
    definitions: [],
    waits,
    deliver(options = {}) {
      const delivery = createDelivery({
        ...{ database, log, clock, logger: quiet },
        definitions: {
          get builtin() {
            return all.definitions.map(({ id }) => id);
          },
          list: async () => all.definitions,
        },
        pause: async (ms) => {
          waits.push(ms);
          await new Promise((resolve) => setImmediate(resolve));
        },
        ...options,
      });
      deliveries.push(delivery);
      delivery.start();
      return delivery;
    },
    async append(count) {
      const bodies = Array.from({ length: count }, (_, index) => closed(`person-${index}`));
      await database.transaction(async (tx) => {
        for (const body of bodies) await log.append(tx, body);
      });
      await log.settled();
    },
    async reported(type) {
      await log.settled();
      const events = await log.page({ since: 0, limit: EVENT_PAGE });
      return events.filter((event) => event.type === type);
    },
    state: (sink) => stateOf(fixture, sink),
    async remove() {
      await Promise.all(deliveries.map((delivery) => delivery.stop()));
      await fixture.remove();
    },
  };
  return all;
}

async function stateOf({ database }: EventsFixture, sink: string) {
  const state = await database.read((query) => findState(query, sink));
  if (state === undefined) throw new Error(`${sink} has no state`);
  return state;
}

/** Deletes the content of the events up to `seq`. */
export async function prune({ database }: Pick<EventsFixture, 'database'>, seq: number): Promise<void> {
  await database.transaction(async (tx) => {
    await storePruned(tx, { seq, time: 0 });
    await deletePruned(tx, seq, seq);
  });
}

/** A sink of that name into the receiver. */
export function into(
  receiver: FakeReceiver,
  name = 'siem',
  changes: Partial<SinkDefinition> = {},
): SinkDefinition {
  return {
    ...{ id: name, name, revision: 1, status: 'enabled', filter: {}, redaction: 'none' },
    open: async () => ({ sink: receiver.open(), redactionKey: new Uint8Array(32) }),
    ...changes,
  };
}

export { appendEach, closed, refusedRequest };
