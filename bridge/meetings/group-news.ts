import type { StoredEvent } from '../events/event.ts';
import { groupsWithMember } from '../groups/services.ts';
import { PAGE_ROWS } from '../lib/limits.ts';
import type { Database, Query } from '../storage/database.ts';
import type { MeetingChanges } from './meeting-changes.ts';
import { appendMessages, findMeeting, openMeetingsOf } from './meeting-store.ts';
import { groupBody } from './relay-message.ts';

/** What a page of events says of a group: told once, with the newest of them. */
export interface GroupNews {
  readonly seq: number;
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

export function newsOf(page: readonly StoredEvent[]): Map<string, GroupNews> {
  const news = new Map<string, GroupNews>();
  for (const { type, subject, seq } of page) {
    const restricts = NEWS[type];
    if (restricts === undefined || subject.group === undefined) continue;
    const before = news.get(subject.group)?.restricts ?? false;
    news.set(subject.group, { seq, restricts: restricts || before });
  }
  return news;
}

/** Tells whoever is in the group's meeting, or in meetings that have the group for a member. */
export async function tellMeetings(
  deps: { readonly iss: string; readonly database: Database; readonly changes: MeetingChanges },
  group: string,
  news: GroupNews,
): Promise<void> {
  const { iss } = deps;
  for (const meeting of await deps.database.read((query) => meetingsWith(query, { iss, group }))) {
    await deps.changes.apply(meeting, async (tx, before) => {
      const known = before.seq === 0 || before.status === 'ended' || before.told >= news.seq;
      if (known) return { meeting: before, result: undefined };
      const message = { kind: 'group', body: groupBody(news.restricts) } as const;
      const after = await appendMessages(tx, before, [message], { told: news.seq });
      return { meeting: after, result: undefined };
    });
  }
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
