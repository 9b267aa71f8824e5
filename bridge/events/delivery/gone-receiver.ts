import { SYSTEM } from '../../lib/request-context.ts';
import type { DeliveryParts } from './delivery-deps.ts';
import type { SinkDefinition } from './sink-definition.ts';
import type { SinkFault } from './sink-fault.ts';

/** Pauses a sink whose receiver wants no more events, and reports it; of a sink that was changed since, or stays: nothing. */
export async function pauseGone(
  { database, log, clock }: Pick<DeliveryParts, 'database' | 'log' | 'clock'>,
  definition: SinkDefinition,
  { code, detail }: SinkFault,
): Promise<void> {
  if (code !== 'sink_gone') return;
  await database.transaction(async (tx) => {
    if (!(await definition.pause?.(tx, clock.now()))) return;
    await log.append(tx, {
      ...{ type: 'sink.paused', actor: SYSTEM.actor, outcome: 'failure', code },
      data: { sink: definition.id, name: definition.name, detail },
    });
  });
}
