import type { GroupPin } from '../protocol/groups/group-key-chain.ts';
import type { LogLevel } from '../protocol/keytrans/log-trust.ts';
import type { EncryptionKey, SignatureKey } from '../protocol/public-key.ts';

/** The own bridge: its root, and the highest serial of its online keys that was seen. */
export interface OwnBridgePin {
  readonly root_thumbprint: string;
  readonly serial: number;
}

/** Whom the own bridge approved for which domains, as its record last said (PROTOCOL §6). */
export interface IssuerPin {
  readonly entity_id: string;
  readonly root_thumbprint: string;
  readonly domains: readonly string[];
  readonly status: 'active' | 'suspended';
  /** Version of the record, which never goes back. */
  readonly version: number;
  /** Seconds; after that the record counts for nothing until a newer one came. */
  readonly expires: number;
  /** The highest serial of this issuer's online keys that was seen. */
  readonly serial: number;
  /** Thumbprints of keys that its root declared compromised, as of that serial. Absent where there are none. */
  readonly compromised?: readonly string[] | undefined;
}

/** The key of an address as last verified. What must stay the same is (iss, sub, pre). */
export interface AddressPin {
  readonly iss: string;
  readonly sub: string;
  readonly pre: EncryptionKey;
  readonly sig: SignatureKey;
  readonly version: number;
  readonly key_version: number;
  readonly statement_hash: string;
  readonly status: 'active' | 'revoked';
  /** Seconds. */
  readonly first_seen: number;
  /** Thumbprints of `sig` keys before this one that it is known to continue, the newest last. Absent before there was one. */
  readonly earlier?: readonly string[] | undefined;
}

/** A revocation of an address of which no key was seen: nothing before it counts any more. */
export interface RevokedPin {
  readonly iss: string;
  readonly version: number;
  readonly statement_hash: string;
}

/** The person's own keys, where this device knows more than others say. */
export interface OwnKeyPin {
  readonly address: string;
  /** U: the client's half, known from the enrolment or from the first vault that was opened; null before. */
  readonly client_half: EncryptionKey | null;
  /** Thumbprints of the `sig` keys that this device knows to be the person's: made here, or continued by such a one. */
  readonly sigs: readonly string[];
  /** Thumbprint of the `sig` beside which U is the client's half. Absent from what earlier versions stored. */
  readonly half_sig?: string | undefined;
}

/** A checkpoint of an issuer's log, as it was verified. */
export interface CheckpointPin {
  readonly size: number;
  /** SHA-256, base64url. */
  readonly root: string;
  /** The epoch that it ends with; null where that was not shown. */
  readonly epoch: number | null;
  /** When it is known to have been there, seconds: its epoch's close, or when it was seen. */
  readonly time: number;
  readonly level: LogLevel;
  /** As the log and its cosigners signed it. */
  readonly note: string;
}

/** What was seen of an issuer's log. */
export interface LogPin {
  /** What all others are held against; it moves only when a proof says that the log continues it. */
  readonly anchor: CheckpointPin;
  /** Others, by size, of which it is not yet proved that they are of the same log as the anchor. */
  readonly unproven: readonly CheckpointPin[];
  /** The evidence (JSON) that the log was split, as it was first found; null while it was not. */
  readonly split_view: string | null;
}

/** A group's newest key as it was last verified, which the next one must continue. */
export interface PinnedGroup extends GroupPin {
  /** When the meeting ends, seconds. Absent for durable groups, and from what earlier versions stored. */
  readonly ends?: number | undefined;
  /** The admin by whose address it was first trusted. */
  readonly expected: string;
  /** How many membership statements this device knows of, and the hash of the newest; null where it knows none. */
  readonly members: { readonly seq: number; readonly hash: string } | null;
}

/** All that a client believes beyond what is signed: the anchor of every verification. */
export interface Pins {
  readonly v: 2;
  /** Entity id of the own bridge; pins of one bridge's client are no other's. */
  readonly issuer: string;
  readonly own: OwnBridgePin | null;
  readonly own_key: OwnKeyPin | null;
  readonly issuers: Readonly<Record<string, IssuerPin>>;
  readonly addresses: Readonly<Record<string, AddressPin>>;
  /** By entity id. */
  readonly logs: Readonly<Record<string, LogPin>>;
  /** By address. Absent from what earlier versions stored. */
  readonly revoked?: Readonly<Record<string, RevokedPin>> | undefined;
  /** By the id of the group. Absent from what earlier versions stored. */
  readonly groups?: Readonly<Record<string, PinnedGroup>> | undefined;
  /** Fingerprint of the organization's recovery key. Absent before anything was escrowed to it. */
  readonly recovery_key?: string | undefined;
}

/** What `update` stores, and what it answers. */
export interface PinChange<Result> {
  readonly pins: Pins;
  readonly result: Result;
}

/**
 * Where pins rest. Whoever can write here can make the client believe anything; nothing in it is secret.
 */
export interface PinStore {
  /** The pins as last stored, or null where none were. Throws `pin_store_invalid` for what cannot be read. */
  read(): Promise<Pins | null>;

  /**
   * Runs `change` on the latest pins with nobody else writing meanwhile, whoever shares the store. What it returns
   * is durable when the promise resolves; if it throws, nothing changes. It must not call the store again.
   */
  update<Result>(change: (pins: Pins | null) => Promise<PinChange<Result>>): Promise<Result>;
}

/** No pins yet, for the client of this bridge. */
export function emptyPins(issuer: string): Pins {
  return { v: 2, issuer, own: null, own_key: null, issuers: {}, addresses: {}, logs: {} };
}
