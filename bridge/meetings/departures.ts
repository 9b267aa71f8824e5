import { setTimeout as wait } from 'node:timers/promises';
import { isCountersignError } from '../../protocol/errors.ts';
import {
  MEETING_LEAVE_TRIES,
  MEETING_RETRY_MAX_MS,
  MEETING_RETRY_MS,
  MEETINGS_ABROAD,
} from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import type { ForeignCalls, ForeignDevice } from './foreign-calls.ts';
import type { MeetingName } from './rechecks.ts';

/**
 * Which devices of ours are in meetings at partners, as far as this process knows, so that the home is told when one
 * must leave. Nothing of it is stored: after a restart the devices come back to their streams.
 */
export interface Departures {
  note(meeting: MeetingName, device: ForeignDevice): void;
  forget(meeting: MeetingName, deviceId: string): void;
  /** Tells the homes of all meetings in which these devices are that they had to leave; again until they heard. */
  tell(whose: { readonly sub: string } | { readonly deviceId: string }, only?: MeetingName): void;
  /** How many are known. */
  readonly size: number;
  /** Gives up what is not told yet. */
  stop(): Promise<void>;
}

interface Abroad {
  readonly meeting: MeetingName;
  readonly device: ForeignDevice;
}

export function createDepartures(deps: {
  readonly calls: Pick<ForeignCalls, 'leave'>;
  readonly logger: Logger;
}): Departures {
  const abroad = new Map<string, Abroad>();
  const telling = new Set<Promise<void>>();
  const stopping = new AbortController();
  const { signal } = stopping;
  const keyOf = ({ home, group }: MeetingName, deviceId: string) => `${home} ${group} ${deviceId}`;

  async function tellHome({ meeting, device: { deviceId } }: Abroad): Promise<void> {
    for (let tries = 1; !signal.aborted; tries += 1) {
      try {
        await deps.calls.leave(meeting, deviceId, 'revoked', signal);
        return;
      } catch (err) {
        if (signal.aborted || isCountersignError(err, 'group_ended')) return;
        if (tries === MEETING_LEAVE_TRIES) {
          const { home, group } = meeting;
          deps.logger.error({ err, home, group }, 'a meeting’s home was not told that a device had to leave');
          return;
        }
        const pause = Math.min(MEETING_RETRY_MAX_MS, MEETING_RETRY_MS * 2 ** (tries - 1));
        await wait(pause, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  return {
    get size() {
      return abroad.size;
    },

    note(meeting, device) {
      const key = keyOf(meeting, device.deviceId);
      abroad.delete(key);
      abroad.set(key, { meeting, device });
      const [oldest] = abroad.size > MEETINGS_ABROAD ? abroad.keys() : [];
      if (oldest !== undefined) abroad.delete(oldest);
    },

    forget(meeting, deviceId) {
      abroad.delete(keyOf(meeting, deviceId));
    },

    tell(whose, only) {
      for (const [key, entry] of abroad) {
        const { device, meeting } = entry;
        const concerned = 'sub' in whose ? device.sub === whose.sub : device.deviceId === whose.deviceId;
        if (!concerned) continue;
        if (only !== undefined && (only.home !== meeting.home || only.group !== meeting.group)) continue;
        abroad.delete(key);
        const told = tellHome(entry).finally(() => telling.delete(told));
        telling.add(told);
      }
    },

    async stop() {
      stopping.abort();
      await Promise.all(telling);
    },
  };
}
