import type { CountersignError } from '../../protocol/errors.ts';
import type { GroupAdmin, GroupKind } from '../../protocol/groups/group-key.ts';
import type { Party } from '../../protocol/groups/party.ts';
import type { EncryptionKey } from '../../protocol/public-key.ts';
import type { Answer, VerifiedAnswer } from '../answers.ts';
import type { RotationOptions } from '../rotation-answers.ts';

/** A group, at whichever bridge it lives. */
export interface GroupRef {
  /** Entity id of its home bridge. */
  readonly iss: string;
  readonly group: string;
  /**
   * The address of an admin whom the caller expects (who invited, who hosts). Needed for the first contact, where nothing
   * is pinned: without it any bridge could name a group of its own making.
   */
  readonly expected?: string;
}

export interface NewGroup {
  readonly kind: GroupKind;
  /** What people read, at most 128 characters. */
  readonly label: string;
  /** Seconds since the epoch; for meetings, and only for them. */
  readonly ends?: number;
  /** Addresses of other admins, colleagues all: each can do what the creator can. */
  readonly admins?: readonly string[];
}

/** A group as its admins' devices signed it, verified and held against the pin. */
export interface VerifiedGroup {
  readonly iss: string;
  readonly group: string;
  readonly kind: GroupKind;
  readonly label: string;
  /** Seconds; null for durable groups. */
  readonly ends: number | null;
  readonly admins: readonly GroupAdmin[];
  /** G′, which never changes. */
  readonly key: EncryptionKey;
  readonly keyVersion: number;
  /** Whether it was trusted by the expected admin just now, and is pinned by this. */
  readonly firstSeen: boolean;
  /** `signer_gone`: the device that signed it is nobody's any more, and an admin is to `renew` the group. */
  readonly renewalDue: 'signer_gone' | null;
  /** What its bridge says besides, unsigned. */
  readonly status: 'active' | 'ended';
  readonly members: number;
  /** People who are shut out although a durable group brings them in; as the bridge lists them. */
  readonly excluded: readonly { readonly iss: string; readonly sub: string }[];
}

/** A group of the list: the bridge's words alone. */
export interface ListedGroup {
  readonly iss: string;
  readonly group: string;
  readonly kind: GroupKind;
  readonly label: string;
  readonly ends: number | null;
  readonly status: 'active' | 'ended';
  readonly role: 'admin' | 'member';
  /** Why an admin is to `rotate` the group; null where nobody is. */
  readonly rotationDue: 'scheduled' | null;
  /** Since when, seconds; null where nobody is to. */
  readonly rotationDueSince: number | null;
  /** The key version that is old; null where nobody is to. */
  readonly rotationDueVersion: number | null;
  /** Why an admin is to `renew` the group: whoever signed it has that device no more. Null where nobody is. */
  readonly renewalDue: 'signer_gone' | null;
}

type RotatedGroup = Pick<ListedGroup, 'iss' | 'group' | 'label'>;

/** What became of the groups that were due. */
export interface GroupRotations {
  /** By this device now, or by another admin meanwhile. */
  readonly rotated: readonly RotatedGroup[];
  readonly failed: readonly (RotatedGroup & { readonly error: CountersignError })[];
}

/** What was done in one turn of `tendKeys`. */
export interface KeysTended extends GroupRotations {
  /** Whether the person's own keys were rotated. */
  readonly own: boolean;
  /** What failed of all of it, such as a bridge that cannot be reached. */
  readonly problems: readonly CountersignError[];
}

export interface TendOptions extends RotationOptions {
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly onTended?: (tended: KeysTended) => void;
  /** From one turn to the next; a day if absent. */
  readonly everyMs?: number;
}

/** People by address, durable groups by reference. */
export interface Members {
  readonly people?: readonly string[];
  readonly groups?: readonly GroupRef[];
}

export interface Addition {
  /** How many are in by this. */
  readonly added: number;
  /** Addresses whose keys could not be verified: nobody of them was added. */
  readonly notAdded: readonly Exclude<Answer, VerifiedAnswer>[];
}

export interface Removal {
  /** `revocation-receipt+jwt` of the bridge, one for each: the transform key is deleted. */
  readonly receipts: readonly string[];
}

/** A member as the bridge lists them. */
export type GroupMemberEntry = Party & {
  readonly keyVersion: number;
  /**
   * The admin by whose signed word they are in, of now or of when it was signed; null: whoever signed it is no admin (any
   * more), the bridge alone says so.
   */
  readonly by: string | null;
};

/** A key that is sealed to somebody. */
export interface SealedKeyName {
  readonly to: Party;
  readonly keyId: string;
}

export interface SealedKeyMade extends SealedKeyName {
  /** 32 bytes, for AES-256-GCM and the like. */
  readonly key: Uint8Array;
  /** The device that sealed it, which alone can make assets under it. */
  readonly deviceId: string;
  /** The same key, where policy named several: sealed to each of the others. */
  readonly also?: readonly SealedKeyName[];
  /** The policy that named them. */
  readonly policy?: RecipientsPolicy;
}

