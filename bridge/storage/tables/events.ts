/** Tables of bridge/events. Staged rows have no `seq` yet; the sequencer gives it. */
export interface EventTables {
  events: EventsTable;
  event_cursors: EventCursorsTable;
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

/** Up to where each sink has taken the events. */
export interface EventCursorsTable {
  sink: string;
  seq: number;
}
