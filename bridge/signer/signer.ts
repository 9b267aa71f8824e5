import type { ObjectType } from '../../protocol/jws.ts';
import type { KeyStatement, StatementSignature } from '../../protocol/key-statement.ts';
import type { KeyPurpose, OnlineKeys } from '../../protocol/online-keys.ts';
import type { SignatureKey } from '../../protocol/public-key.ts';
import type { Claims } from './compact-jws.ts';
import type { LentBytes } from './lent-bytes.ts';
import type { LogPurpose } from './purposes.ts';
import type { JsonParts } from './written-json.ts';

/**
 * The port to the bridge's own keys. Private keys do not leave it; who needs a signature or a sealed value asks.
 *
 * Nobody retries: a call that fails will fail again until an operator acts. `unavailable` means that a key of this
 * purpose is not in use now (the online keys have run out), `seal_broken` that sealed bytes do not open.
 */
export interface Signer {
  /** Our entity id. */
  readonly iss: string;
  /** RFC 7638 thumbprint of the offline root that vouches for the online keys. */
  readonly rootThumbprint: string;

  /**
   * A compact JWS over `claims` by the key of `purpose` that is in use now. A purpose signs only the types that
   * verifiers take from it (PROTOCOL §6), and only claims whose `iss` is ours; anything else is `internal`.
   */
  sign(purpose: KeyPurpose, type: ObjectType, claims: Claims): Promise<string>;

  /** The same with further claims, lists whose items stand in parts that were written before; as bytes that are lent. */
  signLists(
    purpose: KeyPurpose,
    type: ObjectType,
    claims: Claims,
    lists: readonly ListClaim[],
  ): Promise<LentBytes>;

  /** The bridge's signature over a key statement of ours (PROTOCOL §3), by the `statement` key. */
  signStatement(statement: KeyStatement): Promise<StatementSignature>;

  /**
   * The signature (Ed25519, 64 bytes) over the text of a checkpoint of a log of ours (C2SP tlog-checkpoint), by the
   * key of `purpose` that is in use now: `log` signs for the key log, `events` for the event log. The same text gives
   * the same bytes while that key is in use. A text that is no checkpoint of that log is `internal`.
   *
   * A rotation leaves the log key as it is unless it is asked for (`rotateKeys`). Where it was replaced, checkpoints
   * that the old key signed keep their signature, and it stays published for as long as this bridge lives. Of a key
   * declared compromised no signature counts: then the newest checkpoint counts by that of the new key.
   */
  signNote(purpose: LogPurpose, text: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;

  /** The current `online-keys+jwt`. */
  onlineKeysToken(): string;

  /** The same, verified. */
  onlineKeys(): OnlineKeys;

  /** The public key that signs for `purpose` now. */
  currentKey(purpose: KeyPurpose): SignatureKey;

  /** Seals bytes so that they open only under this key-encryption key and in the same context. */
  seal(context: SealContext, plaintext: Uint8Array): Promise<Uint8Array>;

  /** Opens what `seal` answered. Throws `seal_broken`: changed bytes, another context, or another key. */
  open(context: SealContext, sealed: Uint8Array): Promise<Uint8Array>;

  /** A secret of this installation for one use, always the same one: at most 1,024 bytes. */
  deriveSecret(use: DerivedSecret, length: number): Uint8Array;

  /**
   * RSA keys for SAML, made on first use (about a second). `next` stands in the metadata before it is used, so that
   * IdPs know it in time.
   */
  samlKeys(): Promise<SamlKeys>;

  /** Reads the stored keys again: after this, a rotation by another process (the CLI) is in force. */
  refresh(): Promise<void>;
}

/** A claim that is a list. */
export interface ListClaim {
  readonly name: string;
  readonly items: readonly JsonParts[];
}

/** What sealed bytes are bound to: name the kind of thing, whose it is, and its version. */
export type SealContext = { readonly kind: string } & Readonly<Record<string, string | number>>;

/** What secrets are derived for; one use, one secret. */
export type DerivedSecret = 'cookies' | 'oauth-signing-key' | 'pseudonyms';

export interface PemKeyPair {
  /** PKCS #8. */
  readonly privateKey: string;
  /** X.509, self-signed. */
  readonly certificate: string;
}

export interface SamlKeys {
  readonly current: PemKeyPair;
  readonly next: PemKeyPair | null;
}
