import type { Sink } from '../../../connectors/siem/sink.ts';
import { SINK_EVENT_PAGE } from '../../lib/limits.ts';
import { SYSTEM } from '../../lib/request-context.ts';
import type { EventInput, StoredEvent } from '../event.ts';
import { readEventsOf } from '../event-store.ts';
import { forgetResent, hasResendable, refuseResend, resendable, storeDeadLetters } from './dead-letters.ts';
import type { DeliveryParts } from './delivery-deps.ts';
import { eventsBefore } from './events-before.ts';
import { Lane, type LaneProgress } from './lane.ts';
import { moveReplay, type Replay, runningReplay } from './replays.ts';
import { eventsFor, type SinkDefinition } from './sink-definition.ts';

/** A lane beside the live one. */
export interface SideLane {
  readonly lane: Lane;
  /** Stores where it is; `false` where it is not wanted any more. */
  save(): Promise<boolean>;
  /** Ends it where its events are not kept any more; `false` where it has ended. */
  giveUp(): Promise<boolean>;
  /** Everything was brought. */
  finish(): Promise<void>;
}

/** What there is to bring beside the live stream: what was refused first, then the oldest replay. */
export async function nextSideLane(
  parts: DeliveryParts,
  definition: SinkDefinition,
): Promise<SideLane | undefined> {
  const { id } = definition;
  const [resends, replay] = await parts.database.read(async (query) => [
    await hasResendable(query, id),
    await runningReplay(query, id),
  ]);
  if (resends) return resendLane(parts, definition);
  return replay === undefined ? undefined : replayLane(parts, definition, replay);
}

function replayLane(parts: DeliveryParts, definition: SinkDefinition, replay: Replay): SideLane {
  const { database, log, clock } = parts;
  const { from_seq, to_seq } = replay;
  const about = { sink: definition.id, name: definition.name, replay: replay.id, from_seq, to_seq };
  const opened = openOnce(definition);
  const lane = new Lane({
    settled: replay.done_seq,
    open: opened.open,
    source: {
      async before(seq) {
        const events = await eventsBefore(parts, definition, opened.key(), seq);
        return events.map((event) => ({ ...event, replay: replay.id }));
      },
      async read(since) {
        if (since >= replay.to_seq) return { events: [], through: since };
        const page = await log.page({ since, limit: Math.min(SINK_EVENT_PAGE, replay.to_seq - since) });
        const events = eventsFor(definition, opened.key(), page);
        return {
          events: events.map((event) => ({ ...event, replay: replay.id })),
          through: page.at(-1)?.seq ?? replay.to_seq,
        };
      },
    },
  });
  const save = async (
    change: (progress: LaneProgress) => Parameters<typeof moveReplay>[2],
    told?: EventInput,
  ) => {
    let wanted = true;
    await lane.save(async (progress) => {
      await database.transaction(async (tx) => {
        wanted = await moveReplay(tx, replay.id, change(progress));
        if (!wanted) return;
        await storeDeadLetters(tx, definition.id, progress.refused, clock.now());
        if (told !== undefined) await log.append(tx, told);
      });
    });
    return wanted;
  };
  return {
    lane,
    save: () => save(({ settled }) => ({ done_seq: settled })),
    async giveUp() {
      await save(({ settled }) => ({ done_seq: settled, status: 'cancelled' }), {
        ...{ type: 'sink.replay_cancelled', actor: SYSTEM.actor, outcome: 'failure', code: 'events_pruned' },
        data: { ...about, done_seq: lane.settled },
      });
      return false;
    },
    async finish() {
      await save(() => ({ done_seq: replay.to_seq, status: 'finished' }), {
        ...{ type: 'sink.replay_finished', actor: SYSTEM.actor, outcome: 'success' },
        data: about,
      });
    },
  };
}

function resendLane(parts: DeliveryParts, definition: SinkDefinition): SideLane {
  const { database, clock } = parts;
  const { id } = definition;
  const opened = openOnce(definition);
  const out = new Set<number>();
  const lane = new Lane({
    settled: 0,
    open: opened.open,
    source: {
      refusedBefore: true,
      before: (seq) => eventsBefore(parts, definition, opened.key(), seq),
      async read(since) {
        const [seqs, events] = await database.read(async (query) => {
          const found = await resendable(query, id, since, SINK_EVENT_PAGE);
          return [found, await readEventsOf(query, found)];
        });
        await refuseGone(seqs, events);
        for (const { seq } of events) out.add(seq);
        // not filtered: they were to be delivered when they came
        const all = { filter: {}, redaction: definition.redaction };
        return { events: eventsFor(all, opened.key(), events), through: seqs.at(-1) ?? since };
      },
    },
  });
  async function refuseGone(seqs: readonly number[], events: readonly StoredEvent[]): Promise<void> {
    const kept = new Set(events.map(({ seq }) => seq));
    const gone = seqs.filter((seq) => !kept.has(seq));
    if (gone.length === 0) return;
    await database.transaction((tx) => refuseResend(tx, id, gone, 'The content is not kept any more.'));
  }

  const save = async () => {
    await lane.save(async ({ settled, refused }) => {
      for (const { seq } of refused) out.delete(seq);
      const done = [...out].filter((seq) => seq <= settled);
      await database.transaction(async (tx) => {
        await storeDeadLetters(tx, id, refused, clock.now());
        await forgetResent(tx, id, done);
      });
      for (const seq of done) out.delete(seq);
    });
    return true;
  };
  return {
    lane,
    save,
    // what is not kept of these is refused one by one
    giveUp: save,
    async finish() {
      await save();
    },
  };
}

/** Of the key there is no knowing before the sink is open. */
function openOnce(definition: SinkDefinition): { open(): Promise<Sink>; key(): Uint8Array | undefined } {
  let key: Uint8Array | undefined;
  return {
    async open() {
      const { sink, redactionKey } = await definition.open();
      key = redactionKey;
      return sink;
    },
    key: () => key,
  };
}
