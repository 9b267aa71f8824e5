/** Tables of bridge/signals. Times in seconds; JSON as text. */
export interface SignalTables {
  signal_contacts: SignalContactsTable;
  signal_receivers: SignalReceiversTable;
  signal_streams: SignalStreamsTable;
  signal_exclusions: SignalExclusionsTable;
  signal_progress: SignalProgressTable;
  signal_queues: SignalQueuesTable;
  signal_outbox: SignalOutboxTable;
  signal_levels: SignalLevelsTable;
  signal_keys: SignalKeysTable;
}

/** Of whom a partner knows already, because our bridge told it or they met under that address. */
export interface SignalContactsTable {
  /** Entity id. */
  partner: string;
  /** That it was answered about, or that was shown to its people in a meeting. */
  address: string;
  /** When it last was. */
  seen: number;
}

/** Who may have a stream: registered by an administrator. */
export interface SignalReceiversTable {
  /** `rcv_…`. */
  id: string;
  name: string;
  /** `aud` of its tokens. */
  audience: string;
  /** sha256 of its bearer token. */
  token_hash: string;
  token_expires: number;
  /** Of its end was told: 0 nothing, 1 that it is near, 2 that it came. */
  token_warned: number;
  /** Of the token before, while that one is valid too. */
  former_token_hash: string | null;
  former_token_expires: number | null;
  subject_format: 'email' | 'iss_sub';
  /** JSON array; null: people of all domains. */
  domains: string | null;
  /** What an administrator has its stream be until an administrator resumes it; null: it is the receiver’s to decide. */
  held: 'paused' | 'disabled' | null;
  /** The one host that it may be pushed to; null: any that is public. */
  endpoint_host: string | null;
  created: number;
}

export interface SignalStreamsTable {
  id: string;
  receiver: string;
  status: 'enabled' | 'paused' | 'disabled';
  /** Why it has this status, in the words of who changed it. */
  reason: string | null;
  method: 'push' | 'poll';
  /** Where it is pushed to; null where the receiver polls. */
  endpoint_url: string | null;
  /** The header to push with, sealed. */
  authorization: Uint8Array | null;
  /** JSON array of URIs. */
  events_requested: string;
  description: string | null;
  /** When a verification was last asked for. */
  verified: number | null;
  created: number;
}

/** Of whom a receiver does not want to hear. */
export interface SignalExclusionsTable {
  stream: string;
  /** The subject identifier in its one form. */
  subject: string;
}

/** Up to where the log has become signals: one row. */
export interface SignalProgressTable {
  id: number;
  seq: number;
}

/** How the delivery to one receiver stands. */
export interface SignalQueuesTable {
  /** Id of a stream, or entity id of a partner. */
  queue: string;
  /** Position of the newest signal. */
  tail: number;
  /** The process that sends now, and until when nobody else may. */
  holder: string | null;
  held_until: number;
  sent: number;
  given_up: number;
  /** Tries in a row that failed. */
  failures: number;
  last_success: number | null;
  error_time: number | null;
  error_code: string | null;
  error_detail: string | null;
}

/** Signals that wait. */
export interface SignalOutboxTable {
  queue: string;
  position: number;
  jti: string;
  /** JSON of `txn`, `sub_id` and `events`. */
  claims: string;
  created: number;
}

/** How strongly a person last signed in. */
export interface SignalLevelsTable {
  sub: string;
  level: 'single-factor' | 'multi-factor';
}

/** The RSA keys that sign for receivers; the newest one signs. */
export interface SignalKeysTable {
  kid: string;
  /** JSON of the public key. */
  jwk: string;
  /** PKCS #8, sealed. */
  sealed: Uint8Array;
  created: number;
}
