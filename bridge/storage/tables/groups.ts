/** Tables of bridge/groups. Times in seconds; JSON as text; bytes as blobs. */
export interface GroupTables {
  groups: GroupsTable;
  group_tokens: GroupTokensTable;
  group_token_admins: GroupTokenAdminsTable;
  group_admins: GroupAdminsTable;
  group_members: GroupMembersTable;
  group_membership_tokens: GroupMembershipTokensTable;
  group_exclusions: GroupExclusionsTable;
  group_evidence: GroupEvidenceTable;
  group_offers: GroupOffersTable;
  group_requests: GroupRequestsTable;
  sealed_keys: SealedKeysTable;
}

/** Groups whose home is this bridge. */
export interface GroupsTable {
  /** Thumbprint of G′. */
  group_id: string;
  kind: 'meeting' | 'durable';
  /** As the newest token says it. */
  label: string;
  status: 'active' | 'ended';
  /** Of meetings. */
  ends: number | null;
  creator: string;
  /** JSON of G′; it never changes. */
  group_key: string;
  /** JSON of the public key that signs the group's transform keys. */
  signer: string;
  key_version: number;
  /** Of the newest `group-key+jwt`, and its hash. */
  seq: number;
  head: string;
  /** Of the newest `group-membership+jwt`, and its hash; −1 and null before the first. */
  members_seq: number;
  members_head: string | null;
  /** The bridge's share, sealed by the signer; null once the group has ended. */
  share: Uint8Array | null;
  /** Raised when the group ends; read again before a transform's result is released (PROTOCOL §8). */
  generation: number;
  created: number;
  ended: number | null;
}

/** The newest `group-key+jwt`, as many as are shown. Of one that names an erased admin only number and hash stay. */
export interface GroupTokensTable {
  group_id: string;
  seq: number;
  hash: string;
  /** Empty once erased. */
  token: string;
  /** Who signed it, and with which device; empty once erased. */
  sub: string;
  device_id: string;
  /** When it was stored. Null for those of before. */
  stored: number | null;
}

/**
 * Whose device signed for a group, as it was shown then: for what outlives the device. One row serves all that the device
 * signs for hours.
 */
export interface GroupEvidenceTable {
  group_id: string;
  sub: string;
  device_id: string;
  made: number;
  /** When the first of its bindings expires. */
  expires: number;
  /** JSON of the evidence. */
  evidence: string;
}

/** Whom each `group-key+jwt` names as admin: what must be erased with them. */
export interface GroupTokenAdminsTable {
  group_id: string;
  seq: number;
  sub: string;
}

/** Who may act for a group, as its newest token says, less those who were closed since. */
export interface GroupAdminsTable {
  group_id: string;
  sub: string;
  address: string;
  /** The order of the token. */
  position: number;
  /** Of the person's keys that the vault is sealed to. */
  key_version: number;
  /** The group's private halves, sealed to the admin's own key; null once those keys were reset. */
  vault: Uint8Array | null;
}

/** Who is in a group now, with the transform key to them. */
export interface GroupMembersTable {
  group_id: string;
  kind: 'person' | 'group';
  /** The bridge of the person, or the home of the group. */
  iss: string;
  /** `sub` of a person, or the id of a durable group. */
  member_id: string;
  /** Of the member's keys that the transform key leads to. */
  key_version: number;
  /** Of the group's keys that it was made with. */
  group_key_version: number;
  /** Augmented with the group's share, sealed by the signer. */
  transform_key: Uint8Array;
  /** The number of the token that added them: whoever is added again has another one (PROTOCOL §8). */
  generation: number;
  added: number;
}

/** The `group-membership+jwt` of each who is in a group now; of the chain's others only the last one's hash stays. */
export interface GroupMembershipTokensTable {
  group_id: string;
  /** The member's generation. */
  seq: number;
  hash: string;
  token: string;
  /** The member it is about. */
  iss: string;
  member_id: string;
  /** Who signed it, and with which device; empty once that person is erased. */
  sub: string;
  device_id: string;
}

/** The newest `group-exclusion+jwt` about a person; a readmission for as long as it may be sent again. */
export interface GroupExclusionsTable {
  group_id: string;
  iss: string;
  sub: string;
  act: 'exclude' | 'readmit';
  hash: string;
  token: string;
  /** Who signed it, and with which device. */
  signer_sub: string;
  device_id: string;
  iat: number;
}

/** Groups in the making, and confirmed ones for as long as a client may repeat itself. */
export interface GroupOffersTable {
  offer_id: string;
  sub: string;
  /** The client's; once per person. */
  request_id: string;
  request_hash: string;
  device_id: string;
  status: 'offered' | 'confirmed';
  /** Request, offer and, until confirmed, the share: sealed by the signer. */
  sealed: Uint8Array;
  confirmation_hash: string | null;
  created: number;
  expires: number;
}

/** Answers to requests that changed a group, for as long as a client may repeat itself (PROTOCOL §12). */
export interface GroupRequestsTable {
  sub: string;
  request_id: string;
  request_hash: string;
  /** JSON. */
  answer: string;
  created: number;
}

/** Symmetric keys, encrypted to a group kept here or to a person of ours (PROTOCOL §10). */
export interface SealedKeysTable {
  recipient_kind: 'group' | 'person';
  /** The group's id, or the person's `sub`. */
  recipient: string;
  key_id: string;
  /** Who sealed it, and with which device. */
  iss: string;
  sub: string;
  device_id: string;
  /** Where the sealer is of another bridge: the address under which it vouched for them. */
  address: string | null;
  /** Of the token. */
  hash: string;
  /** `sealed-key+jwt`. */
  token: string;
  /** The encrypted value, without transform blocks. */
  encrypted: Uint8Array;
  /** JSON of the evidence that came with it from another bridge. */
  evidence: string | null;
  term: number | null;
  epoch: number | null;
  members: string | null;
  /** ms; later than that of any before it for the same recipient: pages are cut by it. */
  created: number;
}
