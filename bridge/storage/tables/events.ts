/** Tables of bridge/events. Staged rows have no `seq` yet; the sequencer gives it. */
export interface EventTables {
  events: EventsTable;
  event_pruning: EventPruningTable;
  sinks: SinksTable;
  sink_states: SinkStatesTable;
  sink_dead_letters: SinkDeadLettersTable;
  sink_replays: SinkReplaysTable;
}

export interface EventsTable {
  /** UUIDv7. */
  event_id: string;
  /** From 1; null while staged. */
  seq: number | null;
  /** `EventBody` as JSON. */
  body: string;
  prev: string | null;
  hash: string | null;
}

/** Up to where the content of the event log is pruned: one row at most. */
export interface EventPruningTable {
  log: 'events';
  /** The `seq` up to which rows are deleted, or are about to be. */
  pruned: number;
  time_ms: number;
}

/** The sinks that administrators made. Times of all that is about sinks in milliseconds. */
export interface SinksTable {
  /** `snk_…`. */
  id: string;
  name: string;
  kind: string;
  format: string;
  status: 'enabled' | 'paused';
  /** Settings and the key of the redaction as JSON, sealed. */
  sealed: Uint8Array;
  /** JSON. */
  filter: string;
  redaction: 'none' | 'drop' | 'hmac';
  /** 1: beside the event in another format stands the event itself. */
  original: number;
  /** Counts the changes from 1: whoever delivers takes a new one up. */
  revision: number;
  created: number;
  changed: number;
}

/** How far each sink is, and who delivers to it. */
export interface SinkStatesTable {
  /** Id of a sink, or the name of one that the configuration has. */
  sink: string;
  /** `seq` up to which every event is with the receiver, refused, filtered out or given up. */
  settled: number;
  /** The process that delivers now; null where none does. */
  holder: string | null;
  /** Counts what holders wrote: one that does not move any more is a holder that is gone. */
  beat: number;
  delivered: number;
  /** Tries in a row that failed. */
  failures: number;
  last_success: number | null;
  error_time: number | null;
  error_code: string | null;
  error_detail: string | null;
  /** 1: it was reported as failing, and not since as well again. */
  failing: number;
  /** When the latest event that says so was reported: that it fails; that it refused events; that it lost some. */
  failing_reported: number | null;
  refused_reported: number | null;
  overflow_reported: number | null;
  /** Percent of the buffer that was last reported: 0, 50, 80 or 100. */
  alarm: number;
  /** `seq` up to which events were there when it was made to begin with the first: its buffer does not bound these. */
  backlog_to: number;
  /** Dead letters forgotten because there were too many; how many of them an event told of, and when the latest did. */
  forgotten: number;
  forgotten_told: number;
  forgotten_reported: number | null;
}

/** Events that a receiver refused for good. Their content is in `events`. */
export interface SinkDeadLettersTable {
  sink: string;
  seq: number;
  event_id: string;
  words: string;
  refused: number;
  tries: number;
  /** 1: is to be sent again. */
  resend: number;
}

/** What is brought once more. */
export interface SinkReplaysTable {
  /** UUIDv7. */
  id: string;
  sink: string;
  from_seq: number;
  to_seq: number;
  /** `seq` up to which it has come. */
  done_seq: number;
  status: 'running' | 'finished' | 'cancelled';
  created: number;
}
