/**
 * A process to kill: it appends events without a sequencer, each in a committed transaction, and prints how many when
 * they are on disk. Then it begins to sequence inside a transaction that never ends.
 *
 * usage: node --import tsx staging-process.ts <what openReachable takes> <entity id>
 */
import { createEventLog } from '../../bridge/events/database-event-log.ts';
import { eventGenesis } from '../../bridge/events/event.ts';
import { placeEvents, stagedEvents } from '../../bridge/events/event-store.ts';
import { systemClock } from '../../bridge/lib/clock.ts';
import { openReachable } from '../fakes/open-reachable.ts';
import { closed, quiet } from './events-fixture.ts';

const [reach = '', iss = ''] = process.argv.slice(2);
const database = await openReachable(reach, systemClock);
const log = createEventLog({ database, clock: systemClock, logger: quiet, iss });
for (const sub of ['p1', 'p2', 'p3']) await database.transaction((tx) => log.append(tx, closed(sub)));

await database.transaction(async (tx) => {
  const bodies = await stagedEvents(tx, 2);
  await placeEvents(tx, bodies, { size: 0, hash: eventGenesis(iss) });
  console.log('staged');
  await new Promise(() => setInterval(() => {}, 1_000));
});
