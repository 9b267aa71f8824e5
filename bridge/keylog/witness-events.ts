import type { EventInput, EventLog } from '../events/event-log.ts';
import type { Logger } from '../lib/logger.ts';
import { SYSTEM } from '../lib/request-context.ts';
import type { ForgottenCosignature } from '../tlog/forgotten-cosignature.ts';
import type { WitnessState } from '../tlog/witness-client.ts';
import type { SplitView } from '../tlog/witness-server.ts';

/** Tells the event log of witnesses, theirs and ours; who calls waits for nothing. */
export interface WitnessEvents {
  /** A witness of ours is in another state than before. */
  changed(now: WitnessState, before: WitnessState): void;
  /** We are a witness, and were shown two histories. */
  splitView(found: SplitView): void;
  /** We are a witness, and have forgotten what we cosigned. */
  forgotten(found: ForgottenCosignature): void;
}

export function createWitnessEvents(deps: {
  events: Pick<EventLog, 'record'>;
  logger: Logger;
}): WitnessEvents {
  const { events, logger } = deps;

  function record(event: EventInput | undefined): void {
    if (event === undefined) return;
    events.record(event).catch((err: unknown) => {
      logger.error(
        { err, type: event.type, data: event.data },
        'an event of a witness could not be recorded',
      );
    });
  }

  return {
    changed: (now, before) => record(changeOf(now, before)),
    splitView(found) {
      logger.error(found, 'a log has signed two histories');
      record({ type: 'log.split_view_seen', actor: SYSTEM.actor, outcome: 'failure', data: { ...found } });
    },
    forgotten({ origin, size, note }) {
      const data = { origin, size, checkpoint: note };
      record({ type: 'log.witness_forgot', actor: SYSTEM.actor, outcome: 'failure', data });
    },
  };
}

function changeOf({ name, state, error, size }: WitnessState, before: WitnessState): EventInput | undefined {
  const { actor } = SYSTEM;
  switch (state) {
    case 'unknown':
      return undefined;
    case 'cosigning':
      if (before.state === 'unknown') return undefined;
      return { type: 'log.witness_recovered', actor, outcome: 'success', data: { witness: name } };
    case 'failing':
      return {
        ...{ type: 'log.witness_failed', actor, outcome: 'failure', data: { witness: name } },
        ...(error === null ? {} : { code: error }),
      };
    case 'ahead':
    case 'contradicted':
      return { type: 'log.doubted', actor, outcome: 'failure', data: { witness: name, seen: state, size } };
  }
}
