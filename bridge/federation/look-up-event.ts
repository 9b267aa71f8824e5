import type { LookUpResult } from '../../protocol/look-up.ts';
import { type EventData, LOOK_UP_ADDRESSES_NAMED } from '../events/catalog.ts';

/** What the event of a look-up says: how many of each answer, and the first addresses. */
export function lookUpEventData(results: readonly LookUpResult[]): EventData<'look_up.answered'> {
  const counts = { credential: 0, revoked: 0, revoked_pending: 0, not_found: 0, refused: 0 };
  for (const { status } of results) counts[status] += 1;
  return {
    asked: results.length,
    addresses: results.slice(0, LOOK_UP_ADDRESSES_NAMED).map((result) => result.address),
    ...counts,
  };
}
