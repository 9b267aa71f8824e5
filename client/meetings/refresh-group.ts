import { isCountersignError } from '../../protocol/errors.ts';
import { OUT } from './head-checks.ts';
import type { GroupFacts } from './meeting-group.ts';
import type { Session } from './session.ts';
import { untilSent } from './until-sent.ts';

/**
 * Looks at the group again. Null where that failed, which is told; throws what says that this device has no part in the
 * meeting any more.
 */
export async function refreshGroup(session: Session): Promise<GroupFacts | null> {
  try {
    return await untilSent(session, () => session.parts.group.refresh());
  } catch (error) {
    if (!isCountersignError(error) || OUT.has(error.code)) throw error;
    session.refuse(error);
    return null;
  }
}
