import type { RosterParticipant } from '../../protocol/meetings/api.ts';
import { mayLackRecord } from '../issuer-records.ts';
import { type JudgedPresence, judgePresences, type PlaceOf } from './judge-presences.ts';
import type { MeetingParts } from './session.ts';

/** As `judgePresences`; where the record of a company is missing or too old, its people are looked up first. */
export async function judgeWithRecords(
  { context, lookUp }: Pick<MeetingParts, 'context' | 'lookUp'>,
  shown: readonly RosterParticipant[],
  placeOf: PlaceOf,
): Promise<JudgedPresence[]> {
  if (shown.length === 0) return [];
  const judged = await judgePresences(context, shown, placeOf);
  const again = shown.filter((_, index) => lacksRecord(judged[index]));
  if (again.length === 0) return judged;
  await lookUp(again.map(({ address }) => address));
  const anew = await judgePresences(context, again, placeOf);
  return judged.map((each) => (lacksRecord(each) ? (anew.shift() ?? each) : each));
}

function lacksRecord(judged: JudgedPresence | undefined): boolean {
  return judged?.ok === false && mayLackRecord(judged.error);
}
