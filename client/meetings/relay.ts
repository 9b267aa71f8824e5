import type {
  FirstPresence,
  LeftEvent,
  MeetingMembers,
  MeetingRoster,
  MeetingState,
  RekeyUpload,
  RosterParticipant,
} from '../../protocol/meetings/api.ts';
import type { Sequenced } from './resume.ts';

/** What a relay tells, in order. Nothing of it is verified: attacker-controlled. */
export type RelayEvent = Sequenced &
  (
    | { readonly event: 'rekey'; readonly token: string; readonly admission?: string | undefined }
    | { readonly event: 'placement'; readonly rekey: string; readonly box: string }
    | ({ readonly event: 'presence' } & RosterParticipant)
    | ({ readonly event: 'left' } & LeftEvent)
    | { readonly event: 'group' }
    | { readonly event: 'ended' }
    /** Nothing up to here was for this device. */
    | { readonly event: 'place' }
  );

/**
 * Who carries the messages of one meeting between its participants: the person's own bridge. It can withhold, and it
 * can lie; it cannot read. Throws what the bridge answers.
 */
export interface MeetingRelay {
  state(): Promise<MeetingState>;
  /** Throws `conflict` when this is not the next message. */
  rekey(message: RekeyUpload): Promise<void>;
  present(evidence: FirstPresence): Promise<void>;
  /** Answers when what the presence rests on ends, seconds. */
  renew(renewal: string): Promise<number>;
  leave(): Promise<void>;
  members(after?: number): Promise<MeetingMembers>;
  roster(deviceIds: readonly string[]): Promise<MeetingRoster>;
  stream(since: number, signal: AbortSignal): AsyncIterable<RelayEvent>;
}
