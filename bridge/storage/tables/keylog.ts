/** Tables of bridge/keylog: what is logged, the map of it, and what its proofs are made of. */
export interface KeyLogTables {
  logged_versions: LoggedVersionsTable;
  vrf_proofs: VrfProofsTable;
  map_pages: MapPagesTable;
  log_epochs: LogEpochsTable;
  log_secrets: LogSecretsTable;
  lost_entries: LostEntriesTable;
}

/** Staged rows have no position yet; the sequencer gives it. */
export interface LoggedVersionsTable {
  /** UUIDv7. */
  staged_id: string;
  kind: 'address' | 'policy' | 'trust-change';
  name: string;
  version: number;
  /** What the log commits to; empty once it was forgotten. */
  value: Uint8Array;
  /** SHA-256 of it, base64url; empty once it was forgotten. */
  value_hash: string;
  /** Opens the commitment: 16 random bytes. Null once forgotten, and of earlier rows while they are staged. */
  opening: Uint8Array | null;
  /** 32 bytes. Null of earlier rows while they are staged. */
  commitment: Uint8Array | null;
  /** Of its entry in the log; null while staged. */
  position: number | null;
  /** Whose leaf it is in the map from; null while staged. */
  epoch: number | null;
  /** 1: was handed out before there was a log, and is so while it waits for its entry. */
  earlier: number;
}

/** A rung of a name's ladders, once proved: of versions that are there, and of those that are not yet. */
export interface VrfProofsTable {
  kind: LoggedVersionsTable['kind'];
  name: string;
  version: number;
  /** 32 bytes. */
  output: Uint8Array;
  /** 80 bytes. */
  proof: Uint8Array;
}

/** The map. A change of a page is a new row; the old one stays for readers of older epochs. */
export interface MapPagesTable {
  /** The nibbles that its leaves' outputs begin with, hexadecimal. */
  path: string;
  /** From which on it is so. */
  epoch: number;
  /** The epoch that replaced it; null: none yet. */
  until: number | null;
  bytes: Uint8Array;
}

export interface LogEpochsTable {
  /** From 1. */
  epoch: number;
  time_ms: number;
  /** Of the map, at its end. */
  leaves: number;
  /** 32 bytes. */
  prefix_root: Uint8Array;
  /** Of the log: its own entry is the last. */
  size: number;
  /** 1 while all pages of the map of this epoch are there. */
  pages_kept: number;
}

export interface LogSecretsTable {
  name: 'vrf';
  /** Under the signer's key-encryption key. */
  sealed: Uint8Array;
}

/** Versions that a recovery brought back into the log, and whose names nothing in the store says. */
export interface LostEntriesTable {
  /** Its VRF output, 32 bytes base64url. */
  output: string;
  /** 32 bytes. */
  commitment: Uint8Array;
  /** Of its entry in the log. */
  position: number;
  epoch: number;
}
