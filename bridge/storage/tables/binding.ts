/** Tables of bridge/binding. Times in seconds; JSON as text. */
export interface BindingTables {
  enrolments: EnrolmentsTable;
  device_requests: DeviceRequestsTable;
  device_sign_ins: DeviceSignInsTable;
  rotations: RotationsTable;
  recovery_halves: RecoveryHalvesTable;
  recovery_keys: RecoveryKeysTable;
  recovery_key_halves: RecoveryKeyHalvesTable;
  recovery_key_approvals: RecoveryKeyApprovalsTable;
  recovery_drills: RecoveryDrillsTable;
  recovery_drill_answers: RecoveryDrillAnswersTable;
  recoveries: RecoveriesTable;
  recovery_shares: RecoverySharesTable;
  kept_escrows: KeptEscrowsTable;
}

/** What closed persons had escrowed to the organization, for as long as that is kept. */
export interface KeptEscrowsTable {
  id: string;
  sub: string;
  address: string;
  key_version: number;
  /** JSON of the signed statement that was in force. */
  statement: string;
  /** JSON of the escrow, of what is left of the bridge's share, and of the endorsements; sealed by the signer. */
  sealed: Uint8Array;
  closed: number;
}

/** The organization's recovery keys: the one that people escrow to, those before it, and the one that is being made. */
export interface RecoveryKeysTable {
  /** From 1 on, each the successor of the one before. */
  generation: number;
  status: 'making' | 'current' | 'before';
  /** Why it takes the place of the one before. */
  reason: string | null;
  begun: number;
  /** JSON: by both halves of the one before, in their order; null where one was lost, and for the first one. */
  signatures: string | null;
}

/** The public halves of a recovery key, each of another administrator. */
export interface RecoveryKeyHalvesTable extends StoredOfficerColumns {
  /** Thumbprint. */
  half: string;
  generation: number;
  slot: 1 | 2;
  /** JSON. */
  key: string;
  admin_name: string;
  registered: number;
}

/** Who approved that a recovery key takes the place of the one before. */
export interface RecoveryKeyApprovalsTable extends StoredOfficerColumns {
  generation: number;
  admin_name: string;
  /** Thumbprint of the half of before that signed, and its signature; null where that is lost. */
  half: string | null;
  signature: string | null;
  /** When whoever gave it was removed: it counts no more, but what their half signed stands. */
  withdrawn: number | null;
}

/** Proofs that the halves of a recovery key work, which open nobody's key. */
export interface RecoveryDrillsTable {
  id: string;
  generation: number;
  /** JSON: random bytes, sealed to each half, and the hashes of them, in the order of the halves. */
  boxes: string;
  hashes: string;
  begun: number;
  expires: number;
  passed: number | null;
}

export interface RecoveryDrillAnswersTable extends StoredOfficerColumns {
  drill: string;
  /** Thumbprint. */
  half: string;
}

/** Who did it: the token, the first token of those that it came of, and the name of that one. */
interface StoredOfficerColumns {
  admin: string;
  admin_root: string;
  admin_root_name: string;
}

/** What migration 039 moved to `recovery_key_halves`: it is not there any more, and stands here for the migrations before. */
export interface RecoveryHalvesTable {
  /** Thumbprint. */
  half: string;
  /** JSON. */
  key: string;
  slot: 1 | 2;
  admin: string;
  admin_name: string;
  /** The first token of those that `admin` came of, and its name: who it was, as far as can be told. */
  admin_root: string;
  admin_root_name: string;
  registered: number;
}

/** Devices of people who have lost all others, that ask administrators for the person's keys. */
export interface RecoveriesTable {
  id: string;
  /** `reading`: of what a closed person sealed, by a reader of the company's. */
  purpose: 'recovery' | 'reading';
  /** Of a reading: the kept escrow. */
  kept: string | null;
  sub: string;
  address: string;
  /** Of the keys that are asked for. */
  key_version: number;
  /** Empty for a reading. */
  device_id: string;
  /** The client's; once per person. */
  request_id: string;
  request_hash: string;
  /** JSON `[pre, sig]`; of a reading the reader's `pre` alone. */
  keys: string;
  /** Of the device; of a reading, why. */
  label: string;
  status: 'pending' | 'released' | 'refused' | 'expired';
  approvals: number;
  created: number;
  expires: number;
}

/** What approving administrators sealed to the asking device: one share each, which only it opens. */
export interface RecoverySharesTable {
  recovery: string;
  /** Thumbprint. */
  half: string;
  admin: string;
  /** The first token of those that `admin` came of, and its name. */
  admin_root: string;
  admin_root_name: string;
  share: Uint8Array;
}

/** Enrolments in progress, and confirmed ones for as long as a client may repeat itself. */
export interface EnrolmentsTable {
  enrolment_id: string;
  sub: string;
  /** The client's; once per person. */
  request_id: string;
  /** Hash of the request's body, token and device. */
  request_hash: string;
  device_id: string;
  /** `published`: the event was written that the statement took effect. */
  status: 'offered' | 'confirmed' | 'published';
  /** Request, offer and, until confirmed, the share s: sealed by the signer. */
  sealed: Uint8Array;
  confirmation_hash: string | null;
  created: number;
  expires: number;
}

/** Devices that ask to be added. */
export interface DeviceRequestsTable {
  id: string;
  sub: string;
  device_id: string;
  /** The client's; once per person. */
  request_id: string;
  request_hash: string;
  /** JSON `[pre, sig]`. */
  keys: string;
  label: string;
  method: 'fingerprint' | 'code';
  commitment: string | null;
  status: 'pending' | 'approved' | 'refused' | 'expired';
  /** The device that challenged, and JSON of its `sig`. */
  approver_device: string | null;
  approver_sig: string | null;
  approver_nonce: string | null;
  device_nonce: string | null;
  /** JSON of how the asking device's person had signed in. */
  sign_in: string;
  created: number;
  expires: number;
}

/**
 * How a person had signed in when their newest device was added, or when one of their devices entered a meeting after a
 * newer sign-in: what others are told of sign-in strength.
 */
export interface DeviceSignInsTable {
  sub: string;
  /** JSON `{protocol, acr, amr, auth_time}`. */
  sign_in: string;
}

/** Rotations of persons' keys, for as long as a client may repeat itself. Each is stored with what it changed, or not at all. */
export interface RotationsTable {
  sub: string;
  /** The client's; once per person. */
  request_id: string;
  /** Hash of the request's body and device. */
  request_hash: string;
  device_id: string;
  /** Whose statement it continued, and the version that it made. */
  address: string;
  version: number;
  /** `published`: the event was written that the statement took effect. */
  status: 'stored' | 'published';
  created: number;
}
