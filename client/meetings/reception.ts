import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import type { RosterParticipant } from '../../protocol/meetings/api.ts';
import type { Newcomer } from '../../protocol/meetings/host-tree.ts';
import { REKEY_JOINS } from '../../protocol/meetings/limits.ts';
import type { Presence } from '../../protocol/presence.ts';
import { AdmissionRefusedError, type Candidate } from './candidates.ts';
import { candidateFrom, type JudgedDevice } from './judge-devices.ts';
import type { ExpectedPlace, JudgedPresence } from './judge-presences.ts';
import { judgeWithRecords } from './judge-with-records.ts';
import type { AdmissionShortfall } from './meeting.ts';
import type { Invitation } from './meeting-group.ts';
import { describePresent } from './participants.ts';
import type { MeetingParts } from './session.ts';

/** Somebody whose presence was verified, and who may have a place. */
export interface Arrival extends JudgedDevice {
  readonly newcomer: Newcomer;
  readonly candidate: Candidate;
}

export interface RefusedPresence {
  readonly address: string;
  readonly error: CountersignError;
}

/** Takes in what the relay says of newcomers, and verifies it: at most one message's worth is held. */
export interface Reception {
  readonly isFull: boolean;
  show(shown: RosterParticipant): void;
  forget(deviceId: string): void;
  /** All that was shown, each by itself. */
  judge(): Promise<{ admitted: Arrival[]; refused: RefusedPresence[] }>;
}

export interface ReceptionDeps {
  /** The host's own, of a recent epoch. A proof for any other is from elsewhere, or too old. */
  challengeOf(epoch: number): string | undefined;
  /** What keeps each of them out by the admission policy; nothing for who is admitted. */
  refusals(candidates: readonly Candidate[]): Promise<AdmissionShortfall[][]>;
}

export function createReception(parts: MeetingParts, { challengeOf, refusals }: ReceptionDeps): Reception {
  const { context, group } = parts;
  /** By device: who shows up twice meanwhile counts as they did last. */
  let waiting = new Map<string, RosterParticipant>();

  function placeOf({ epoch }: Pick<Presence, 'epoch'>): ExpectedPlace {
    const challenge = challengeOf(epoch);
    if (challenge === undefined) throw new CountersignError('presence_mismatch', 'no epoch of this host');
    return { aud: group.iss, meeting: group.group, epoch, challenge, at: context.now() };
  }

  /** Another admin may have added somebody since the group was last looked at: one look is enough for all. */
  async function invitationsOf(judged: readonly JudgedPresence[]): Promise<Map<JudgedPresence, Invitation>> {
    const people = judged.filter((each) => each.ok);
    if (people.length === 0) return new Map();
    const ask = () => group.invites(people.map(({ presence: { iss, sub } }) => ({ iss, sub })));
    let invitations = await ask();
    if (invitations.some((invitation) => invitation !== 'by_admins')) {
      await group.refresh();
      invitations = await ask();
    }
    return new Map(people.map((each, index) => [each, invitations[index] ?? 'none']));
  }

  function admit(shown: RosterParticipant, judged: JudgedPresence, invitation: Invitation): Arrival {
    if (!judged.ok) throw judged.error;
    const { iss, sub, device_id, ephemeral } = judged.presence;
    if (device_id !== shown.device_id) throw new CountersignError('presence_mismatch', 'another device’s');
    assertInvited(invitation);
    return {
      newcomer: { iss, sub, device_id, ephemeral: ephemeral.x },
      participant: describePresent(judged),
      ...{ candidate: candidateFrom(judged), until: judged.until },
    };
  }

  async function applyPolicy(arrivals: readonly Arrival[]) {
    const reasons = await refusals(arrivals.map(({ candidate }) => candidate));
    const isOut = (index: number) => (reasons[index]?.length ?? 0) > 0;
    return {
      admitted: arrivals.filter((_, index) => !isOut(index)),
      refused: arrivals.flatMap(({ candidate }, index) =>
        isOut(index)
          ? [{ address: candidate.address, error: new AdmissionRefusedError(reasons[index] ?? []) }]
          : [],
      ),
    };
  }

  return {
    get isFull() {
      return waiting.size >= REKEY_JOINS;
    },
    show: (shown) => void waiting.set(shown.device_id, shown),
    forget: (deviceId) => void waiting.delete(deviceId),
    async judge() {
      const shown = [...waiting.values()];
      waiting = new Map();
      const judged = await judgeWithRecords(parts, shown, placeOf);
      const invitations = await invitationsOf(judged);
      const arrivals: Arrival[] = [];
      const refused: RefusedPresence[] = [];
      for (const [index, each] of judged.entries()) {
        const from = shown[index];
        if (from === undefined) continue;
        try {
          arrivals.push(admit(from, each, invitations.get(each) ?? 'none'));
        } catch (error) {
          if (!isCountersignError(error)) throw error;
          refused.push({ address: from.address, error });
        }
      }
      const judgedByPolicy = await applyPolicy(arrivals);
      return { admitted: judgedByPolicy.admitted, refused: [...refused, ...judgedByPolicy.refused] };
    },
  };
}

/** The tree is for whom an admin's statement names: by a bridge's word alone, keys come by transform alone. */
function assertInvited(invitation: Invitation): void {
  if (invitation === 'none') throw new CountersignError('group_not_member');
  if (invitation === 'by_bridge') {
    const detail =
      'No admin’s statement shows that this person is invited: view their durable group, or add them.';
    throw new CountersignError('not_placed', detail);
  }
}
