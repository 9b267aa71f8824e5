import type { Assurance } from '../../protocol/claims.ts';
import type { CountersignError, ErrorCode } from '../../protocol/errors.ts';
import type { AdmissionPolicy, AdmissionReason } from '../../protocol/meetings/admission-policy.ts';
import type { Addition, Members } from '../groups/groups.ts';

export type { AdmissionPolicy, AdmissionReason };

/** A meeting, by the bridge that keeps its group and the group's id. */
export interface MeetingRef {
  readonly iss: string;
  readonly group: string;
}

/** What a media layer encrypts with from now on. Epochs count on over the terms of several hosts. */
export interface EpochKey {
  readonly term: number;
  readonly epoch: number;
  /** 32 bytes, the same for everybody in the meeting. */
  readonly key: Uint8Array;
}

/** One reason why somebody is not admitted: a word that stays, and a sentence to show. */
export interface AdmissionShortfall {
  readonly reason: AdmissionReason;
  readonly text: string;
}

/** The admission policy in force, by the host's signed statement. */
export interface MeetingAdmission {
  /** Counts the meeting's policies from 1; each host signs one of their own. */
  readonly version: number;
  readonly policy: AdmissionPolicy;
  /**
   * Devices with a place that this client has not checked itself: of a large meeting it checks some, drawn at random.
   * The host vouches for these; `roster()` checks whom it answers.
   */
  readonly unchecked: number;
}

/** Somebody's device in the meeting, as far as this client can tell. */
export interface Participant extends MeetingPlace {
  /**
   * `refused`: what was shown of it does not verify, for the reason that `code` names, and nothing of it counts; or the
   * meeting's admission policy does not admit them (`admission_refused`), for `reasons`. `stale`: it has not shown that it is
   * still there for longer than what it showed is good for; who it is only somebody knows who verified it in time.
   */
  readonly state: 'verified' | 'stale' | 'refused';
  readonly code: ErrorCode | null;
  readonly reasons: readonly AdmissionShortfall[];
  /** Null where it is not verified. */
  readonly address: string | null;
  /** What its company tells this client of the person; null where it tells nothing. */
  readonly name: string | null;
  readonly company: string | null;
  readonly assurance: Assurance | null;
  /** Of the media layer; null where it is not verified. */
  readonly mediaKey: string | null;
  /** When the device showed itself last, seconds, as it signed; null where it is not verified. */
  readonly shownAt: number | null;
  /** What this person's media is encrypted for ends at their device. Never so for a gateway: behind it, others listen. */
  readonly endToEnd: boolean;
}

/** A device with a place in the meeting. */
export interface MeetingPlace {
  readonly iss: string;
  readonly sub: string;
  readonly deviceId: string;
}

/** Why a key was not taken from the host's message alone. */
export type KeyFallback = 'not_placed' | 'gap' | 'placement' | 'rekey';

export type MeetingEvent =
  /** A new epoch began. `from`: the tree, or the sealed key that the person's own bridge opened. */
  | {
      readonly type: 'key';
      readonly term: number;
      readonly epoch: number;
      readonly from: 'tree' | 'sealed_key' | 'self';
    }
  /** The tree could not be followed; the newest sealed key is opened instead. */
  | { readonly type: 'fallback'; readonly reason: KeyFallback; readonly code: ErrorCode | null }
  /** This device has its place in the tree: from now on removing others costs its bridge nothing. */
  | { readonly type: 'placed'; readonly epoch: number }
  /** A message that nobody may have sent, or not now. It changed nothing. */
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly error: CountersignError }
  /**
   * The host could not place somebody: what they showed does not verify, or the admission policy does not admit them
   * (`admission_refused`, with the reasons). At a member: somebody has a place who should not have it, so this client
   * uses no key that they have too.
   */
  | {
      readonly type: 'participant_refused';
      /** The device's id where no address is verified. */
      readonly address: string;
      readonly code: ErrorCode;
      readonly reasons: readonly AdmissionShortfall[];
    }
  /** A new epoch began whose key this client does not use: somebody has it too who is not admitted. */
  | { readonly type: 'key_refused'; readonly term: number; readonly epoch: number }
  /** The host's policy says who may be in the meeting from now on. */
  | { readonly type: 'admission'; readonly version: number; readonly policy: AdmissionPolicy }
  /** A device has a place. `participant`: for the host, who has verified it; others find it in the roster. */
  | (MeetingPlace & { readonly type: 'joined'; readonly participant: Participant | null })
  /** A device has its place no more. `reason`: for the host, as the bridges say it. */
  | (MeetingPlace & { readonly type: 'left'; readonly reason: string | null })
  /** Another admin is the host now. */
  | { readonly type: 'taken_over'; readonly term: number; readonly by: string }
  /** The stream broke off, and is taken up again where it was. */
  | { readonly type: 'reconnecting'; readonly code: ErrorCode }
  /** Admins, members or the label changed. */
  | { readonly type: 'group' }
  | { readonly type: 'ended' };

