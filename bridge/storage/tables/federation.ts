/** Tables of bridge/federation. Times in seconds; JSON as text. */
export interface FederationTables {
  partners: PartnersTable;
  foreign_changes: ForeignChangesTable;
}

/** The pinned record of a partner, and what was last fetched and verified under it (PROTOCOL §6). */
export interface PartnersTable {
  entity_id: string;
  status: 'active' | 'suspended' | 'removed';
  /** Pinned: changes by an administrator's approval only. */
  root_thumbprint: string;
  /** JSON array of the approved domains. Pinned likewise. */
  domains: string;
  /** Rises with every change of the record; never resets, not even by removal. */
  version: number;
  organization_name: string;
  lookup_endpoint: string;
  /** The newest `online-keys+jwt` seen. */
  online_keys: string;
  /** Its serial: a lower one is refused. */
  serial: number;
  /** When the entity configuration last fetched runs out: the partner is not used beyond it. */
  expires: number;
  /** Why it is suspended. */
  reason: string | null;
  /** The policy that it said it decides by, as JSON: `{version, hash, uri}`; null where it says nothing of it. */
  policy: string | null;
  /** When it was last read again successfully. */
  checked: number;
}

/** The newest change that a partner told of one of its addresses, for a while. */
export interface ForeignChangesTable {
  address: string;
  /** Entity id of the partner. */
  partner: string;
  reason: 'published' | 'revoked';
  /** When it was told. */
  noted: number;
}
