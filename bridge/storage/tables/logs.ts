/** The event log and the key log. Staged rows have no position yet; the sequencer gives it. */
export interface LogTables {
  /** Where each log ends; moved by compare-and-swap only. */
  log_heads: {
    log: 'events' | 'keys';
    /** Entries, all of them. */
    size: number;
    hash: string;
  };
  events: {
    /** UUIDv7. */
    event_id: string;
    /** From 1; null while staged. */
    seq: number | null;
    /** `EventBody` as JSON. */
    body: string;
    prev: string | null;
    hash: string | null;
  };
  /** Up to where each sink has taken the events. */
  event_cursors: {
    sink: string;
    seq: number;
  };
  logged_versions: {
    /** UUIDv7. */
    staged_id: string;
    kind: 'address' | 'policy' | 'trust-change';
    name: string;
    version: number;
    /** What the log commits to. */
    value: Uint8Array;
    /** SHA-256 of it, base64url. */
    value_hash: string;
    /** From 0; null while staged. */
    position: number | null;
  };
}
