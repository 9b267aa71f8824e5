import type { AdmissionPolicy } from '../../protocol/meetings/admission-policy.ts';
import type { LeftEvent, RosterParticipant } from '../../protocol/meetings/api.ts';
import type { MeetingHost } from '../../protocol/meetings/host-tree.ts';
import type { Addition, Members } from '../groups/groups.ts';
import type { Arrival } from './reception.ts';
import type { SignedMessage } from './senders.ts';

export interface HostRole {
  readonly kind: 'host';
  readonly host: MeetingHost;
  /** The relay’s newest message is another one than this role knows. */
  readonly isStuck: boolean;
  /** By device: those who have a place, as they were last verified. */
  readonly present: Map<string, Arrival>;
  /** Somebody shows their presence. Resolves when there is room for the next one. */
  presence(shown: RosterParticipant): Promise<void>;
  left(event: LeftEvent): void;
  /** The group changed, and was looked at. */
  regrouped(): void;
  /**
   * A message from the relay. Answers it where it ends this role: another admin took over. Throws `conflict` for one of
   * its own that it gave up: then only a new term goes on.
   */
  rekeyed(token: string): Promise<SignedMessage | null>;
  add(who: Members): Promise<Addition>;
  remove(address: string): Promise<void>;
  rekey(): Promise<void>;
  setAdmission(policy: AdmissionPolicy): Promise<void>;
  close(): Promise<void>;
}
