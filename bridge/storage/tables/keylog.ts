/** Tables of bridge/keylog. Staged rows have no position yet; the sequencer gives it. */
export interface KeyLogTables {
  logged_versions: LoggedVersionsTable;
}

export interface LoggedVersionsTable {
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
}
