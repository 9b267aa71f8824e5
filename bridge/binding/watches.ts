import { parseAddress } from '../../protocol/address.ts';
import type { WatchBody, WatchedChange } from '../../protocol/api.ts';
import { CountersignError, isCountersignError } from '../../protocol/errors.ts';
import { changedSince } from '../directory/statements.ts';
import type { SequencedEventLog } from '../events/database-event-log.ts';
import type { StoredEvent } from '../events/event.ts';
import { newestSeq } from '../events/event-store.ts';
import { type Loop, startLoop } from '../lib/background.ts';
import { type Bell, createBell } from '../lib/bell.ts';
import { type Clock, seconds } from '../lib/clock.ts';
import { EVENT_PAGE, LIVE_POLL_MS, WATCH_OVERLAP_S } from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import { requireAllowed } from '../policy/decision.ts';
import type { Policy } from '../policy/policy.ts';
import { followPolicy } from '../policy/versions/policy-follower.ts';
import type { Database, Query } from '../storage/database.ts';
import type { Holder } from './holder.ts';
import { askingPerson, requestBy } from './permission.ts';
import type { Credentials } from './services.ts';
import { type AskedPolicy, unknownAddress, visibilityFor } from './visibility.ts';

export interface WatchesDeps {
  readonly database: Database;
  readonly events: Pick<SequencedEventLog, 'page' | 'onPublished'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** When the access token of this hash ends, in seconds; nothing if it has ended or was revoked. */
  readonly tokenEnd: (accessTokenHash: string) => Promise<number | undefined>;
  readonly credentials: Pick<Credentials, 'findable'>;
  /** Those of these addresses of which a partner told, at `time` (seconds) or later, that something changed. */
  readonly foreignChanges: (
    query: Query,
    addresses: readonly string[],
    time: number,
  ) => Promise<readonly WatchedChange[]>;
  readonly policy: AskedPolicy & Pick<Policy, 'hash'>;
  readonly signer: { readonly iss: string };
}

/** What a watch tells: which addresses to look up again, never what stands there. */
export interface WatchTold {
  /** Seconds: a watch that goes on from here misses nothing. */
  readonly asOf: number;
  readonly changes: readonly WatchedChange[];
}

export interface Watches {
  /** Begins to follow the log. */
  start(): void;
  stop(): Promise<void>;
  /**
   * Tells first that it watches, with what changed since `since` if that is given, then each change, until the signal
   * is aborted, the holder's access was restricted, their access token has ended, or another policy does not let them
   * look up any more. Of whom policy hides from the holder, nothing is told. Throws `address_invalid` at once.
   */
  watch(who: Holder, body: WatchBody): (signal: AbortSignal) => AsyncGenerator<WatchTold, void>;
}

/** A change before it is told. */
interface HeardChange extends WatchedChange {
  /** A partner told of it: of whose it is, nothing is known here. */
  readonly foreign: boolean;
}

/** One open watch. What waits to be told is one entry an address, however often it changes. */
interface OpenWatch {
  readonly who: Holder;
  readonly addresses: ReadonlySet<string>;
  readonly pending: Map<string, HeardChange>;
  readonly bell: Bell;
  ended: boolean;
}

