import { SINK_REPORT_MS } from '../../lib/limits.ts';
import { SYSTEM } from '../../lib/request-context.ts';
import type { EventInput } from '../event.ts';
import { newestSeq } from '../event-store.ts';
import { readPruned } from '../prune-store.ts';
import type { DeliveryParts } from './delivery-deps.ts';
import { type BufferBound, boundedPlace, waitingIn } from './sink-buffer.ts';
import type { SinkDefinition } from './sink-definition.ts';
import { findState, giveUp, listStates, moveAlarm, type SinkState, tellForgotten } from './sink-states.ts';

/** Percent of the buffer at which an alarm is raised. */
const ALARMS = [100, 80, 50];
/** Percent below an alarm at which it ends: one that comes and goes says nothing. */
const ALARM_ENDS = 10;

/**
 * Looks how far the sinks are behind: raises alarms, gives up the oldest events of one that is behind by more than
 * `bufferEvents`, and tells of dead letters that were forgotten. The store decides who of several processes does it; a sink that is paused counts like the others.
 */
export async function watchBuffers(
  parts: Pick<DeliveryParts, 'database' | 'log' | 'clock'>,
  sinks: readonly Pick<SinkDefinition, 'id' | 'name'>[],
  bufferEvents: number,
): Promise<void> {
  const { database } = parts;
  const [states, newest] = await database.read(
    async (query) => [await listStates(query), await newestSeq(query)] as const,
  );
  for (const { id, name } of sinks) {
    const state = states.find(({ sink }) => sink === id);
    if (state === undefined) continue;
    const about = { sink: id, name };
    await watchAlarm(parts, state, { about, newest, bufferEvents });
    await watchOverflow(parts, state, { about, newest, bufferEvents });
    await watchForgotten(parts, state, about);
  }
}

type Parts = Parameters<typeof watchBuffers>[0];

interface Buffer extends BufferBound {
  readonly about: { readonly sink: string; readonly name: string };
}

async function watchAlarm({ database, log }: Parts, state: SinkState, buffer: Buffer): Promise<void> {
  const { about, newest, bufferEvents } = buffer;
  const behind = waitingIn(state, newest);
  const percent = (100 * behind) / bufferEvents;
  const reached = ALARMS.find((alarm) => percent >= alarm) ?? 0;
  const kept = ALARMS.find((alarm) => percent >= alarm - ALARM_ENDS) ?? 0;
  const level = Math.max(reached, Math.min(state.alarm, kept));
  if (level === state.alarm) return;
  const told: EventInput | undefined =
    level > state.alarm
      ? {
          ...{ type: 'sink.buffer_filling', actor: SYSTEM.actor, outcome: 'failure' },
          data: { ...about, percent: level, behind },
        }
      : level === 0
        ? { type: 'sink.caught_up', actor: SYSTEM.actor, outcome: 'success', data: about }
        : undefined;
  await database.transaction(async (tx) => {
    if (!(await moveAlarm(tx, state.sink, state.alarm, level))) return;
    if (told !== undefined) await log.append(tx, told);
  });
}

async function watchOverflow(parts: Parts, state: SinkState, { about, ...bound }: Buffer): Promise<void> {
  const to = boundedPlace(state, bound);
  if (parts.clock.now() - (state.overflow_reported ?? 0) >= SINK_REPORT_MS) {
    await giveUpTo(parts, state, about, to);
  }
}

async function watchForgotten(
  { database, log, clock }: Parts,
  state: SinkState,
  about: Buffer['about'],
): Promise<void> {
  const events = state.forgotten - state.forgotten_told;
  if (events === 0 || clock.now() - (state.forgotten_reported ?? 0) < SINK_REPORT_MS) return;
  await database.transaction(async (tx) => {
    if (!(await tellForgotten(tx, state, clock.now()))) return;
    await log.append(tx, {
      ...{ type: 'sink.dead_letters_forgotten', actor: SYSTEM.actor, outcome: 'failure' },
      data: { ...about, events },
    });
  });
}

/** Gives up, at once, what the sink has not taken and is not kept any more. */
export async function giveUpPruned(
  parts: Parts,
  { id, name }: Pick<SinkDefinition, 'id' | 'name'>,
): Promise<void> {
  const [state, pruned] = await parts.database.read(
    async (query) => [await findState(query, id), await readPruned(query)] as const,
  );
  if (state !== undefined) await giveUpTo(parts, state, { sink: id, name }, pruned.seq);
}

async function giveUpTo(
  { database, log, clock }: Parts,
  state: SinkState,
  about: Buffer['about'],
  to: number,
): Promise<void> {
  if (state.settled >= to) return;
  await database.transaction(async (tx) => {
    if (!(await giveUp(tx, state.sink, state.settled, to, clock.now()))) return;
    await log.append(tx, {
      ...{ type: 'sink.overflowed', actor: SYSTEM.actor, outcome: 'failure' },
      data: { ...about, from_seq: state.settled + 1, to_seq: to },
    });
  });
}
