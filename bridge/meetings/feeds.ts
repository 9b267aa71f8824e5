import { setTimeout as wait } from 'node:timers/promises';
import { type ErrorCode, isCountersignError } from '../../protocol/errors.ts';
import {
  MEETING_LINGER_MS,
  MEETING_LONG_POLL_MS,
  MEETING_MEMORY_LENGTH,
  MEETING_PAGE_LENGTH,
  MEETING_RETRY_MAX_MS,
  MEETING_RETRY_MS,
} from '../lib/limits.ts';
import type { Logger } from '../lib/logger.ts';
import { createRelayMemory, type MeetingMemory, type RelayMemory } from './relay-memory.ts';
import type { Reading, RelayPage } from './relay-message.ts';
import { createWaitingReaders, type WaitingReaders } from './waiting-readers.ts';

/** Where the messages of a meeting come from: the store, or its home bridge. */
export interface RelaySource {
  /**
   * What is behind `after`, at least up to the next message that there is. With `wait` it answers once there is one,
   * or after a while with none. Throws one of `FINAL` where asking again is of no use.
   */
  read(after: number, options: { readonly wait: boolean; readonly signal: AbortSignal }): Promise<RelayPage>;
  /** Nobody reads any more. */
  close?(): void;
}

/** The messages of one meeting for everybody who listens in this process, read once for all of them. */
export interface Feed {
  /**
   * Pages behind `since`, in order, until the signal is aborted or there will be no more. What comes while this reader
   * waits is passed over where it does not concern it. After a while with nothing else, and at the end of waiting, a page
   * without messages says how far that was.
   */
  follow(since: number, signal: AbortSignal, reading: Reading): AsyncGenerator<RelayPage, void>;
}

/** The feeds of this process. */
export interface Feeds {
  /** The feed of this name; one that nobody listens to yet begins behind `head`. */
  of(name: string, head: number, source: RelaySource): Feed;
  /** Characters held in memory. */
  readonly length: number;
  stop(): Promise<void>;
}

/** Errors after which a meeting is not asked for again. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(['forbidden', 'group_unknown', 'group_ended', 'group_excluded', 'meeting_missed'] as const),
  ...(['partner_unknown', 'partner_suspended', 'partner_refuses'] as const),
]);

export interface FeedsDeps {
  readonly logger: Logger;
  /** For tests: milliseconds, and characters of all messages. */
  readonly times?: { readonly linger?: number; readonly retry?: number; readonly quiet?: number };
  readonly room?: number;
}

export function createFeeds(deps: FeedsDeps): Feeds {
  const memory = createRelayMemory(deps.room ?? MEETING_MEMORY_LENGTH);
  const feeds = new Map<string, OpenFeed>();
  return {
    of(name, head, source) {
      const known = feeds.get(name);
      if (known !== undefined && !known.over) return known;
      const feed = new OpenFeed(deps, { name, head, source, memory }, () => {
        if (feeds.get(name) === feed) feeds.delete(name);
      });
      feeds.set(name, feed);
      return feed;
    },
    get length() {
      return memory.length;
    },
    async stop() {
      await Promise.all([...feeds.values()].map((feed) => feed.stop()));
    },
  };
}

interface FeedOf {
  readonly name: string;
  readonly head: number;
  readonly source: RelaySource;
  readonly memory: RelayMemory;
}

