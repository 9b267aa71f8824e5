import { isCountersignError } from '../../protocol/errors.ts';
import { type AskingParty, askingPerson } from '../binding/permission.ts';
import type { Loop } from '../lib/background.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Decide } from '../policy/decision.ts';
import type { Policy } from '../policy/policy.ts';
import { followPolicy } from '../policy/versions/policy-follower.ts';
import type { Database } from '../storage/database.ts';
import { requireForeignAttendance } from './attendance.ts';
import type { Departures } from './departures.ts';
import type { HomeMeetings } from './home-meetings.ts';
import { knownParty, type PresentDevice } from './known-party.ts';
import type { LetGo } from './let-go.ts';
import type { OpenStream, OpenStreams } from './open-streams.ts';

/**
 * Asks policy again about everybody who is in a meeting, once another one has come into force. Streams of whom it denies
 * end; who is present here is let go, so that the host begins a new epoch; and of who is present at a partner, the partner
 * is told. Who listens is asked for as their token says, who is merely present by what stands in the records. Every
 * process does it: streams are its own, and what is stored is changed once.
 */
export interface PermissionRechecks {
  start(): void;
  stop(): Promise<void>;
}

export function createPermissionRechecks(deps: {
  readonly iss: string;
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly decide: Decide;
  readonly policy: Pick<Policy, 'hash'>;
  readonly streams: OpenStreams;
  readonly home: HomeMeetings;
  readonly letGo: LetGo;
  readonly departures: Departures;
}): PermissionRechecks {
  const { iss, database, clock, decide, streams, home, letGo, departures } = deps;
  let loop: Loop | undefined;

  const partyOf = (device: PresentDevice) =>
    database.read((query) => knownParty(query, device, { iss, clock }));

  async function mayListen({ home: at, group, who }: OpenStream): Promise<boolean> {
    const asker = askingPerson(who, clock);
    if (at === iss) return home.permits({ group, person: { iss, sub: who.sub, via: [] }, asker });
    return isForeignPermitted(asker, group);
  }

  function isForeignPermitted(asker: AskingParty, group: string): boolean {
    try {
      requireForeignAttendance(decide, asker, group);
      return true;
    } catch (error) {
      if (isCountersignError(error, 'forbidden')) return false;
      throw error;
    }
  }

  async function askAgain(): Promise<void> {
    for (const stream of streams.all()) if (!(await mayListen(stream))) stream.end();
    await letGo.unless(async ({ group_id: group, iss: from, sub, device_id: deviceId, via }) => {
      const asker = await partyOf({ iss: from, sub, deviceId });
      return asker !== undefined && home.permits({ group, person: { iss: from, sub, via }, asker });
    });
    await departures.dismissUnless(async ({ group_id: group, sub, device_id: deviceId }) => {
      const asker = await partyOf({ iss, sub, deviceId });
      return asker !== undefined && isForeignPermitted(asker, group);
    });
  }

  return {
    start() {
      loop ??= followPolicy('meetings-policy', deps, askAgain);
    },
    async stop() {
      await loop?.stop();
      loop = undefined;
    },
  };
}
