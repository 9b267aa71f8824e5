import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import type { AdmissionStatement } from '../../protocol/meetings/admission.ts';
import { CHALLENGES_KEPT } from '../../protocol/meetings/limits.ts';
import type { RekeyMessage } from '../../protocol/meetings/rekey-message.ts';
import type { Answer } from '../answers.ts';
import type { OwnPresence, PresenceRequest } from '../client.ts';
import type { ClientContext, Device } from '../context.ts';
import { createFeed, type Feed } from './feed.ts';
import type { EpochKey, MeetingEvent } from './meeting.ts';
import type { MeetingGroup } from './meeting-group.ts';
import type { MeetingRelay } from './relay.ts';
import { createSenders, type Senders } from './senders.ts';

/** What a meeting is made of, for this device. */
export interface MeetingParts {
  readonly context: ClientContext;
  readonly device: Device;
  readonly self: { readonly iss: string; readonly sub: string; readonly address: string };
  /** Of the media layer. */
  readonly mediaKey: string;
  readonly relay: MeetingRelay;
  readonly group: MeetingGroup;
  present(request: PresenceRequest): Promise<OwnPresence>;
  lookUp(addresses: readonly string[], options?: { maxAge?: number }): Promise<Answer[]>;
  /** New keys for this device; absent where the client cannot. */
  rotateDevice?(): Promise<void>;
}

/** The newest message that this device believes. */
export type Head = Pick<RekeyMessage, 'claims' | 'hash' | 'device'>;

/** What the roles of host and member share: where the meeting stands, and whom to tell. */
export interface Session {
  readonly parts: MeetingParts;
  readonly senders: Senders;
  readonly events: Feed<MeetingEvent>;
  readonly keys: Feed<EpochKey>;
  /** Aborted when this device's part in the meeting is over. */
  readonly closing: AbortSignal;
  readonly head: Head | null;
  readonly key: EpochKey | null;
  /** Who may be in the meeting, by its host's newest statement that was verified; null where there is none. */
  readonly admission: AdmissionStatement | null;
  /** The message is the newest; its key is for `hold`. */
  follow(head: Head): void;
  /** This statement is in force. */
  admit(statement: AdmissionStatement | null): void;
  /** The key of the epoch of the newest message, or of the one that is named. */
  hold(
    key: Uint8Array,
    from: 'tree' | 'sealed_key' | 'self',
    of?: { readonly term: number; readonly epoch: number },
  ): void;
  /** The challenge of a recent epoch, where this device has seen its message. */
  challengeOf(epoch: number): string | undefined;
  /** For as long as no other presence of this device takes the place of the one that was shown now. */
  nextPresence(): AbortSignal;
  /** Tells of a message that changed nothing; `internal` for what is no error of ours. */
  refuse(error: unknown): void;
  /** Ends this device's part; with an error where it was not meant to. */
  close(error?: CountersignError): void;
}

export function createSession(parts: MeetingParts): Session {
  const ending = new AbortController();
  const events = createFeed<MeetingEvent>();
  const keys = createFeed<EpochKey>();
  const challenges = new Map<number, string>();
  let presence = new AbortController();
  let head: Head | null = null;
  let current: EpochKey | null = null;
  let admission: AdmissionStatement | null = null;
  return {
    ...{ parts, events, keys },
    senders: createSenders({ parts, events, closing: ending.signal }),
    closing: ending.signal,
    get head() {
      return head;
    },
    get key() {
      return current;
    },
    get admission() {
      return admission;
    },
    admit(statement) {
      if (statement === null || statement.hash === admission?.hash) return;
      admission = statement;
      const { version, policy } = statement.claims;
      events.push({ type: 'admission', version, policy });
    },
    follow({ claims, hash, device }) {
      head = { claims, hash, device };
      challenges.set(claims.epoch, claims.challenge);
      challenges.delete(claims.epoch - CHALLENGES_KEPT);
    },
    challengeOf: (epoch) => challenges.get(epoch),
    hold(key, from, of = head?.claims) {
      if (of === undefined) throw new CountersignError('internal', 'a key without its message');
      const { term, epoch } = of;
      current = { term, epoch, key };
      keys.push(current);
      events.push({ type: 'key', term, epoch, from });
    },
    nextPresence() {
      presence.abort();
      presence = new AbortController();
      return AbortSignal.any([presence.signal, ending.signal]);
    },
    refuse(thrown) {
      const error = asOurs(thrown);
      events.push({ type: 'refused', code: error.code, error });
    },
    close(error) {
      if (ending.signal.aborted) return;
      ending.abort();
      keys.end(error);
      events.end(error);
    },
  };
}

/** Whatever was thrown, as one of our errors. */
export function asOurs(error: unknown): CountersignError {
  return isCountersignError(error) ? error : new CountersignError('internal', undefined, { cause: error });
}