class OpenFeed implements Feed {
  readonly #deps: FeedsDeps;
  readonly #of: FeedOf;
  readonly #memory: MeetingMemory;
  readonly #waiting: WaitingReaders;
  readonly #stopping = new AbortController();
  readonly #onEnd: () => void;
  /** Readings of what is not in memory any more, by where they begin. */
  readonly #past = new Map<number, Promise<RelayPage | undefined>>();
  #listeners = 0;
  #running: Promise<void> | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(deps: FeedsDeps, of: FeedOf, onEnd: () => void) {
    this.#deps = deps;
    this.#of = of;
    const memory = of.memory.begin(of.head);
    this.#memory = memory;
    this.#waiting = createWaitingReaders(() => memory.through);
    this.#onEnd = onEnd;
    this.#awaitListeners();
  }

  /** It gives nothing any more. */
  get over(): boolean {
    return this.#stopping.signal.aborted;
  }

  async *follow(since: number, signal: AbortSignal, reading: Reading): AsyncGenerator<RelayPage, void> {
    this.#join();
    const both = AbortSignal.any([signal, this.#stopping.signal]);
    try {
      for (let read = since; !both.aborted; ) {
        const page = this.#memory.read(read, MEETING_PAGE_LENGTH) ?? (await this.#readPast(read));
        if (page === undefined || both.aborted) return;
        if (page.through > read) {
          read = page.through;
          yield page;
          continue;
        }
        const { through, heard } = await this.#wait(read, reading, both);
        read = through;
        if (!heard) yield { messages: [], through };
      }
    } finally {
      this.#leave();
    }
  }

  /**
   * Waits behind the memory until there is something for this reader: nothing up to `through` is. Nothing is added
   * between the look into the memory and this, nor between the wake and where it goes on.
   */
  async #wait(
    read: number,
    reading: Reading,
    signal: AbortSignal,
  ): Promise<{ readonly through: number; readonly heard: boolean }> {
    // A past that answered nothing is asked again from where it was, whatever came.
    const isAtEnd = read >= this.#memory.through;
    const quiet = this.#deps.times?.quiet ?? MEETING_LONG_POLL_MS;
    const { why, place } = await this.#waiting.wait(reading, quiet, signal);
    return { through: isAtEnd ? Math.max(read, place) : read, heard: why === 'message' };
  }

  async stop(): Promise<void> {
    this.#end();
    await this.#running;
  }

  #join(): void {
    this.#listeners += 1;
    clearTimeout(this.#idle);
    this.#running ??= this.#run();
  }

  #leave(): void {
    this.#listeners -= 1;
    if (this.#listeners === 0) this.#awaitListeners();
  }

  /** Whoever lost the connection comes back in a moment. */
  #awaitListeners(): void {
    if (this.over) return;
    const linger = this.#deps.times?.linger ?? MEETING_LINGER_MS;
    this.#idle = setTimeout(() => this.#end(), linger);
    this.#idle.unref();
  }

  #end(): void {
    clearTimeout(this.#idle);
    if (this.over) return;
    this.#stopping.abort();
    this.#memory.clear();
    this.#of.source.close?.();
    this.#onEnd();
  }

  /** Several who come back from the same place share one reading; nothing where it is of no use to go on. */
  #readPast(after: number): Promise<RelayPage | undefined> {
    const known = this.#past.get(after);
    if (known !== undefined) return known;
    const { signal } = this.#stopping;
    const reading = this.#of.source
      .read(after, { wait: false, signal })
      .catch((error: unknown) => {
        if (signal.aborted || isFinal(error)) return undefined;
        throw error;
      })
      .finally(() => this.#past.delete(after));
    this.#past.set(after, reading);
    return reading;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const begun = performance.now();
        const page = await this.#of.source.read(this.#memory.through, { wait: true, signal });
        failures = 0;
        if (signal.aborted) return;
        if (isLast(page)) return void this.#take(page);
        // A home that answers nothing at once, again and again, must not keep us busy.
        if (!this.#take(page) && performance.now() - begun < this.#firstPause) await this.#pause(1);
      } catch (err) {
        if (signal.aborted) return;
        if (isFinal(err)) return this.#end();
        this.#deps.logger.warn(
          { err, meeting: this.#of.name },
          'the messages of a meeting could not be read',
        );
        failures += 1;
        await this.#pause(failures);
      }
    }
  }

  /** Whether there is anything new. */
  #take(page: RelayPage): boolean {
    if (page.through <= this.#memory.through) return false;
    // Before it is added: whoever it wakes has to read from here on.
    this.#waiting.wake(page.messages);
    this.#memory.add(page);
    return true;
  }

  get #firstPause(): number {
    return this.#deps.times?.retry ?? MEETING_RETRY_MS;
  }

  async #pause(failures: number): Promise<void> {
    const pause = Math.min(MEETING_RETRY_MAX_MS, this.#firstPause * 2 ** Math.min(failures - 1, 10));
    await wait(pause, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }
}

/** Nothing comes behind it. Who listens still reads it here. */
function isLast({ messages }: RelayPage): boolean {
  return messages.at(-1)?.kind === 'ended';
}

function isFinal(error: unknown): boolean {
  return isCountersignError(error) && FINAL.has(error.code);
}
