import type {
  MeetingMembers,
  MeetingRequest,
  MeetingRoster,
  MeetingState,
  MeetingStreamRequest,
  PresenceUpload,
  RekeyUpload,
  RenewalUpload,
} from '../../protocol/meetings/api.ts';
import type { Holder } from '../binding/holder.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { ToldMessage, ToldPlace } from './told-messages.ts';

/**
 * Meetings for people of ours: of groups that are kept here, and of partners' through their bridges. To whoever takes no
 * part there is no such meeting: all throw `group_unknown`, `group_ended`, `group_excluded`, `forbidden`; of a
 * partner's also the partner codes.
 */
export interface Meetings {
  state(who: Holder, meeting: MeetingRequest): Promise<MeetingState>;
  members(who: Holder, body: MeetingRequest & { after?: number | undefined }): Promise<MeetingMembers>;
  roster(who: Holder, body: MeetingRequest & { devices: readonly string[] }): Promise<MeetingRoster>;

  /** By the host: see `PostRekey`. Answers the number of the message. */
  rekey(who: Holder, upload: RekeyUpload, context: RequestContext): Promise<number>;

  /**
   * Of the very device that asks; answers its number. Throws also `presence_mismatch`, `device_not_endorsed`,
   * `rate_limited`, and what verifying throws.
   */
  present(who: Holder, upload: PresenceUpload, context: RequestContext): Promise<number>;

  /**
   * The device that asks is still there; answers when what it rests on ends, seconds. Throws also `presence_mismatch` (also
   * where it is not present), `replayed`, `device_not_endorsed`, `rate_limited`, and what verifying throws.
   */
  renew(who: Holder, upload: RenewalUpload): Promise<number>;

  /** Leaving where one is not changes nothing. */
  leave(who: Holder, meeting: MeetingRequest, context: RequestContext): Promise<void>;

  /** The messages behind `since`, as they come. Throws also `meeting_missed`, before anything is told. */
  stream(
    who: Holder,
    body: MeetingStreamRequest,
  ): Promise<(signal: AbortSignal) => AsyncGenerator<ToldMessage | ToldPlace, void>>;

  /** For a partner's signed request. Throws the same, and what accepting throws. */
  answerPartner(token: string, context: RequestContext): Promise<string>;

  /** Begins to follow restrictions. */
  start(): void;
  /** Ends all streams and questions that are held open. */
  stop(): Promise<void>;
  /** Ends what is over, and lets go of whoever may not be there any more; answers how many. For a background loop. */
  purge(): Promise<number>;
}
