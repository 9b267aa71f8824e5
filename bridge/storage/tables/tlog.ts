/** Tables of bridge/tlog: where each log ends, its tree, its checkpoints and who cosigned them. */
export interface TlogTables {
  log_heads: LogHeadsTable;
  log_entry_bundles: LogEntryBundlesTable;
  log_tiles: LogTilesTable;
  log_checkpoints: LogCheckpointsTable;
  log_cosignatures: LogCosignaturesTable;
  log_publications: LogPublicationsTable;
}

/** Moved by compare-and-swap only. */
export interface LogHeadsTable {
  /** The event log stands here twice: its chain, and the tree over it (`event-tree`), which follows. */
  log: 'events' | 'event-tree' | 'keys';
  /** Entries, all of them. */
  size: number;
  /** Of a tree its root, of the events the end of their chain; base64url. */
  hash: string;
}

/** The entries: up to 256 in a row. Only the last row is ever written again, and only longer. */
export interface LogEntryBundlesTable {
  log: LogHeadsTable['log'];
  /** From 0. */
  index: number;
  /** How many entries. */
  width: number;
  /** As C2SP tlog-tiles has them: each behind its length, u16 big-endian. */
  bytes: Uint8Array;
}

/** The tree: up to 256 hashes in a row. Of each level only the last row is ever written again, and only longer. */
export interface LogTilesTable {
  log: LogHeadsTable['log'];
  /** 0: hashes of leaves; n: of complete subtrees of 256^n leaves. */
  level: number;
  /** From 0. */
  index: number;
  /** 32 bytes each. */
  bytes: Uint8Array;
}

/** The heads that a log may be seen at: inserted by transaction 2, signed behind it. */
export interface LogCheckpointsTable {
  log: LogHeadsTable['log'];
  size: number;
  /** base64url. */
  root: string;
  /** From 1. */
  epoch: number;
  time_ms: number;
  /** The log's own signature line (under a new key two) of the signed note; null until it is published. */
  log_signature: string | null;
}

export interface LogCosignaturesTable {
  log: LogHeadsTable['log'];
  size: number;
  key_name: string;
  /** Hexadecimal, 8 characters. */
  key_id: string;
  kind: 'witness' | 'auditor';
  /** When it was cosigned, as it says itself; seconds. */
  time: number;
  /** Its signature line of the signed note. Only verified ones are stored. */
  line: string;
}

/** What everybody has been shown of a log. */
export interface LogPublicationsTable {
  log: LogHeadsTable['log'];
  /** Of the largest checkpoint that was served. Never goes back. */
  size: number;
}
