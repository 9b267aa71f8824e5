/** Tables of the administrators' access. Times in seconds. Secrets stand as their SHA-256 alone. */
export interface AdministrationTables {
  administrator_tokens: AdministratorTokensTable;
  bootstrap_links: BootstrapLinksTable;
}

export interface AdministratorTokensTable {
  /** UUIDv7: what events and administrators name the token by. */
  id: string;
  /** Whose it is, as its maker said. */
  name: string;
  /** SHA-256 of the token, base64url. */
  hash: string;
  created: number;
  expires: number;
  /** The token that it was made with; null for one from a link. It ends with that one. */
  parent: string | null;
  /** JSON array of roles; what they may do stands in the policy. */
  roles: string;
}

/** One-time links that make an administrator's token. Using one deletes it. */
export interface BootstrapLinksTable {
  /** SHA-256 of the link's token, base64url. */
  hash: string;
  created: number;
  expires: number;
  /** Life of the token that it makes, in seconds; null is the usual one. */
  token_life: number | null;
  /** Of the token that it makes. */
  roles: string;
}
