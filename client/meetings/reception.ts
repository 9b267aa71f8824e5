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

  function placeOf({ epoch }: Presence): ExpectedPlace {
    const challenge = challengeOf(epoch);
    if (challenge === undefined) throw new CountersignError('presence_mismatch', 'no epoch of this host');
    return { aud: group.iss, meeting: group.group, epoch, challenge, at: context.now() };
  }

  /** Another admin may have added somebody since the group was last looked at: one look is enough for all. */
  async function lookAgain(judged: readonly JudgedPresence[]): Promise<void> {
    for (const each of judged) {
      if (!each.ok || (await group.invites(each.presence)) === 'by_admins') continue;
      await group.refresh();
      return;
    }
  }

  /** The tree is for whom an admin's statement names: by a bridge's word alone, keys come by transform alone. */
  async function assertInvited(person: { iss: string; sub: string }): Promise<void> {
    const invitation = await group.invites(person);
    if (invitation === 'none') throw new CountersignError('group_not_member');
    if (invitation === 'by_bridge') {
      throw new CountersignError('not_placed', 'only a bridge says that this person is invited');
    }
  }

  async function admit(shown: RosterParticipant, judged: JudgedPresence): Promise<Arrival> {
    if (!judged.ok) throw judged.error;
    const { iss, sub, device_id, ephemeral } = judged.presence;
    if (device_id !== shown.device_id) throw new CountersignError('presence_mismatch', 'another device’s');
    await assertInvited({ iss, sub });
    return {
      newcomer: { iss, sub, device_id, ephemeral: ephemeral.x },
      participant: describePresent(judged),
      candidate: candidateFrom(judged),
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
      await lookAgain(judged);
      const arrivals: Arrival[] = [];
      const refused: RefusedPresence[] = [];
      for (const [index, each] of judged.entries()) {
        const from = shown[index];
        if (from === undefined) continue;
        try {
          arrivals.push(await admit(from, each));
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
