import type { CopyPart } from '../../../connectors/siem/copy-reader.ts';
import type { FormatName } from '../../../connectors/siem/formats/formatter.ts';
import type { Json } from '../../../protocol/canonical-json.ts';
import type { ErrorCode } from '../../../protocol/errors.ts';
import type { RequestContext } from '../../lib/request-context.ts';
import type { SinkFilter, SinkInput, SinkPatch, SinkRedaction } from './sink-input.ts';

export type { SinkFilter, SinkInput, SinkPatch, SinkRedaction } from './sink-input.ts';

export type SinkStatus = 'enabled' | 'paused';

/** A sink as administrators see it. Times are RFC 3339 in UTC. */
export interface SinkView {
  /** `snk_…`, or the name of a sink that the configuration has. */
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly format: FormatName;
  readonly status: SinkStatus;
  /** A secret is shown as `{"set": true}`, if there is one. */
  readonly settings: { readonly [name: string]: Json };
  readonly filter: SinkFilter;
  readonly redaction: SinkRedaction;
  /** Whether events carry their originals, by which copies in a format of others are proven. */
  readonly original: boolean;
  /** Whether the configuration file has it: nothing about it can be changed here. */
  readonly builtin: boolean;
  readonly created: string;
  readonly changed: string;
  readonly health: SinkHealth;
}

export interface SinkHealth {
  /** `behind`: it takes events, but more than a few seconds after they happened. */
  readonly state: 'ok' | 'behind' | 'failing' | 'paused';
  /** `seq` up to which every event is with the receiver, refused, filtered out or given up. */
  readonly settled: number;
  /** Events. */
  readonly behind: number;
  /** Age of the oldest event that it has not taken; null where it has taken all. */
  readonly lag_seconds: number | null;
  /** Of what it may be behind before the oldest events are given up; above 100 for a moment. */
  readonly buffer_percent: number;
  readonly last_success: string | null;
  readonly last_error: { readonly time: string; readonly code: ErrorCode; readonly detail: string } | null;
  /** Tries that failed since the last one that went well. */
  readonly failures: number;
  /** Events that it has taken, since it was made. */
  readonly delivered: number;
  readonly dead_letters: number;
  /** Dead letters that were forgotten since it was made, because there were too many. */
  readonly dead_letters_forgotten: number;
  /** The latest, newest first. */
  readonly replays: readonly ReplayView[];
}

export interface ReplayView {
  readonly id: string;
  readonly from_seq: number;
  readonly to_seq: number;
  /** `seq` up to which it has come. */
  readonly done_seq: number;
  readonly status: 'running' | 'finished' | 'cancelled';
  readonly created: string;
}

/** Seqs are inclusive; times are RFC 3339, `from` inclusive, `to` exclusive. */
export type ReplayRange =
  | { readonly from_seq: number; readonly to_seq: number }
  | { readonly from: string; readonly to: string };

export interface SinkKindView {
  readonly kind: string;
  readonly doc: string;
  /** The first is the default. */
  readonly formats: readonly FormatName[];
  /** Those in which events can carry their originals; the others hold all of an event anyway. */
  readonly originals: readonly FormatName[];
  /** JSON Schema. */
  readonly settings: { readonly [name: string]: Json };
  /** Names of the settings that are never shown again. */
  readonly secrets: readonly string[];
  /** Names of the settings that say where events and secrets go: with another, the secrets must be given anew. */
  readonly destinations: readonly string[];
}

/** What became of a test event. A receiver that refuses it is an answer, not an error. */
export interface SinkTestView {
  readonly accepted: boolean;
  readonly took_ms: number;
  readonly code: ErrorCode | null;
  /** The receiver's words. */
  readonly detail: string | null;
  /** By which it is found at the receiver. */
  readonly event_id: string;
}

export interface SkippedEventView {
  readonly seq: number;
  readonly event_id: string;
  readonly type: string;
}

export interface DeadLetterView {
  readonly seq: number;
  readonly event_id: string;
  /** When it was refused. */
  readonly refused: string;
  /** The receiver's words. */
  readonly words: string;
  /** How often it was refused. */
  readonly tries: number;
  /** Whether it is about to be sent again. */
  readonly resending: boolean;
}

export interface DeadLetterPage {
  /** In the order of `seq`. */
  readonly dead_letters: readonly DeadLetterView[];
  /** For `after`, where there are more. */
  readonly next: number | null;
}

/**
 * The places that events are delivered to, as administrators manage them. A sink is named by its id or its name; one
 * that is unknown is `sink_unknown`, input that does not fit `malformed_request` with every fault and never a value. A
 * sink of the configuration can be read, tested and replayed to; a change of it is `malformed_request`, too.
 *
 * Changes count at once, in every replica, and are events.
 */
export interface Sinks {
  kinds(): SinkKindView[];
  /** By name. */
  list(): Promise<SinkView[]>;
  get(id: string): Promise<SinkView>;

  /** Begins at the newest event, unless `from: 'beginning'` is asked for. `sink_name_taken`, `sink_limit`. */
  create(input: SinkInput, by: RequestContext): Promise<SinkView>;
  /** Settings replace those there are member by member; null takes one away. `sink_name_taken`. */
  change(id: string, patch: SinkPatch, by: RequestContext): Promise<SinkView>;
  /** With its dead letters and replays. */
  remove(id: string, by: RequestContext): Promise<void>;

  /** Sends an event made for it (`sink.tested`, `seq` 0), whether the sink is paused, failing or neither. */
  test(id: string, by: RequestContext): Promise<SinkTestView>;

  /** Brings events once more, marked, beside those that come. `events_pruned`: their content is gone. `sink_closed` */
  replay(id: string, range: ReplayRange, by: RequestContext): Promise<ReplayView>;
  /** `replay_unknown`: there is none that runs. */
  cancelReplay(id: string, replay: string, by: RequestContext): Promise<ReplayView>;

  /**
   * A part of the copy that the receiver has, read with the credentials of the sink. `malformed_request` where a sink of
   * its kind cannot read, in words that say how the copy is exported there. What reading throws, see `CopyReader`.
   */
  copy(id: string, after: string | undefined): Promise<CopyPart>;

  /**
   * Lays aside, among the dead letters, the event that the sink stands at: the next that it is to get. `conflict`: there
   * is none, or it moved on meanwhile.
   */
  skip(id: string, by: RequestContext): Promise<SkippedEventView>;

  deadLetters(id: string, page: { after?: number; limit: number }): Promise<DeadLetterPage>;
  /** Sends them again, soon; those that are taken leave the list. `dead_letter_unknown` where one is not there. */
  resend(id: string, seqs: readonly number[] | 'all', by: RequestContext): Promise<{ resent: number }>;
  /** Forgets them. `dead_letter_unknown` */
  discard(id: string, seqs: readonly number[] | 'all', by: RequestContext): Promise<{ discarded: number }>;
}
