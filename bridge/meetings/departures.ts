import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { findDevice } from '../directory/devices.ts';
import { activeStatementOf } from '../directory/statements.ts';
import { type Loop, startLoop } from '../lib/background.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import {
  MEETING_LIFE_S,
  MEETING_RETRY_MAX_MS,
  MEETING_RETRY_MS,
  MEETINGS_ABROAD_OF_DEVICE,
  PAGE_ROWS,
} from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import type { Database } from '../storage/database.ts';
import {
  type Abroad,
  countAbroad,
  deleteAbroad,
  findAbroad,
  forgetAbroad,
  listAbroad,
  markLeaving,
  type Place,
  putAbroad,
  type WhoseAbroad,
} from './abroad-store.ts';
import type { ForeignCalls, ForeignDevice } from './foreign-calls.ts';
import type { NoteTold } from './met-partners.ts';
import type { MeetingName } from './rechecks.ts';

/** Whose devices must leave. */
export type Departing = { readonly sub: string } | { readonly deviceId: string };

/**
 * Which devices of ours are in meetings at partners, so that the home is told when one must leave: a revoked device does
 * not come back to say so itself. It stands in the store before the home hears of the device, and until the home has
 * heard that it left; every process tells what it finds there, and telling twice does no harm.
 */
export interface Departures {
  /**
   * Durable when it resolves; answers whether the device was not noted there before. Throws `rate_limited` where the
   * device is in as many meetings as are kept.
   */
  note(meeting: MeetingName, device: ForeignDevice): Promise<boolean>;
  forget(meeting: MeetingName, deviceId: string): Promise<void>;
  /** Durable when it resolves: the homes of all meetings in which these devices are will hear that they had to leave. */
  dismiss(whose: Departing, only?: MeetingName): Promise<void>;
  /** The same for every device that may not stay where it is. */
  dismissUnless(mayStay: (place: Abroad) => Promise<boolean>): Promise<void>;
  /** People of ours in a meeting abroad, and the meetings of one of them. */
  peopleIn(meeting: MeetingName): Promise<string[]>;
  meetingsOf(sub: string): Promise<MeetingName[]>;
  isEmpty(): Promise<boolean>;
  /** Dismisses devices that are none any more: what happened while nobody looked. */
  reconcile(): Promise<void>;
  /** Forgets places in meetings that must be over; answers how many. */
  purge(): Promise<number>;
  start(): void;
  stop(): Promise<void>;
}

export interface DeparturesDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly calls: Pick<ForeignCalls, 'leave'>;
  readonly noteTold: NoteTold;
}

