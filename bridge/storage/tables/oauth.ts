/** Tables of bridge/oauth. Times in seconds. */
export interface OAuthTables {
  apps: AppsTable;
  oauth_records: OAuthRecordsTable;
  oauth_grants: OAuthGrantsTable;
  services: ServicesTable;
}

/** Gateways, recorders and bots. */
export interface ServicesTable {
  /** `client_id`. */
  id: string;
  /** Of persons: whether it is active stands there. */
  sub: string;
  name: string;
  assurance: 'gateway' | 'recorder' | 'bot';
  address: string;
  /** JSON: public keys. */
  jwks: string;
  created: number;
}

/** Client apps: public ones, known by their redirect URIs. */
export interface AppsTable {
  id: string;
  name: string;
  /** JSON list. */
  redirect_uris: string;
  /** JSON list. */
  cors_origins: string;
  created: number;
  /** `room`: a system without a keyboard, which uses the device grant and nothing else. */
  kind: 'person' | 'room';
}

/** Codes, tokens and grants. The secret itself is not here: a copy of the store signs nobody in. */
export interface OAuthRecordsTable {
  model: string;
  /** sha256 of the code, token or grant id. */
  id_hash: string;
  /** JSON. */
  payload: string;
  grant_id: string | null;
  account_id: string | null;
  app_id: string | null;
  /** Thumbprint of the DPoP key that it is bound to. */
  jkt: string | null;
  expires: number;
  /** When it was used, for what is used once. */
  consumed: number | null;
}

/** How the person signed in for a grant: stands behind every token of it. */
export interface OAuthGrantsTable {
  grant_id: string;
  sub: string;
  app_id: string;
  connection_id: string;
  /** JSON. */
  sign_in: string;
  created: number;
}
