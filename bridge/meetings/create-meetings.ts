import type { Credentials } from '../binding/services.ts';
import type { SequencedEventLog } from '../events/database-event-log.ts';
import type { AcceptedRequests } from '../federation/accepted-requests.ts';
import type { BridgeCalls } from '../federation/bridge-calls.ts';
import { createSignerEvidence } from '../groups/services.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Decide } from '../policy/decision.ts';
import type { Policy } from '../policy/policy.ts';
import type { Keyspace } from '../storage/cache.ts';
import type { Database } from '../storage/database.ts';
import { createDepartures } from './departures.ts';
import { createFeeds, type FeedsDeps } from './feeds.ts';
import { createForeignCalls } from './foreign-calls.ts';
import { createForeignStreams } from './foreign-streams.ts';
import { createHomeMeetings } from './home-meetings.ts';
import { createHomeStreams } from './home-streams.ts';
import { createLetGo } from './let-go.ts';
import { createMeetingChanges } from './meeting-changes.ts';
import type { NoteTold } from './met-partners.ts';
import { createOpenStreams } from './open-streams.ts';
import { createOwnPeople } from './own-people.ts';
import { createPartnerPolls } from './partner-polls.ts';
import { createAnswerPartner } from './partner-requests.ts';
import { createPermissionRechecks } from './permission-rechecks.ts';
import { createPresenceRate } from './presence-rate.ts';
import { createRenewPresence } from './presence-renewals.ts';
import { createPresences } from './presences.ts';
import { createRechecks } from './rechecks.ts';
import { type CheckSealedKey, createPostRekey } from './rekeys.ts';
import { createRestrictions } from './restrictions.ts';
import type { Meetings } from './services.ts';
import { createTell } from './told-messages.ts';
import { createMeetingWakes } from './wakes.ts';

export interface MeetingsDeps {
  readonly signer: { readonly iss: string };
  readonly database: Database;
  readonly cache: Keyspace;
  readonly events: SequencedEventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly decide: Decide;
  readonly policy: Pick<Policy, 'hash'>;
  readonly credentials: Credentials;
  readonly calls: Pick<BridgeCalls, 'askBridge'>;
  readonly requests: Pick<AcceptedRequests, 'accept' | 'respond'>;
  readonly checkSealedKey: CheckSealedKey;
  readonly noteTold: NoteTold;
  /** When the access token of this hash ends, in seconds; nothing if it has ended or was revoked. */
  readonly tokenEnd: (accessTokenHash: string) => Promise<number | undefined>;
  /** For tests. */
  readonly times?: FeedsDeps['times'] & { readonly hold?: number };
}

/** Meetings: those of groups that are kept here, for people of ours and of partners, and partners' for people of ours. */
export function createMeetings(deps: MeetingsDeps): Meetings {
  const { iss } = deps.signer;
  const wakes = createMeetingWakes(deps);
  const changes = createMeetingChanges({ ...deps, wakes });
  const findEvidence = createSignerEvidence(deps);
  const common = { ...deps, iss, wakes, changes, findEvidence };
  const presences = createPresences(common);
  const renewPresence = createRenewPresence(common);
  const home = createHomeMeetings(common);
  const feeds = createFeeds(deps);
  const streams = createOpenStreams();
  const polls = createPartnerPolls(deps.times?.hold === undefined ? {} : { holdMs: deps.times.hold });
  const calls = createForeignCalls(common);
  const departures = createDepartures({ ...deps, calls });
  const homeStreams = createHomeStreams({ ...common, feeds, streams, home });
  const foreignStreams = createForeignStreams({ calls, feeds, streams, departures });
  const rechecks = createRechecks({
    ...deps,
    recheck: (meeting) =>
      meeting.home === iss ? homeStreams.recheck(meeting.group) : foreignStreams.recheck(meeting),
  });
  const letGo = createLetGo({ ...common, presences, home });
  const permissions = createPermissionRechecks({ ...common, streams, home, letGo, departures });
  const restrictions = createRestrictions({ ...common, letGo, streams, departures, rechecks });
  const tell = createTell({ ...common, streams, recheck: rechecks.ask });
  const postRekey = createPostRekey(common);
  const people = createOwnPeople({
    ...{ ...common, presences, renewPresence, home, calls, departures },
    limitPresences: createPresenceRate(deps.cache),
    open: (who, { iss: at, group, since }) =>
      at === iss ? homeStreams.open(who, group, since) : foreignStreams.open({ home: at, group }, who, since),
  });
  return {
    ...people,
    rekey: postRekey,
    async stream(who, body) {
      const told = await people.open(who, body);
      return (signal) => tell(told, signal);
    },
    answerPartner: createAnswerPartner({
      ...{ ...common, presences, renewPresence, home, polls },
      feedOf: homeStreams.feedOf,
    }),
    start() {
      departures.start();
      restrictions.start();
      permissions.start();
    },
    async stop() {
      polls.stop();
      await restrictions.stop();
      await permissions.stop();
      await rechecks.stop();
      for (const stream of streams.all()) stream.end();
      await feeds.stop();
      await departures.stop();
    },
    purge: async () => (await letGo.purge()) + (await departures.purge()),
  };
}