export function createDepartures(deps: DeparturesDeps): Departures {
  const { database, clock } = deps;
  const teller = createTeller(deps);
  let loop: Loop | undefined;

  async function dismissAll(whose: WhoseAbroad): Promise<void> {
    const places = await database.transaction((tx) => markLeaving(tx, whose));
    if (places > 0) loop?.wake();
  }

  return {
    async note(meeting, { sub, deviceId }) {
      const place = placeOf(meeting, deviceId);
      const known = await database.read((query) => findAbroad(query, place));
      if (known?.leaving === 0) return false;
      await database.transaction(async (tx) => {
        if (known === undefined && (await countAbroad(tx, deviceId)) >= MEETINGS_ABROAD_OF_DEVICE) {
          throw new CountersignError('rate_limited', 'This device is in too many meetings.');
        }
        await putAbroad(tx, { ...place, sub, noted: seconds(clock), leaving: 0 });
        const shown = await activeStatementOf(tx, sub);
        if (shown !== undefined) await deps.noteTold(tx, meeting.home, [shown.statement.address]);
      });
      return known === undefined;
    },

    forget: (meeting, deviceId) => database.transaction((tx) => deleteAbroad(tx, placeOf(meeting, deviceId))),

    dismiss: (whose, only) =>
      dismissAll({
        ...('sub' in whose ? { sub: whose.sub } : { device_id: whose.deviceId }),
        ...(only === undefined ? {} : { home: only.home, group_id: only.group }),
      }),

    async peopleIn({ home, group }) {
      const places = await allOf(database, { home, group_id: group, leaving: 0 });
      return [...new Set(places.map(({ sub }) => sub))];
    },

    async meetingsOf(sub) {
      const places = await allOf(database, { sub, leaving: 0 });
      const named = new Map(places.map((place) => [`${place.home} ${place.group_id}`, place]));
      return [...named.values()].map(({ home, group_id: group }) => ({ home, group }));
    },

    async dismissUnless(mayStay) {
      for (const place of await allOf(database, { leaving: 0 })) {
        const { home, group_id, device_id } = place;
        if (!(await mayStay(place))) await dismissAll({ home, group_id, device_id });
      }
    },

    async isEmpty() {
      return (
        (await database.read((query) => listAbroad(query, {}, { after: undefined, limit: 1 }))).length === 0
      );
    },

    async reconcile() {
      for (const { device_id, sub } of await allOf(database, { leaving: 0 })) {
        const device = await database.read((query) => findDevice(query, device_id));
        if (device?.sub !== sub) await dismissAll({ device_id });
      }
    },

    purge: () => database.transaction((tx) => forgetAbroad(tx, seconds(clock) - MEETING_LIFE_S)),

    start() {
      loop ??= startLoop('departures', MEETING_RETRY_MS, teller, deps);
    },
    async stop() {
      await loop?.stop();
      loop = undefined;
    },
  };
}

/** Tells every home that has not heard yet; one that does not answer is asked again later, and keeps no other waiting. */
function createTeller({ database, logger, calls }: DeparturesDeps) {
  /** By home; the machine's own time, as nothing of it is told to anybody. */
  const failing = new Map<string, { readonly pauseMs: number; readonly next: number }>();

  async function tell({ home, group_id: group, device_id }: Abroad, signal: AbortSignal): Promise<boolean> {
    try {
      await calls.leave({ home, group }, device_id, 'revoked', signal);
      return true;
    } catch (err) {
      if (isCountersignError(err) && OVER.has(err.code)) return true;
      if (!signal.aborted) logger.warn({ err, home, group }, 'a meeting’s home was not told of a departure');
      return false;
    }
  }

  async function tellHome(home: string, places: readonly Abroad[], signal: AbortSignal): Promise<void> {
    for (const place of places) {
      if (signal.aborted) return;
      if (await tell(place, signal)) {
        await database.transaction((tx) => deleteAbroad(tx, place));
        failing.delete(home);
        continue;
      }
      const pauseMs = Math.min(
        MEETING_RETRY_MAX_MS,
        (failing.get(home)?.pauseMs ?? MEETING_RETRY_MS / 2) * 2,
      );
      failing.set(home, { pauseMs, next: performance.now() + pauseMs });
      return;
    }
  }

  return async (signal: AbortSignal): Promise<void> => {
    const leaving = await allOf(database, { leaving: 1 });
    const homes = new Set(leaving.map(({ home }) => home));
    const due = [...homes].filter((each) => (failing.get(each)?.next ?? 0) <= performance.now());
    await Promise.all(
      due.map((each) =>
        tellHome(
          each,
          leaving.filter(({ home }) => home === each),
          signal,
        ),
      ),
    );
  };
}

/** What a home says of a meeting or a partnership that is over. */
const OVER = new Set<string>(['group_ended', 'group_unknown', 'partner_unknown']);

async function allOf(
  database: Database,
  whose: WhoseAbroad & { readonly leaving: 0 | 1 },
): Promise<Abroad[]> {
  const found: Abroad[] = [];
  for (;;) {
    const after = found.at(-1);
    const page = await database.read((query) => listAbroad(query, whose, { after, limit: PAGE_ROWS }));
    found.push(...page);
    if (page.length < PAGE_ROWS) return found;
  }
}

function placeOf({ home, group }: MeetingName, deviceId: string): Place {
  return { home, group_id: group, device_id: deviceId };
}
