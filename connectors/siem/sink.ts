import type * as z from 'zod';
import type { Clock } from '../../bridge/lib/clock.ts';
import type { Logger } from '../../bridge/lib/logger.ts';
import type { Outbound } from '../../bridge/lib/outbound.ts';
import type { OutboundSockets } from '../../bridge/lib/outbound-sockets.ts';
import type { CopyReader } from './copy-reader.ts';
import type { FormatName, Formatter } from './formats/formatter.ts';
import type { SinkEvent } from './sink-event.ts';

export type { SinkEvent } from './sink-event.ts';

/** An event that the receiver will never take as it is, in the receiver's own words (cut to 500 characters). */
export interface RefusedEvent {
  readonly seq: number;
  readonly event_id: string;
  readonly words: string;
}

/** What became of the events of a call. */
export interface Outcome {
  /** `seq` of the last event that was handed over, refused ones included: the next call begins behind it. */
  readonly sent: number;
  /**
   * `seq` up to which every event is with the receiver, or refused for good. Behind `sent` where the transport tells
   * only later (indexer acknowledgement) or not at all (syslog): the driver keeps those events, and sends them again
   * after a fault.
   */
  readonly settled: number;
  readonly refused: readonly RefusedEvent[];
}

/**
 * A place that events are delivered to. Several of the same settings may be open at a time, in one process too: a test
 * or a replay goes beside the live stream through one of its own. Each has its own order of `seq`, and its own outcome.
 *
 * The driver (bridge/events/delivery) calls `deliver` with one batch at a time, in the order of `seq` and never empty,
 * and decides when to try again: a sink does not retry. After a fault everything behind the last `settled` comes
 * again; receivers tell repeats by `event_id`.
 *
 * What a sink throws, and what the driver makes of it:
 * - `sink_unavailable` (with `retryAfter`, where the receiver said so): the same again, later.
 * - `sink_misconfigured`: the receiver refuses us, not the events (credentials, permission, address). The same again,
 *   later; health says what to mend.
 * - `sink_batch_refused`: the receiver does not take this batch as a whole and does not say which event is at fault.
 *   The driver halves it, down to one event, which then goes to the dead letters with the `detail`.
 * - `sink_gone`: the receiver wants no more events, and no more tries. The driver pauses the sink; an administrator may
 *   resume it.
 * An `AnsweredFault` of the first two is the receiver's answer to these very events, and one of them may have provoked it.
 * Where it comes again and again, the driver hands over less and less, and lays the event aside that fails by itself while
 * those around it are taken.
 *
 * `detail` holds what the receiver said, cut, without credentials. Any other error counts as `sink_unavailable`.
 */
export interface Sink {
  /** Most events of one call. A sink whose receiver bounds the bytes takes fewer of them, and says so in `sent`. */
  readonly batch: number;

  /** @param more - whether more events wait behind these, which were cut off there: of `batch`, or of their size */
  deliver(events: readonly SinkEvent[], signal: AbortSignal, more?: boolean): Promise<Outcome>;

  /**
   * With nothing more to send: waits until what was sent counts as taken, and answers `settled`. The signal ends the
   * wait as soon as there is more to send; that is no fault, and what was sent stays so.
   */
  settle?(signal: AbortSignal): Promise<number>;

  /** Lets go of what is open, lingering where the transport could else lose its tail. */
  close(): Promise<void>;
}

/** What sinks are given to work with. */
export interface SinkDeps {
  /** Id of the sink, the same for as long as it is there. */
  readonly sink: string;
  readonly outbound: Outbound;
  readonly sockets: OutboundSockets;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly formatter: Formatter;
  /** Of the bridge. */
  readonly iss: string;
  /** Whole paths: below one of them is every file that a sink writes. None: no sink writes files. */
  readonly fileFolders: readonly string[];
}

/** One kind of sink: what an administrator configures of it, and how it is opened. */
export interface SinkKind<Settings = unknown> {
  readonly kind: string;
  /** What it is for, in one sentence: stands in the documentation and the console. */
  readonly doc: string;
  /** Strict. Every member has a description, which faults and documentation show. */
  readonly settings: z.ZodType<Settings>;
  /** Names of the settings that are never shown again. */
  readonly secrets: readonly string[];
  /**
   * Names of the settings that say where events and secrets go. Where one of them changes, every stored secret must be
   * given anew: whoever may change a sink must not have its secrets sent to a place of their own.
   */
  readonly destinations: readonly string[];
  /** The first is the default. */
  readonly formats: readonly [FormatName, ...FormatName[]];
  /** Seconds for which events may wait by its settings, to go together: for so long it is not behind. None: it sends at once. */
  readonly interval?: (settings: Settings) => number;
  /** How the copy that the receiver has is read back; or how it is exported there, where the sink cannot read it. */
  readonly copy: ((settings: Settings, deps: SinkDeps) => CopyReader) | string;
  /** Opens no connection yet. `config_invalid` for settings that contradict each other or the configuration. */
  open(settings: Settings, deps: SinkDeps): Sink;
}

/** Declares a kind; whoever reads the registry need not know the type of its settings. */
export function defineSinkKind<Settings>(kind: SinkKind<Settings>): SinkKind {
  const { copy, interval } = kind;
  const { interval: _typed, ...rest } = kind;
  return {
    ...rest,
    ...(interval === undefined ? {} : { interval: (settings) => interval(kind.settings.parse(settings)) }),
    open: (settings, deps) => kind.open(kind.settings.parse(settings), deps),
    copy: typeof copy === 'string' ? copy : (settings, deps) => copy(kind.settings.parse(settings), deps),
  };
}
