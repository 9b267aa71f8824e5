import type { SealedKey } from '../../protocol/groups/sealed-key.ts';
import type { SignerEvidence, VerifiedSigner } from '../../protocol/groups/signer-evidence.ts';
import type { Addition, Members } from '../groups/groups.ts';
import type { GroupLosses } from './group-losses.ts';
import type { MeetingRef } from './meeting.ts';

/** The key of an epoch, sealed to the group: for whoever has no place in the tree. */
export interface SealedEpoch {
  readonly keyId: string;
  readonly commitment: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** `sealed-key+jwt` by this device. */
  readonly token: string;
  /** The encrypted value, base64url. */
  readonly encrypted: string;
}

/** A sealed key that the bridges transformed for this device, and that is what its sealer committed to. */
export interface OpenedEpoch {
  readonly key: Uint8Array;
  readonly claims: SealedKey;
  /** The device that signed it; whether it is the host's is for the caller to say. */
  readonly sealer: VerifiedSigner;
}

/** What the newest verified key of the group says. */
export interface GroupFacts {
  readonly label: string;
  /** Seconds. */
  readonly ends: number;
  readonly ended: boolean;
  readonly admins: readonly { readonly sub: string; readonly address: string }[];
  /** Of the meeting's own members, as its bridge tells. */
  readonly losses: GroupLosses;
}

/**
 * Who says that somebody is in a meeting: statements of admins that this device verified, of the meeting or of a durable
 * group in it; or a bridge alone, which may have made the person up.
 */
export type Invitation = 'by_admins' | 'by_bridge' | 'none';

/** The group of one meeting: everything that is answered was verified under the pins. */
export interface MeetingGroup extends MeetingRef {
  /** As last verified. */
  readonly facts: GroupFacts;
  /** Looks at the group again. */
  refresh(): Promise<GroupFacts>;
  /** The device of this id, by evidence that anybody may have sent. Throws `group_not_admin` for anybody else's. */
  admin(deviceId: string, evidence: readonly SignerEvidence[]): Promise<VerifiedSigner>;
  seal(epoch: { readonly term: number; readonly epoch: number }): Promise<SealedEpoch>;
  /** Throws `sealed_key_unknown`, `sealed_key_mismatch`, `sealed_key_commitment` and what the bridges answer. */
  open(keyId: string): Promise<OpenedEpoch>;
  /**
   * Who lets each of these people in, as of the last look at the group. The host asks it before it gives somebody a place,
   * whatever the bridges let through.
   */
  invites(people: readonly { readonly iss: string; readonly sub: string }[]): Promise<Invitation[]>;
  /** As of the last look at the group, with a look at the durable groups in it. */
  losses(): Promise<GroupLosses>;
  add(who: Members): Promise<Addition>;
  /**
   * Removes and excludes: no bridge transforms for them any more when it resolves. Answers who they are. It can be tried
   * again where it failed. Throws `group_not_member` where there was nothing to take, `person_unknown`.
   */
  restrict(address: string): Promise<{ readonly iss: string; readonly sub: string }>;
  end(): Promise<void>;
}
