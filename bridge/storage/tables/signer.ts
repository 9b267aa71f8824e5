/** The bridge's keys. What is `sealed` opens under the key-encryption key alone, in a context that names the key. */
export interface SignerTables {
  /** One row. */
  signer: {
    /** Always 1. */
    id: number;
    iss: string;
    root_thumbprint: string;
    /** Names the key-encryption key, and tells nothing about it. */
    kek_id: string;
    /** While what the key before it sealed is sealed anew; null once nothing of that is left. */
    previous_kek_id: string | null;
    /** Of `online_keys`. */
    serial: number;
    /** The `online-keys+jwt`: which key has which purpose, and when it is in use, stands in it alone. */
    online_keys: string;
  };
  /** Private halves, as long as they may still sign. */
  signer_keys: {
    thumbprint: string;
    purpose: string;
    sealed: Uint8Array;
    /** ms since the epoch. */
    created_at: number;
  };
  /** Since when each key-encryption key seals, as far as it was seen. Seconds. */
  encryption_key_ages: {
    kek_id: string;
    since: number;
    /** When it was told that the key is too old. */
    told: number | null;
  };
  saml_keys: {
    role: 'current' | 'next';
    /** PEM. */
    certificate: string;
    sealed: Uint8Array;
    created_at: number;
  };
}
