import { type Clock, seconds } from '../lib/clock.ts';
import type { Feed } from './feeds.ts';
import type { Listener, OpenStreams } from './open-streams.ts';
import { hadToLeave, isFor, type Reading, type RelayMessage, restrictsGroup } from './relay-message.ts';

/** What a listener is told: the events of `POST /v1/meetings/stream`. */
export interface ToldMessage {
  readonly seq: number;
  readonly kind: RelayMessage['kind'];
  /** JSON. */
  readonly data: string;
}

/**
 * Nothing up to here was for this listener, who goes on from here after a broken connection. That something happened of
 * which they are not told is no news: the numbers of what they are told have gaps.
 */
export interface ToldPlace {
  readonly seq: number;
  readonly kind: 'place';
}

/** A stream that may begin: who listens was read from the records a moment ago. */
export interface Told {
  readonly listener: Listener;
  readonly feed: Feed;
  readonly since: number;
  /** The newest message when that was read: what later ones say against the listener counts. */
  readonly head: number;
}

export interface TellingDeps {
  /** Our own entity id: every listener is of ours. */
  readonly iss: string;
  readonly clock: Clock;
  readonly streams: OpenStreams;
  /** When the access token of this hash ends, in seconds; nothing if it has ended or was revoked. */
  readonly tokenEnd: (accessTokenHash: string) => Promise<number | undefined>;
  /** Has everybody who listens to this meeting here looked at again. */
  readonly recheck: (meeting: { readonly home: string; readonly group: string }) => void;
}

export type Tell = (told: Told, signal: AbortSignal) => AsyncGenerator<ToldMessage | ToldPlace, void>;

/**
 * Tells the messages behind `since` that are for this device, until the signal is aborted, the meeting or the access
 * token has ended, or the device had to leave.
 */
export function createTell({ iss, clock, streams, tokenEnd, recheck }: TellingDeps): Tell {
  return async function* ({ listener, feed, since, head }, signal) {
    const { who, home, group, role } = listener;
    const reading: Reading = { iss, deviceId: who.deviceId, admin: role === 'admin' };
    const stream = streams.open(listener);
    const both = AbortSignal.any([signal, stream.signal]);
    try {
      // After the stream is open: a revocation from here on finds it.
      const ends = await tokenEnd(who.accessTokenHash);
      if (ends === undefined) return;
      const isOver = () => both.aborted || seconds(clock) >= ends;
      let place = since;
      for await (const page of feed.follow(since, both, reading)) {
        let isQuiet = true;
        for (const message of page.messages) {
          if (isOver()) return;
          if (message.seq > head) {
            if (hadToLeave(message, reading)) return;
            if (restrictsGroup(message)) recheck({ home, group });
          }
          if (isFor(message, reading)) {
            yield told(message);
            place = message.seq;
            isQuiet = false;
          }
          if (message.kind === 'ended') return;
        }
        if (isOver()) return;
        if (isQuiet && page.through > place) {
          place = page.through;
          yield { seq: place, kind: 'place' };
        }
      }
    } finally {
      streams.close(stream);
    }
  };
}

/** What of the group changed is for its records to say. */
function told({ seq, kind, body }: RelayMessage): ToldMessage {
  return { seq, kind, data: kind === 'group' ? '{}' : body };
}
