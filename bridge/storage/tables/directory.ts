import type { Assurance } from '../../../protocol/claims.ts';

/** Tables of bridge/directory. Times in seconds; JSON as text; bytes as blobs. */
export interface DirectoryTables {
  persons: PersonsTable;
  addresses: AddressesTable;
  upstream_identities: UpstreamIdentitiesTable;
  person_keys: PersonKeysTable;
  statements: StatementsTable;
  devices: DevicesTable;
  domains: DomainsTable;
  connection_domains: ConnectionDomainsTable;
}

export interface PersonsTable {
  sub: string;
  status: 'active' | 'closed';
  name: string | null;
  assurance: Assurance;
  /** Raised by every restriction; read again before a transform's result is released (PROTOCOL §8). */
  generation: number;
  /** The key version of the current or last keys; null before the first enrolment. */
  key_version: number | null;
  created: number;
}

/** Who holds an address now. One row per address: it is never two people's. */
export interface AddressesTable {
  address: string;
  domain: string;
  sub: string;
  connection_id: string;
  /** 1 for the address that is used when none is named. */
  is_primary: number;
  since: number;
  last_asserted: number;
}

/** The identity is (connection, subject), never an address. */
export interface UpstreamIdentitiesTable {
  connection_id: string;
  subject: string;
  sub: string;
  linked: number;
  last_sign_in: number;
}

/** A person's current keys. Deleted by a revocation: nothing can be transformed or approved afterwards. */
export interface PersonKeysTable {
  sub: string;
  address: string;
  key_version: number;
  /** JSON `[pre, sig]`. */
  keys: string;
  /** s, sealed by the signer. */
  share: Uint8Array;
  /** Sealed to U′ by the client. */
  vault: Uint8Array;
  /** When a device of theirs was removed since these keys were made: they are to be rotated. Null otherwise. */
  removed: number | null;
  /** JSON of the escrow, sealed by the signer; null where the statement declares none. */
  escrow: Uint8Array | null;
  /** Fingerprint of the recovery key that it is sealed to, where it is to the organization; null for those of before. */
  escrow_key: string | null;
}

/**
 * The versions of every address's key statement, but for those of erased persons: of these at most the last one stays,
 * `erased` and without all but its number and its hash, for the next one to continue. Where a recovery of the log found
 * versions that are lost, the ones before them are `lost` too, since they stand for nobody any more; the last is the marker
 * behind the lost ones, without all but its number and its hash.
 */
export interface StatementsTable {
  address: string;
  version: number;
  /** Empty once erased, and of a marker. */
  sub: string;
  status: 'active' | 'revoked' | 'erased' | 'lost';
  /** JSON of the signed statement `{statement, signatures}`; empty once erased, and of a marker. */
  signed: string;
  hash: string;
  /** 0 once erased. Of a marker, when it was made. */
  since: number;
}

export interface DevicesTable {
  /** Thumbprint of the device's `sig`. */
  device_id: string;
  sub: string;
  label: string;
  /** JSON `[pre, sig]`. */
  keys: string;
  /** `device-endorsement+jwt`. */
  endorsement: string;
  key_version: number;
  /** Augmented transform key U′→D, sealed by the signer. */
  transform_key: Uint8Array;
  generation: number;
  added: number;
  last_seen: number;
}

/** Domains of the organization, proven by DNS TXT. */
export interface DomainsTable {
  domain: string;
  challenge: string;
  status: 'pending' | 'verified' | 'lost';
  added: number;
  verified: number | null;
  checked: number | null;
  /** Failed checks in a row. */
  failures: number;
}

/** Which connections may assert addresses on which domains. */
export interface ConnectionDomainsTable {
  connection_id: string;
  domain: string;
}