interface Until {
  readonly signal?: AbortSignal;
}

/** What else is done when a device's part in a meeting is over. */
export interface Parting {
  /**
   * Another encryption key for this device. Where it throws, the meeting is over all the same, and the same call again
   * does what is left.
   */
  readonly rotateDevice?: boolean;
}

/** A meeting in which this device takes part. It ends by `leave`, with the meeting, or with this device's membership. */
export interface JoinedMeeting {
  readonly iss: string;
  readonly group: string;
  readonly label: string;
  /** Seconds. */
  readonly ends: number;
  readonly role: 'host' | 'member';
  /** Null where everybody may take part who is in the group. */
  readonly admission: MeetingAdmission | null;

  /** Throws `admission_pending` until the host has admitted this device, where there is an admission policy. */
  currentKey(): EpochKey;
  /** The current key, then each new one, in order. Throws what ended the meeting for this device, if it was an error. */
  keys(until?: Until): AsyncGenerator<EpochKey, void>;
  /** What happens from now on. */
  events(until?: Until): AsyncGenerator<MeetingEvent, void>;

  /**
   * Everybody in the meeting, verified as they are asked for: stop reading, and no more is fetched. Names come from the
   * participants' companies, and are for this client alone.
   */
  roster(): AsyncGenerator<Participant, void>;
  /** For people to compare aloud: equal where everybody sees the same group, host, members and epoch. Thirty digits. */
  fingerprint(): string;

  /** An admin becomes the host: a new term, in which everybody proves their presence anew. Throws `group_not_admin`. */
  takeOver(): Promise<HostedMeeting>;
  leave(parting?: Parting): Promise<void>;
}

/** The meeting as its host has it. Everything throws `conflict` once somebody else took over. */
export interface HostedMeeting extends JoinedMeeting {
  /** Addresses that `start` could not add, since their keys could not be verified. */
  readonly notAdded: Addition['notAdded'];
  /** Who cannot be verified is not added, and spoils it for no other. */
  add(who: Members): Promise<Addition>;
  /** They have no key from the next epoch on, which begins at once. */
  remove(address: string): Promise<void>;
  /** A new key for everybody who is here. */
  rekey(): Promise<void>;
  /**
   * Another admission policy. Who is here and does not satisfy it loses their place with the message that brings it in.
   * Throws `admission_invalid`, and `admission_refused` where the host does not satisfy it.
   */
  setAdmission(policy: AdmissionPolicy): Promise<void>;
  /** Nobody gets a key of this meeting any more. */
  end(parting?: Parting): Promise<void>;
}

export interface NewMeeting extends Members {
  /** What people read, at most 128 characters. */
  readonly label: string;
  /** Seconds: the bridge ends the meeting then. */
  readonly ends: number;
  /** Colleagues who may take over. */
  readonly admins?: readonly string[];
  /** Who of those who are added may take part; everybody if absent. */
  readonly admission?: AdmissionPolicy;
  /** Of the media layer, as it encodes it: what the others' roster shows for this device. */
  readonly mediaKey: string;
  /** Ends this device's part, without a word to the others. */
  readonly signal?: AbortSignal;
}

export interface MeetingInvitation extends MeetingRef {
  /** The address of an admin whom the person expects behind this meeting. */
  readonly host: string;
  readonly mediaKey: string;
  readonly signal?: AbortSignal;
}

/**
 * Meetings of people of several companies (PROTOCOL §11). The host's device makes the keys; the bridges carry them, and
 * can read none. Throws what groups, sealed keys and presence throw, and `rekey_gap` where the meeting has not begun.
 */
export interface Meetings {
  start(request: NewMeeting): Promise<HostedMeeting>;
  join(invitation: MeetingInvitation): Promise<JoinedMeeting>;
}
