import type { LookUpResult } from '../../protocol/look-up.ts';
import { type EventData, LOOK_UP_ADDRESSES_NAMED } from '../events/catalog.ts';

/** What the event of a look-up says: how many of each answer, and the first addresses. */
export function lookUpEventData(results: readonly LookUpResult[]): EventData<'look_up.answered'> {
  const count = (status: LookUpResult['status']) =>
    results.filter((result) => result.status === status).length;
  return {
    asked: results.length,
    addresses: results.slice(0, LOOK_UP_ADDRESSES_NAMED).map((result) => result.address),
    credential: count('credential'),
    revoked: count('revoked'),
    revoked_pending: count('revoked_pending'),
    not_found: count('not_found'),
    refused: count('refused'),
  };
}
