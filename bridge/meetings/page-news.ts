import { isCountersignError } from '../../protocol/errors.ts';
import type { StoredEvent } from '../events/event.ts';
import type { Logger } from '../lib/logger.ts';
import type { Database } from '../storage/database.ts';
import { type GroupNews, meetingsWith, newsOf } from './group-news.ts';
import type { MeetingChanges } from './meeting-changes.ts';
import { appendMessages, type NewMessage } from './meeting-store.ts';
import { groupBody } from './relay-message.ts';
import { isSaidToLeave, meetingsOf, type RemovedDevice, unseenLeft } from './unseen-devices.ts';

export interface PageNewsDeps {
  /** Our own entity id. */
  readonly iss: string;
  readonly database: Database;
  readonly logger: Logger;
  readonly changes: MeetingChanges;
}

/** What a page of events says to one meeting. */
interface MeetingNews {
  readonly groups: GroupNews[];
  readonly devices: RemovedDevice[];
}

/**
 * Tells meetings here what a page of events says to them: that a group they have for a member changed, and which device
 * of somebody they let in was removed, as it may have opened the key and never shown itself. Each meeting hears all of it
 * in one change, once for all replicas: up to `told` nothing is left to be said, whatever came behind what.
 *
 * Answers whether there was anything to tell. Throws what the store throws: then the page is to be told again.
 */
export async function tellOfPage(
  deps: PageNewsDeps,
  page: readonly StoredEvent[],
  removed: readonly RemovedDevice[],
): Promise<boolean> {
  const byMeeting = await newsByMeeting(deps, newsOf(page), removed);
  for (const [meeting, news] of byMeeting) await tellOrReport(deps, meeting, news);
  return byMeeting.size > 0;
}

/** A fault of the store's, which passes: what it kept from being done is done later. */
export function isFaultOfStore(error: unknown): boolean {
  return isCountersignError(error) && (error.code.startsWith('storage_') || error.code === 'unavailable');
}

async function newsByMeeting(
  { iss, database }: PageNewsDeps,
  groups: readonly GroupNews[],
  removed: readonly RemovedDevice[],
): Promise<Map<string, MeetingNews>> {
  const found = new Map<string, MeetingNews>();
  const of = (meeting: string): MeetingNews => {
    const news = found.get(meeting) ?? { groups: [], devices: [] };
    found.set(meeting, news);
    return news;
  };
  for (const group of new Set(groups.map((news) => news.group))) {
    const ofGroup = groups.filter((news) => news.group === group);
    const meetings = await database.read((query) => meetingsWith(query, { iss, group }));
    for (const meeting of meetings) of(meeting).groups.push(...ofGroup);
  }
  for (const device of removed) {
    const meetings = await database.read((query) => meetingsOf(query, { iss, sub: device.sub }));
    for (const meeting of meetings) of(meeting).devices.push(device);
  }
  return found;
}

/** One meeting that cannot be told must not keep the others from being; another replica may have been faster. */
async function tellOrReport(deps: PageNewsDeps, meeting: string, news: MeetingNews): Promise<void> {
  try {
    await tell(deps, meeting, news);
  } catch (err) {
    if (isFaultOfStore(err) || (isCountersignError(err) && err.code === 'conflict')) throw err;
    deps.logger.error({ err, meeting }, 'a meeting was not told of a restriction');
  }
}

async function tell({ iss, changes }: PageNewsDeps, meeting: string, news: MeetingNews): Promise<void> {
  await changes.apply(meeting, async (tx, before) => {
    const isNew = ({ seq }: { readonly seq: number }) => seq > before.told;
    const groups = news.groups.filter(isNew);
    const devices = news.devices.filter(isNew);
    const told = Math.max(before.told, ...[...groups, ...devices].map(({ seq }) => seq));
    if (before.seq === 0 || before.status === 'ended' || told === before.told) {
      return { meeting: before, result: undefined };
    }
    const messages: NewMessage[] = [];
    for (const device of devices) {
      const { deviceId, presentIn } = device;
      const isSaid = presentIn.has(meeting) || (await isSaidToLeave(tx, { group: meeting, iss, deviceId }));
      if (!isSaid) messages.push(unseenLeft(iss, device));
    }
    const restricts = groups.some((group) => group.restricts);
    if (groups.length > 0) messages.push({ kind: 'group', body: groupBody(restricts) });
    return { meeting: await appendMessages(tx, before, messages, { told }), result: undefined };
  });
}
