import { withTimeLimit } from '../../lib/abortable.ts';
import { SINK_POLL_MS, SINK_STOP_MS } from '../../lib/limits.ts';
import { newestSeq } from '../event-store.ts';
import { hasResendable } from './dead-letters.ts';
import type { DeliveryParts } from './delivery-deps.ts';
import { LiveDelivery } from './live-delivery.ts';
import { runningReplay } from './replays.ts';
import { SideDelivery } from './side-delivery.ts';
import type { SinkDefinition } from './sink-definition.ts';
import type { SinkLease, SinkLeases } from './sink-leases.ts';
import { findState } from './sink-states.ts';

/** Delivers to one sink, as it is defined now, whenever no other process does. */
export interface SinkWorker {
  readonly definition: SinkDefinition;
  /** `last`: lets the sink take what there is for a moment more. It never rejects. */
  stop(how: { last: boolean }): Promise<void>;
}

export function startSinkWorker(
  parts: DeliveryParts & { readonly leases: SinkLeases },
  definition: SinkDefinition,
): SinkWorker {
  const stopping = new AbortController();
  let last = false;
  const { bell, logger, leases } = parts;

  async function work(): Promise<void> {
    while (!stopping.signal.aborted) {
      const { rings } = bell;
      if (await deliverIfAny()) continue;
      await bell.wait(rings, SINK_POLL_MS, stopping.signal);
    }
    if (last) await deliverIfAny();
  }

  async function deliverIfAny(): Promise<boolean> {
    try {
      if (!(await hasWork(parts, definition.id))) return false;
      const lease = await leases.take(definition.id);
      if (lease === undefined) return false;
      await deliver(lease);
      return true;
    } catch (err) {
      logger.error({ err, sink: definition.name }, 'whether a sink has something to take could not be read');
      return false;
    }
  }

  async function deliver(lease: SinkLease): Promise<void> {
    const live = new LiveDelivery(parts, definition, lease);
    const side = new SideDelivery(parts, definition, live);
    const done = new AbortController();
    const signal = AbortSignal.any([stopping.signal, lease.lost, done.signal]);
    const beside = side.run(signal);
    await live.run(signal, () => side.resting);
    done.abort();
    await beside;
    if (last && !lease.lost.aborted) await endInTime(live, lease);
    else await live.abandon();
    await lease.release();
  }

  function endInTime(live: LiveDelivery, lease: SinkLease): Promise<void> {
    return withTimeLimit(SINK_STOP_MS, [lease.lost], (signal) => live.end(signal));
  }

  const ended = work();
  return {
    definition,
    async stop(how) {
      last = how.last;
      stopping.abort();
      await ended;
    },
  };
}

/** Whether there are events that the sink has not taken, or some to be brought once more. */
function hasWork({ database }: DeliveryParts, sink: string): Promise<boolean> {
  return database.read(async (query) => {
    const settled = (await findState(query, sink))?.settled ?? 0;
    if (settled < (await newestSeq(query)) || (await hasResendable(query, sink))) return true;
    return (await runningReplay(query, sink)) !== undefined;
  });
}
