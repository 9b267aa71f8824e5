import { isCountersignError } from '../../protocol/errors.ts';
import type { SequencedEventLog } from '../events/database-event-log.ts';
import type { StoredEvent } from '../events/event.ts';
import { newestSeq } from '../events/event-store.ts';
import { type Loop, startLoop } from '../lib/background.ts';
import { EVENT_PAGE, LIVE_POLL_MS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import type { Database } from '../storage/database.ts';
import type { Departures } from './departures.ts';
import type { LetGo } from './let-go.ts';
import type { MeetingChanges } from './meeting-changes.ts';
import { openMeetings } from './meeting-store.ts';
import type { OpenStream, OpenStreams } from './open-streams.ts';
import { isFaultOfStore, tellOfPage } from './page-news.ts';
import { readProgress, storeProgress } from './progress-store.ts';
import type { Rechecks } from './rechecks.ts';
import { removedDevicesOf } from './unseen-devices.ts';

export interface RestrictionsDeps {
  /** Our own entity id. */
  readonly iss: string;
  readonly database: Database;
  readonly events: Pick<SequencedEventLog, 'page' | 'onPublished'>;
  readonly logger: Logger;
  readonly changes: MeetingChanges;
  readonly letGo: LetGo;
  readonly streams: OpenStreams;
  readonly departures: Departures;
  readonly rechecks: Rechecks;
  readonly tokenEnd: (accessTokenHash: string) => Promise<number | undefined>;
}

/**
 * Follows the event log for what is taken from somebody who may be in a meeting: their streams end, and the admins of
 * meetings that are kept here are told, so that the host's client begins a new epoch. Every process does it: streams are
 * its own, and of what is stored it changes only what another one has not changed yet.
 */
export interface Restrictions {
  start(): void;
  stop(): Promise<void>;
}

export function createRestrictions(deps: RestrictionsDeps): Restrictions {
  const { iss, database, events, streams, departures, rechecks, letGo } = deps;
  let loop: Loop | undefined;
  let read: number | undefined;
  /** What this process stored of it. */
  let kept = 0;
  let isIdle = false;
  events.onPublished(() => loop?.wake());

  function endStreams(concerned: (stream: OpenStream) => boolean): void {
    for (const stream of streams.all()) if (concerned(stream)) stream.end();
  }

  async function apply({ type, subject, data }: StoredEvent): Promise<void> {
    switch (type) {
      case 'person.closed':
      case 'person.reset': {
        const { sub } = subject;
        if (sub === undefined) return;
        endStreams(({ who }) => who.sub === sub);
        await departures.dismiss({ sub });
        await letGo.all({ iss, sub }, 'revoked');
        return;
      }
      case 'device.removed': {
        const { device: deviceId } = subject;
        if (deviceId === undefined) return;
        endStreams(({ who }) => who.deviceId === deviceId);
        await departures.dismiss({ deviceId });
        await letGo.all({ iss, deviceId }, 'revoked');
        return;
      }
      case 'partner.suspended':
      case 'partner.removed': {
        const { partner } = subject;
        if (partner === undefined) return;
        endStreams(({ home }) => home === partner);
        await letGo.all({ iss: partner }, 'gone');
        return;
      }
      case 'group.member_removed':
      case 'group.person_excluded':
        return loseMember(subject.group, data);
      // Who was an admin, and no member beside, may not be there any more.
      case 'group.renewed':
      case 'group.rotated':
      case 'group.admin_lost':
        return subject.group === undefined ? undefined : letGo.unlessAdmitted({ group: subject.group });
      case 'group.ended':
        return subject.group === undefined ? undefined : letGo.end(subject.group);
    }
  }

  /** A person may have been in other groups by this one; of a group that is no member any more nobody knows who. */
  async function loseMember(group: string | undefined, data: StoredEvent['data']): Promise<void> {
    const { kind = 'person', iss: home, member } = data;
    if (kind === 'group') return letGo.unlessAdmitted({ group });
    if (typeof home !== 'string' || typeof member !== 'string') return;
    await letGo.unlessAdmitted({ iss: home, sub: member });
    if (home !== iss) return;
    for (const stream of streams.all()) if (stream.who.sub === member) rechecks.ask(stream);
    for (const meeting of await departures.meetingsOf(member)) rechecks.ask(meeting);
  }

  /** Tokens end by person, device, app or connection: whether a listener's own has, the store knows. */
  async function endRevoked(page: readonly StoredEvent[]): Promise<void> {
    const revoked = page.filter(({ type }) => type === 'token.revoked');
    if (revoked.length === 0) return;
    for (const stream of streams.all()) {
      const { sub, accessTokenHash } = stream.who;
      const concerned = revoked.some(({ subject }) => subject.sub === undefined || subject.sub === sub);
      if (concerned && (await deps.tokenEnd(accessTokenHash)) === undefined) stream.end();
    }
  }

  /** What cannot be applied must not keep what comes behind it from being; the store's own faults pass. */
  async function applyOrReport(event: StoredEvent): Promise<void> {
    try {
      await apply(event);
    } catch (err) {
      if (isFaultOfStore(err)) throw err;
      deps.logger.error({ err, event: event.event_id }, 'a restriction was not applied to meetings');
    }
  }

  const hasOpenMeetings = async () => (await database.read((query) => openMeetings(query, '', 1))).length > 0;

  /** Whoever comes in later reads for themselves what happened before. */
  async function nobodyListens(): Promise<boolean> {
    return streams.all().length === 0 && (await departures.isEmpty()) && !(await hasOpenMeetings());
  }

  /** Where a fresh start goes on: what stands before it is told. */
  async function keepProgress(seq: number): Promise<void> {
    if (seq <= kept) return;
    await database.transaction((tx) => storeProgress(tx, seq));
    kept = seq;
  }

  /** What was to be told while nobody read on. Whoever is to be let go of, the records say. */
  async function tellMissed(head: number): Promise<void> {
    let since = (await database.read(readProgress)) ?? head;
    if (!(await hasOpenMeetings())) since = head;
    try {
      while (since < head) {
        const page = await events.page({ since, limit: EVENT_PAGE });
        await tellOfPage(deps, page, await removedDevicesOf(deps, page));
        since = page.at(-1)?.seq ?? head;
      }
    } catch (err) {
      if (!isCountersignError(err) || err.code !== 'events_pruned') throw err;
      deps.logger.error({ err }, 'meetings were not told of events that are not kept any more');
    }
    await keepProgress(head);
  }

  async function readOn(): Promise<void> {
    const head = await database.read(newestSeq);
    if (read === undefined) {
      // Before anybody is let go: where a device is present, its leaving is what the host hears.
      await tellMissed(head);
      read = head;
      await letGo.reconcile();
      await departures.reconcile();
    }
    if (await nobodyListens()) {
      read = head;
      isIdle = true;
      return;
    }
    if (isIdle) await keepProgress(read);
    isIdle = false;
    for (;;) {
      const page = await events.page({ since: read, limit: EVENT_PAGE });
      const removed = await removedDevicesOf(deps, page);
      for (const event of page) await applyOrReport(event);
      await endRevoked(page);
      const hasNews = await tellOfPage(deps, page, removed);
      read = page.at(-1)?.seq ?? read;
      // Not with every page: to read again what said nothing costs little.
      if (hasNews || read - kept >= EVENT_PAGE) await keepProgress(read);
      if (page.length < EVENT_PAGE) return;
    }
  }

  return {
    start() {
      loop ??= startLoop('meetings', LIVE_POLL_MS, readOn, deps);
    },
    async stop() {
      await loop?.stop();
      loop = undefined;
    },
  };
}
