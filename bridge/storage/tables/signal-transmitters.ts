/** Tables of bridge/signals about who sends signals here. Times in seconds; JSON as text. */
export interface SignalTransmitterTables {
  signal_transmitters: SignalTransmittersTable;
}

export interface SignalTransmittersTable {
  /** Id of a connection. */
  connection: string;
  issuer: string;
  jwks_uri: string;
  audience: string;
  subject_issuer: string | null;
  /** JSON: by the name of an event, what it does. */
  effects: string;
  /** sha256 of the token. */
  token_hash: string;
  created: number;
  changed: number;
  last_signal: number | null;
}
