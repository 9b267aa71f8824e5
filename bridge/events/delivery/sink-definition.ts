import type { Sink, SinkEvent } from '../../../connectors/siem/sink.ts';
import type { Transaction } from '../../storage/database.ts';
import type { StoredEvent } from '../event.ts';
import { redactEvent } from '../redaction.ts';
import type { SinkFilter, SinkRedaction } from '../sinks/sink-input.ts';
import { passesFilter } from './event-filter.ts';

/** A sink as it is delivered to. */
export interface SinkDefinition {
  readonly id: string;
  readonly name: string;
  /** Another one where anything of it was changed. */
  readonly revision: number;
  readonly status: 'enabled' | 'paused';
  readonly filter: SinkFilter;
  readonly redaction: SinkRedaction;
  /**
   * Pauses it as an administrator does, at `now`; `false` if it was changed since. Of a sink that the configuration has
   * there is none: nobody could resume it.
   */
  pause?(tx: Transaction, now: number): Promise<boolean>;
  /** Opens what its settings say. `config_invalid`, `seal_broken` for settings that cannot be used (any more). */
  open(): Promise<OpenedSink>;
}

export interface OpenedSink {
  readonly sink: Sink;
  /** For the redaction by HMAC. */
  readonly redactionKey?: Uint8Array;
}

/** Which sinks there are now. */
export interface SinkDefinitions {
  /** Ids of those that the configuration has. */
  readonly builtin: readonly string[];
  list(): Promise<readonly SinkDefinition[]>;
}

/** What of these events goes to the sink, as it is to get them. */
export function eventsFor(
  { filter, redaction }: Pick<SinkDefinition, 'filter' | 'redaction'>,
  key: Uint8Array | undefined,
  events: readonly StoredEvent[],
): SinkEvent[] {
  return events
    .filter((event) => passesFilter(event, filter))
    .map((event) => redactEvent(event, redaction, key));
}
