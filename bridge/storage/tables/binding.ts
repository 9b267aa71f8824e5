/** Tables of bridge/binding. Times in seconds; JSON as text. */
export interface BindingTables {
  enrolments: EnrolmentsTable;
  device_requests: DeviceRequestsTable;
  device_sign_ins: DeviceSignInsTable;
  rotations: RotationsTable;
  recovery_halves: RecoveryHalvesTable;
  recoveries: RecoveriesTable;
  recovery_shares: RecoverySharesTable;
}

/** The public halves of the organization's recovery key, each of another administrator. */
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
  sub: string;
  address: string;
  /** Of the keys that are asked for. */
  key_version: number;
  device_id: string;
  /** The client's; once per person. */
  request_id: string;
  request_hash: string;
  /** JSON `[pre, sig]`. */
  keys: string;
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
