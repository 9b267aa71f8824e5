import { CountersignError } from '../../../protocol/errors.ts';
import { newId } from '../../lib/ids.ts';
import { SINK_REPLAYS } from '../../lib/limits.ts';
import type { RequestContext } from '../../lib/request-context.ts';
import type { Transaction } from '../../storage/database.ts';
import { deleteDeadLetters, markForResend, readDeadLetters } from '../delivery/dead-letters.ts';
import { countRunning, findReplay, forgetReplays, insertReplay, moveReplay } from '../delivery/replays.ts';
import { holdState } from '../delivery/sink-states.ts';
import type { Change } from '../succeeded.ts';
import { succeeded } from '../succeeded.ts';
import { replayedSeqs } from './replayed-seqs.ts';
import { replayView } from './sink-health.ts';
import { sendTest, testEvent } from './sink-test.ts';
import type { Sinks } from './sinks.ts';
import type { SinkReader, SinksDeps } from './sinks-deps.ts';

/** What is sent to sinks beside the live stream. */
export function createSinkDeliveries(
  deps: SinksDeps,
  reader: SinkReader,
): Pick<Sinks, 'test' | 'replay' | 'cancelReplay' | 'deadLetters' | 'resend' | 'discard'> {
  const { database, clock, events, delivery, iss } = deps;

  async function about(
    id: string,
  ): Promise<{ sink: string; name: string; paused: boolean; stored: boolean }> {
    const { builtin, row } = await reader.find(id);
    if (builtin !== undefined)
      return { sink: builtin.name, name: builtin.name, paused: false, stored: false };
    return { sink: row.id, name: row.name, paused: row.status === 'paused', stored: true };
  }

  /** A change of dead letters that tells how many it was about: all that were named, or none. */
  async function changeLetters(
    id: string,
    seqs: readonly number[] | 'all',
    by: RequestContext,
    change: (tx: Transaction, sink: string) => Promise<number>,
    type: 'sink.dead_letters_resent' | 'sink.dead_letters_discarded',
  ): Promise<number> {
    const { sink, name } = await about(id);
    const changed = await database.transaction(async (tx) => {
      const letters = seqs !== 'all' && seqs.length === 0 ? 0 : await change(tx, sink);
      if (seqs !== 'all' && letters !== new Set(seqs).size) throw new CountersignError('dead_letter_unknown');
      const told: Change = { type, data: { sink, name, events: letters } };
      if (letters > 0) await events.append(tx, succeeded(told, by));
      return letters;
    });
    await delivery.wake(sink);
    return changed;
  }

  return {
    async test(id, by) {
      const found = await reader.find(id);
      const definition = reader.definition(found);
      const event = testEvent(definition, { by, time: clock.now(), iss });
      const answer = await sendTest(definition, event);
      const { id: sink, name } = definition;
      const data = { sink, name, test: event.event_id, took_ms: answer.took_ms };
      const told = succeeded({ type: 'sink.tested', data }, by);
      await database.transaction((tx) =>
        events.append(tx, answer.code === null ? told : { ...told, outcome: 'failure', code: answer.code }),
      );
      // a receiver that is back need not wait for the next try
      if (answer.accepted) await delivery.wake(sink);
      return answer;
    },

    async replay(id, range, by) {
      const { sink, name, paused, stored } = await about(id);
      if (paused) throw new CountersignError('sink_closed');
      const replay = await database.transaction(async (tx) => {
        if (stored && !(await holdState(tx, sink))) throw new CountersignError('sink_unknown');
        const { from_seq, to_seq } = await replayedSeqs(tx, range);
        if ((await countRunning(tx, sink)) >= SINK_REPLAYS) {
          throw new CountersignError('conflict', `${SINK_REPLAYS} replays to this sink run already`);
        }
        const row = {
          ...{ id: newId(), sink, from_seq, to_seq, done_seq: from_seq - 1 },
          ...{ status: 'running' as const, created: clock.now() },
        };
        await insertReplay(tx, row);
        await forgetReplays(tx, sink);
        const data = { sink, name, replay: row.id, from_seq, to_seq };
        await events.append(tx, succeeded({ type: 'sink.replay_started', data }, by));
        return row;
      });
      await delivery.wake(sink);
      return replayView(replay);
    },

    async cancelReplay(id, replay, by) {
      const { sink, name } = await about(id);
      const cancelled = await database.transaction(async (tx) => {
        const found = await findReplay(tx, sink, replay);
        if (found === undefined || !(await moveReplay(tx, found.id, { status: 'cancelled' }))) {
          throw new CountersignError('replay_unknown');
        }
        const { from_seq, to_seq, done_seq } = found;
        const data = { sink, name, replay, from_seq, to_seq, done_seq };
        await events.append(tx, succeeded({ type: 'sink.replay_cancelled', data }, by));
        return { ...found, status: 'cancelled' as const };
      });
      await delivery.wake(sink);
      return replayView(cancelled);
    },

    async deadLetters(id, { after, limit }) {
      const { sink } = await about(id);
      const found = await database.read((query) => readDeadLetters(query, sink, { after, limit: limit + 1 }));
      const page = found.slice(0, limit);
      return {
        dead_letters: page.map(({ seq, event_id, words, tries, ...letter }) => ({
          ...{ seq, event_id, words, tries, resending: letter.resend === 1 },
          refused: new Date(letter.refused).toISOString(),
        })),
        next: found.length > limit ? (page.at(-1)?.seq ?? null) : null,
      };
    },

    async resend(id, seqs, by) {
      const mark = (tx: Transaction, sink: string) => markForResend(tx, sink, seqs);
      return { resent: await changeLetters(id, seqs, by, mark, 'sink.dead_letters_resent') };
    },

    async discard(id, seqs, by) {
      const drop = (tx: Transaction, sink: string) => deleteDeadLetters(tx, sink, seqs);
      return { discarded: await changeLetters(id, seqs, by, drop, 'sink.dead_letters_discarded') };
    },
  };
}