/** Data for which the company’s policy names the recipients, in the company’s own words. */
export interface DataToSeal {
  /** Lower-case words of letters and digits, between them `-`, `_` or `.`; at most 64 characters. */
  readonly category: string;
  readonly sensitivity: string;
  /** The address of the person whom the data is about, for policies that name them. */
  readonly dataSubject?: string;
}

/** A policy of the bridge, as it stands in the bundle that it signed and published. */
export interface RecipientsPolicy {
  readonly id: string;
  /** Of the whole policy that it stands in. */
  readonly hash: string;
  /** In Cedar. Whether its conditions fit is the bridge’s word: this client does not evaluate them. */
  readonly text: string;
}

/** Whom policy names for some data: verified, and exactly those that the policy’s signed text names. */
export interface PolicyRecipients {
  readonly policy: RecipientsPolicy;
  readonly groups: readonly {
    readonly iss: string;
    readonly group: string;
    readonly label: string;
    readonly admins: readonly GroupAdmin[];
  }[];
  /** Addresses. */
  readonly people: readonly string[];
}

/** Who sealed a key: an admin, a member by an admin's word, or the person whom the caller expected. */
export interface Sealer {
  readonly address: string;
  readonly iss: string;
  readonly sub: string;
  readonly deviceId: string;
  /** `self`: this person. `person`: the key is for one person, to whom anybody may seal. */
  readonly role: 'admin' | 'self' | 'member' | 'expected' | 'person';
  /** Whether the device is shown to be theirs now; false: only that it was when they sealed. */
  readonly current: boolean;
}

export interface OpenedKey {
  readonly keyId: string;
  readonly key: Uint8Array;
  readonly sealer: Sealer;
  /** Of a meeting's key; null for others. */
  readonly term: number | null;
  readonly epoch: number | null;
  /** When it was sealed, seconds, as the sealer's device says. */
  readonly sealed: number;
}

/** Whose key it is: a group, or a person by address. */
export type KeyRecipient = GroupRef | string;

/** To whom is sealed: a group, a person, or whomever policy names for such data. */
export type SealRecipient = KeyRecipient | { readonly policy: DataToSeal };

/**
 * Groups of people of several companies, and the keys that are sealed to them (PROTOCOL §10). Everything that a bridge
 * answers is verified under the admins' devices; admins are people of the group's own company.
 */
export interface Groups {
  /** Makes a group with a key of which the bridge proves that it knows no more than its share; its admins are members. */
  create(request: NewGroup): Promise<VerifiedGroup>;
  /** Throws `group_untrusted`, `group_key_chain`, `version_rollback` and the like for what does not verify. */
  view(group: GroupRef): Promise<VerifiedGroup>;
  /** The groups at the own bridge in which the person takes part. */
  list(): Promise<ListedGroup[]>;
  /** The members, each with an admin's word for it. */
  members(group: GroupRef): AsyncGenerator<GroupMemberEntry, void>;
  /** As an admin. Looks the people up and views the groups first; who does not verify is not added and spoils no other. */
  add(group: GroupRef, members: Members): Promise<Addition>;
  /** Answered once their transform keys are deleted. */
  remove(group: GroupRef, members: Members): Promise<Removal>;
  /** Shuts out somebody who is in by a durable group. */
  exclude(group: GroupRef, address: string): Promise<VerifiedGroup>;
  readmit(group: GroupRef, address: string): Promise<VerifiedGroup>;
  /** New private halves for the admins; the group's key stays, and nothing has to be sealed anew. */
  rotate(group: GroupRef): Promise<VerifiedGroup>;
  /** Rotates those that are due to this person as their admin (`list`). Each by itself: done again, it goes on. */
  rotateDue(): Promise<GroupRotations>;
  /**
   * Signs the group anew, changed or not (a device of the signer may be gone). Other admins (addresses, besides the
   * own) mean a rotation too: who is none any more can change nothing with the private halves they had. They stay a
   * member, and read what is sealed to the group, until `remove`.
   */
  renew(
    group: GroupRef,
    changes?: { admins?: readonly string[]; label?: string; ends?: number },
  ): Promise<VerifiedGroup>;
  /** Ends a meeting: its transform keys and its share are deleted. */
  end(group: GroupRef): Promise<void>;

  /**
   * A fresh key, sealed to the group or person, or to each whom policy names, and signed by this device. Throws
   * `recipients_none`, and what `assets.recipients` throws.
   */
  sealKey(to: SealRecipient): Promise<SealedKeyMade>;
  /**
   * The key, if it is the one that its sealer committed to. `sealer`: an address that must have sealed it; without it
   * a group's key counts only by its admins and direct members. Throws `sealed_key_mismatch`, `sealed_key_commitment`,
   * `sealed_key_sealer`, and what the bridges refuse.
   */
  openKey(to: KeyRecipient, keyId: string, expected?: { sealer?: string }): Promise<OpenedKey>;
}
