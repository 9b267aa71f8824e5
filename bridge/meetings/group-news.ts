import type { StoredEvent } from '../events/event.ts';
import { groupsWithMember } from '../groups/services.ts';
import { PAGE_ROWS } from '../lib/limits.ts';
import type { Query } from '../storage/database.ts';
import { findMeeting, openMeetingsOf } from './meeting-store.ts';

/** What an event says of a group. */
export interface GroupNews {
  readonly group: string;
  readonly seq: number;
  /** Whether something may have been taken from somebody. */
  readonly restricts: boolean;
}

/** Whether an event about a group may have taken something from somebody; others say nothing to who is in it. */
const NEWS: Partial<Record<StoredEvent['type'], boolean>> = {
  'group.renewed': true,
  'group.rotated': true,
  'group.admin_lost': true,
  'group.member_removed': true,
  'group.person_excluded': true,
  'group.ended': true,
  'group.member_added': false,
  'group.person_readmitted': false,
};

/** In the order of the page. */
export function newsOf(page: readonly StoredEvent[]): GroupNews[] {
  return page.flatMap(({ type, subject: { group }, seq }) => {
    const restricts = NEWS[type];
    return restricts === undefined || group === undefined ? [] : [{ group, seq, restricts }];
  });
}

/** The group's own meeting, or those that go on with it: however many others there are, they are not looked at. */
export async function meetingsWith(
  query: Query,
  of: { readonly iss: string; readonly group: string },
): Promise<string[]> {
  if ((await findMeeting(query, of.group)) !== undefined) return [of.group];
  const found: string[] = [];
  for (let after = ''; ; ) {
    const page = await groupsWithMember(query, of, { after, limit: PAGE_ROWS });
    found.push(...(await openMeetingsOf(query, page)));
    after = page.at(-1) ?? after;
    if (page.length < PAGE_ROWS) return found;
  }
}
