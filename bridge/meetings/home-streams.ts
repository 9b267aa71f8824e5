import type { Holder } from '../binding/holder.ts';
import { askingPerson } from '../binding/permission.ts';
import type { Clock } from '../lib/clock.ts';
import type { Database } from '../storage/database.ts';
import type { Feed, Feeds, RelaySource } from './feeds.ts';
import type { HomeMeetings } from './home-meetings.ts';
import type { OpenStreams } from './open-streams.ts';
import { createStoreSource } from './store-source.ts';
import type { Told } from './told-messages.ts';
import type { MeetingWakes } from './wakes.ts';

/** Streams of people of ours in meetings that are kept here. */
export interface HomeStreams {
  /** A stream that may begin. Throws what `HomeMeetings.admit` throws. */
  open(who: Holder, group: string, since: number): Promise<Told>;
  /** The messages of a meeting, for whoever reads them here. */
  feedOf(group: string, head: number): { readonly feed: Feed; readonly source: RelaySource };
  /** Ends the streams of those who are not there any more what they were. */
  recheck(group: string): Promise<void>;
}

export function createHomeStreams(deps: {
  readonly iss: string;
  readonly database: Database;
  readonly clock: Clock;
  readonly wakes: MeetingWakes;
  readonly feeds: Feeds;
  readonly streams: OpenStreams;
  readonly home: HomeMeetings;
}): HomeStreams {
  const { iss, feeds, streams, home } = deps;

  function feedOf(group: string, head: number) {
    const source = createStoreSource(deps, group);
    return { feed: feeds.of(`${iss} ${group}`, head, source), source };
  }

  return {
    feedOf,

    async open(who, group, since) {
      const asking = { group, person: { iss, sub: who.sub, via: [] }, asker: askingPerson(who, deps.clock) };
      const { role, head } = await home.admit(asking, since);
      const { feed } = feedOf(group, head);
      return { listener: { home: iss, group, who, role }, feed, since, head };
    },

    async recheck(group) {
      const open = streams.of(iss, group);
      const subs = [...new Set(open.map(({ who }) => who.sub))];
      const roles = await home.rolesOf(
        group,
        subs.map((sub) => ({ iss, sub, via: [] })),
      );
      const roleOf = new Map(subs.map((sub, index) => [sub, roles[index]]));
      for (const stream of open) if (roleOf.get(stream.who.sub) !== stream.role) stream.end();
    },
  };
}
