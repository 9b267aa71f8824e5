import type { Bell } from '../../lib/bell.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Database } from '../../storage/database.ts';
import type { SequencedEventLog } from '../database-event-log.ts';

/** What the parts of the delivery share. */
export interface DeliveryParts {
  readonly database: Database;
  readonly log: Pick<SequencedEventLog, 'page' | 'append'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Rings when there may be something new for any sink. */
  readonly bell: Bell;
  /** How waits between tries pass. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<unknown>;
}
