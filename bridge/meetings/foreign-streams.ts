import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { ADMITTED_PEOPLE } from '../../protocol/meetings/federation.ts';
import type { Departures } from './departures.ts';
import type { Feeds } from './feeds.ts';
import type { ForeignCalls } from './foreign-calls.ts';
import type { Listener, OpenStreams } from './open-streams.ts';
import { createPartnerSource } from './partner-source.ts';
import type { MeetingName } from './rechecks.ts';
import type { Told } from './told-messages.ts';

/** Streams of people of ours in meetings at partners. */
export interface ForeignStreams {
  /** A stream that may begin. Throws what the home says, and `meeting_missed`. */
  open(meeting: MeetingName, who: Listener['who'], since: number): Promise<Told>;
  /** Ends the streams of those whom the home does not let in any more, and tells it that they left, streams or not. */
  recheck(meeting: MeetingName): Promise<void>;
}

export function createForeignStreams(deps: {
  readonly calls: ForeignCalls;
  readonly feeds: Feeds;
  readonly streams: OpenStreams;
  readonly departures: Departures;
}): ForeignStreams {
  const { calls, feeds, streams, departures } = deps;

  return {
    async open(meeting, who, since) {
      const { head, pruned } = await calls.admit(meeting, [who.sub]);
      if (since < pruned || since > head) throw new CountersignError('meeting_missed');
      await departures.note(meeting, who);
      const { home, group } = meeting;
      const source = createPartnerSource({ calls, streams }, meeting, who.sub);
      const feed = feeds.of(`${home} ${group}`, head, source);
      return { listener: { home, group, who, role: 'member' }, feed, since, head };
    },

    async recheck(meeting) {
      const open = streams.of(meeting.home, meeting.group);
      const present = await departures.peopleIn(meeting);
      const subs = [...new Set([...open.map(({ who }) => who.sub), ...present])];
      for (let start = 0; start < subs.length; start += ADMITTED_PEOPLE) {
        const asked = subs.slice(start, start + ADMITTED_PEOPLE);
        const stay = await staying(meeting, asked);
        for (const stream of open) {
          const { sub } = stream.who;
          if (asked.includes(sub) && !stay.has(sub)) stream.end();
        }
        for (const sub of asked) if (!stay.has(sub)) await departures.dismiss({ sub }, meeting);
      }
    },
  };

  async function staying(meeting: MeetingName, subs: readonly string[]): Promise<ReadonlySet<string>> {
    try {
      return (await calls.admit(meeting, subs)).admitted;
    } catch (error) {
      if (isCountersignError(error) && OUT.has(error.code)) return new Set();
      throw error;
    }
  }
}

/** What the home says where nobody asked for may be there. */
const OUT = new Set<string>(['group_unknown', 'group_excluded', 'group_ended', 'forbidden']);