/** One reader of the log for all watches of this process. */
export function createWatches(deps: WatchesDeps): Watches {
  const { database, events, clock, logger, tokenEnd } = deps;
  const open = new Set<OpenWatch>();
  let loop: Loop | undefined;
  let followed: Loop | undefined;
  let read: number | undefined;
  let started: Promise<void> | undefined;
  events.onPublished(() => loop?.wake());

  async function takeHead(): Promise<void> {
    read = await database.read(newestSeq);
  }

  /** Tokens end by person, device, app or connection: whether a watcher's own has, the store knows. */
  async function endRevoked(page: readonly StoredEvent[]): Promise<void> {
    const revoked = page.filter(({ type }) => type === 'token.revoked');
    for (const watch of open) {
      const { sub, accessTokenHash } = watch.who;
      const concerned = revoked.some(({ subject }) => subject.sub === undefined || subject.sub === sub);
      if (concerned && (await tokenEnd(accessTokenHash)) === undefined) end(watch);
    }
  }

  async function readOn(): Promise<void> {
    await started;
    if (open.size === 0) {
      const head = await database.read(newestSeq);
      // Who began to watch meanwhile may have been told that it does: then nothing is skipped.
      if (open.size === 0) {
        read = head;
        return;
      }
    }
    for (;;) {
      const page = await events.page({ since: read ?? 0, limit: EVENT_PAGE });
      for (const event of page) for (const watch of open) note(watch, event);
      await endRevoked(page);
      read = page.at(-1)?.seq ?? read;
      if (page.length < EVENT_PAGE) return;
    }
  }

  /** Throws `forbidden`, `policy_unavailable`. */
  function requireLookUp(who: Holder): void {
    const resource = { kind: 'bridge', id: deps.signer.iss } as const;
    requireAllowed(deps.policy.decide, requestBy(askingPerson(who, clock), { action: 'look-up', resource }));
  }

  async function endDenied(): Promise<void> {
    for (const watch of open) {
      try {
        requireLookUp(watch.who);
      } catch (error) {
        if (!isCountersignError(error, 'forbidden')) throw error;
        end(watch);
      }
    }
  }

  /** Decided when it is told: by what policy and records say then. */
  async function withoutHidden(who: Holder, changes: readonly HeardChange[]): Promise<WatchedChange[]> {
    if (changes.length === 0) return [];
    const own = changes.filter(({ foreign }) => !foreign).map(({ address }) => address);
    const findable =
      own.length === 0 ? new Set<string>() : await deps.credentials.findable(own, askingPerson(who, clock));
    const { finds } = visibilityFor(deps.policy, askingPerson(who, clock));
    return changes
      .filter(({ address, foreign }) => (foreign ? finds(unknownAddress(address)) : findable.has(address)))
      .map(({ address, reason }) => ({ address, reason }));
  }

  /** What changed while nobody listened. */
  async function missedSince(addresses: readonly string[], time: number): Promise<HeardChange[]> {
    return database.read(async (query) => {
      const own = await changedSince(query, addresses, time);
      const foreign = await deps.foreignChanges(query, addresses, time);
      return [
        ...own.map(({ address, status }) => ({ address, reason: REASONS[status], foreign: false })),
        ...foreign.map(({ address, reason }) => ({ address, reason, foreign: true })),
      ];
    });
  }

  return {
    start() {
      started ??= takeHead();
      loop ??= startLoop('watches', LIVE_POLL_MS, readOn, { logger });
      followed ??= followPolicy('watches-policy', deps, endDenied);
    },

    async stop() {
      await loop?.stop();
      loop = undefined;
      await followed?.stop();
      followed = undefined;
      for (const watch of open) end(watch);
    },

    watch(who, { addresses, since }) {
      for (const address of addresses) assertInForm(address);
      return async function* (signal) {
        const watch: OpenWatch = {
          ...{ who, addresses: new Set(addresses), pending: new Map(), bell: createBell(), ended: false },
        };
        open.add(watch);
        try {
          await started;
          // After the watch is open: a revocation from here on finds it.
          const ends = await tokenEnd(who.accessTokenHash);
          if (ends === undefined) return;
          const asOf = seconds(clock);
          const missed = since === undefined ? [] : await missedSince(addresses, since - WATCH_OVERLAP_S);
          yield { asOf, changes: await withoutHidden(who, missed) };
          while (!signal.aborted && !watch.ended && seconds(clock) < ends) {
            const heard = watch.bell.rings;
            if (watch.pending.size === 0) await watch.bell.wait(heard, LIVE_POLL_MS, signal);
            const pending = [...watch.pending.values()];
            watch.pending.clear();
            const changes = await withoutHidden(who, pending);
            if (changes.length > 0) yield { asOf: seconds(clock), changes };
          }
        } finally {
          open.delete(watch);
        }
      };
    },
  };
}

const REASONS = { active: 'published', revoked: 'revoked' } as const;

function note(watch: OpenWatch, event: StoredEvent): void {
  const change = changeOf(event);
  if (change !== undefined) {
    if (!watch.addresses.has(change.address)) return;
    watch.pending.set(change.address, change);
    watch.bell.ring();
  } else if (restricts(event.type, event.subject, watch.who)) {
    end(watch);
  }
}

function changeOf({ type, subject: { address, partner }, data }: StoredEvent): HeardChange | undefined {
  if (address === undefined) return undefined;
  if (type === 'statement.published') return { address, reason: 'published', foreign: false };
  if (type === 'statement.revoked') return { address, reason: 'revoked', foreign: false };
  if (type !== 'signal.received' || partner === undefined) return undefined;
  return { address, reason: data.change === 'revoked' ? 'revoked' : 'published', foreign: true };
}

/** After a restriction the holder has to show anew who they are. */
function restricts(
  type: StoredEvent['type'],
  subject: StoredEvent['subject'],
  who: OpenWatch['who'],
): boolean {
  if (type === 'person.closed' || type === 'person.reset') return subject.sub === who.sub;
  return type === 'device.removed' && subject.device === who.deviceId;
}

function end(watch: OpenWatch): void {
  watch.ended = true;
  watch.bell.ring();
}

function assertInForm(text: string): void {
  const { address } = parseAddress(text);
  if (address !== text) throw new CountersignError('address_invalid', `Write it as ${address}.`);
}
