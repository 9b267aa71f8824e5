import type { LogHeadsTable } from './tlog.ts';

/** Tables of bridge/tlog for witnesses: ours of other logs, and others of ours. Hashes base64url. */
export interface WitnessTables {
  witnessed_logs: WitnessedLogsTable;
  witness_keys: WitnessKeysTable;
  log_witnesses: LogWitnessesTable;
}

/** As a witness: the newest checkpoint that we cosigned of each log. Never goes back. */
export interface WitnessedLogsTable {
  origin: string;
  /** SHA-256 of the origin, hexadecimal: what monitors ask by. */
  origin_hash: string;
  size: number;
  root: string;
  /** The checkpoint as signed by the log, with the signatures that were verified and our cosignature. */
  note: string;
}

/** The key that we cosign with as a witness. */
export interface WitnessKeysTable {
  name: string;
  /** Ed25519, 32 bytes. */
  public_key: Uint8Array;
  /** The private half; null where it rests in a file of its own. */
  sealed: Uint8Array | null;
  /** Milliseconds. */
  created_at: number;
}

/** Of our own logs: up to where each witness is known to have cosigned. */
export interface LogWitnessesTable {
  log: LogHeadsTable['log'];
  key_name: string;
  /** Hexadecimal, 8 characters. */
  key_id: string;
  size: number;
}
