/** Tables of bridge/identity. Times in seconds. */
export interface IdentityTables {
  connections: ConnectionsTable;
  sign_in_traces: SignInTracesTable;
}

export interface ConnectionsTable {
  id: string;
  name: string;
  protocol: 'oidc' | 'saml';
  assurance: 'member' | 'guest' | 'room';
  status: 'draft' | 'tested' | 'active' | 'disabled';
  /** JSON, as the administrator gave them, with defaults and without secrets. */
  settings: string;
  /** JSON of the secrets, sealed by the signer. */
  secret: Uint8Array | null;
  /** Of the settings and the sealed secret: another one means that something changed. */
  fingerprint: string;
  /** Of the settings that last passed a test. */
  tested_fingerprint: string | null;
  tested: number | null;
  created: number;
  changed: number;
}

/** Why sign-ins were refused, for a while. */
export interface SignInTracesTable {
  trace_id: string;
  code: string;
  connection_id: string | null;
  time: number;
  /** Redacted. */
  detail: string | null;
}
