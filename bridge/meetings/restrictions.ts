import { isCountersignError } from '../../protocol/errors.ts';
import type { SequencedEventLog } from '../events/database-event-log.ts';
import type { StoredEvent } from '../events/event.ts';
import { newestSeq } from '../events/event-store.ts';
import { type Loop, startLoop } from '../lib/background.ts';
import { EVENT_PAGE, LIVE_POLL_MS, PAGE_ROWS } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import type { Database } from '../storage/database.ts';
import type { Departures } from './departures.ts';
import { newsOf, tellMeetings } from './group-news.ts';
import type { LetGo } from './let-go.ts';
import type { MeetingChanges } from './meeting-changes.ts';
import { openMeetings } from './meeting-store.ts';
import type { OpenStream, OpenStreams } from './open-streams.ts';
import { participantsOf } from './participant-store.ts';
import type { Rechecks } from './rechecks.ts';
import { type RemovedDevice, tellOfUnseen } from './unseen-devices.ts';

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
  events.onPublished(() => loop?.wake());

  function endStreams(concerned: (stream: OpenStream) => boolean): void {
    for (const stream of streams.all()) if (concerned(stream)) stream.end();
  }

  /** What is told behind what the same page says of groups. */
  let removed: RemovedDevice[] = [];

  async function presentIn(deviceId: string): Promise<ReadonlySet<string>> {
    const whose = { iss, deviceId };
    const present = await database.read((query) => participantsOf(query, whose, { limit: PAGE_ROWS }));
    return new Set(present.map(({ group_id }) => group_id));
  }

  async function apply({ type, subject, data, seq }: StoredEvent): Promise<void> {
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
        const { device: deviceId, sub } = subject;
        if (deviceId === undefined) return;
        endStreams(({ who }) => who.deviceId === deviceId);
        await departures.dismiss({ deviceId });
        const present = await presentIn(deviceId);
        await letGo.all({ iss, deviceId }, 'revoked');
        if (sub !== undefined) removed.push({ seq, sub, deviceId, presentIn: present });
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
      if (isCountersignError(err) && (err.code.startsWith('storage_') || err.code === 'unavailable'))
        throw err;
      deps.logger.error({ err, event: event.event_id }, 'a restriction was not applied to meetings');
    }
  }

  /** Whoever comes in later reads for themselves what happened before. */
  async function isIdle(): Promise<boolean> {
    if (streams.all().length > 0 || !(await departures.isEmpty())) return false;
    return (await database.read((query) => openMeetings(query, '', 1))).length === 0;
  }

  async function readOn(): Promise<void> {
    const head = await database.read(newestSeq);
    if (read === undefined) {
      read = head;
      await letGo.reconcile();
      await departures.reconcile();
    }
    if (await isIdle()) {
      read = head;
      return;
    }
    for (;;) {
      const page = await events.page({ since: read, limit: EVENT_PAGE });
      for (const event of page) await applyOrReport(event);
      await endRevoked(page);
      for (const [group, news] of newsOf(page)) await tellMeetings(deps, group, news);
      for (const device of removed) await tellOfUnseen(deps, device);
      removed = [];
      read = page.at(-1)?.seq ?? read;
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
