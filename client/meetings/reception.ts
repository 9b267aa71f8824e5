import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import type { RosterParticipant } from '../../protocol/meetings/api.ts';
import type { Newcomer } from '../../protocol/meetings/host-tree.ts';
import { REKEY_JOINS } from '../../protocol/meetings/limits.ts';
import type { Presence } from '../../protocol/presence.ts';
import { type ExpectedPlace, type JudgedPresence, judgePresences } from './judge-presences.ts';
import type { Participant } from './meeting.ts';
import { describePresent } from './participants.ts';
import type { MeetingParts } from './session.ts';

/** Somebody whose presence was verified, and who may have a place. */
export interface Arrival {
  readonly newcomer: Newcomer;
  readonly participant: Participant;
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

/** `challengeOf`: the host's own, of a recent epoch. A proof for any other is from elsewhere, or too old. */
export function createReception(
  parts: MeetingParts,
  challengeOf: (epoch: number) => string | undefined,
): Reception {
  const { context, group } = parts;
  /** By device: who shows up twice meanwhile counts as they did last. */
  let waiting = new Map<string, RosterParticipant>();

  function placeOf({ epoch }: Presence): ExpectedPlace {
    const challenge = challengeOf(epoch);
    if (challenge === undefined) throw new CountersignError('presence_mismatch', 'no epoch of this host');
    return { aud: group.iss, meeting: group.group, epoch, challenge, at: context.now() };
  }

  async function judgeOnce(shown: readonly RosterParticipant[]): Promise<JudgedPresence[]> {
    return shown.length === 0 ? [] : judgePresences(context, shown, placeOf);
  }

  /** Records of companies come with look-ups: where one is missing or too old, its people are looked up first. */
  async function judgeAll(shown: readonly RosterParticipant[]): Promise<JudgedPresence[]> {
    const judged = await judgeOnce(shown);
    const again = shown.filter((_, index) => needsRecord(judged[index]));
    if (again.length === 0) return judged;
    await parts.lookUp(again.map(({ address }) => address));
    const anew = await judgeOnce(again);
    return judged.map((each) => (needsRecord(each) ? (anew.shift() ?? each) : each));
  }

  /** Another admin may have added somebody since the group was last looked at: one look is enough for all. */
  async function lookAgain(judged: readonly JudgedPresence[]): Promise<void> {
    for (const each of judged) {
      if (!each.ok || (await group.admits(each.presence))) continue;
      await group.refresh();
      return;
    }
  }

  async function admit(shown: RosterParticipant, judged: JudgedPresence): Promise<Arrival> {
    if (!judged.ok) throw judged.error;
    const { iss, sub, device_id, ephemeral } = judged.presence;
    if (device_id !== shown.device_id) throw new CountersignError('presence_mismatch', 'another device’s');
    if (!(await group.admits({ iss, sub }))) throw new CountersignError('group_not_member');
    return {
      newcomer: { iss, sub, device_id, ephemeral: ephemeral.x },
      participant: describePresent(judged),
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
      const judged = await judgeAll(shown);
      await lookAgain(judged);
      const admitted: Arrival[] = [];
      const refused: RefusedPresence[] = [];
      for (const [index, each] of judged.entries()) {
        const from = shown[index];
        if (from === undefined) continue;
        try {
          admitted.push(await admit(from, each));
        } catch (error) {
          if (!isCountersignError(error)) throw error;
          refused.push({ address: from.address, error });
        }
      }
      return { admitted, refused };
    },
  };
}

function needsRecord(judged: JudgedPresence | undefined): boolean {
  return judged?.ok === false && judged.error.code === 'issuer_unknown';
}
