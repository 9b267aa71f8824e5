/** Tables of bridge/tlog: where each log ends. */
export interface TlogTables {
  log_heads: LogHeadsTable;
}

/** Moved by compare-and-swap only. */
export interface LogHeadsTable {
  log: 'events' | 'keys';
  /** Entries, all of them. */
  size: number;
  hash: string;
}
