import type { Holder } from '../binding/holder.ts';
import type { Role } from './attendance.ts';

/** A device of ours that listens to a meeting here. */
export interface Listener {
  /** The home bridge of the meeting, which may be this one. */
  readonly home: string;
  readonly group: string;
  readonly who: Holder;
  readonly role: Role;
}

export interface OpenStream extends Listener {
  /** Aborted once it is to end. */
  readonly signal: AbortSignal;
  end(): void;
}

/** The streams of meetings that are open in this process. */
export interface OpenStreams {
  open(listener: Listener): OpenStream;
  close(stream: OpenStream): void;
  /** All of them, or those of one meeting. */
  all(): OpenStream[];
  of(home: string, group: string): OpenStream[];
}

export function createOpenStreams(): OpenStreams {
  const meetings = new Map<string, Set<OpenStream>>();
  const keyOf = ({ home, group }: Pick<Listener, 'home' | 'group'>) => `${home} ${group}`;
  return {
    open(listener) {
      const ending = new AbortController();
      const stream = { ...listener, signal: ending.signal, end: () => ending.abort() };
      const key = keyOf(listener);
      meetings.set(key, (meetings.get(key) ?? new Set()).add(stream));
      return stream;
    },
    close(stream) {
      const key = keyOf(stream);
      const streams = meetings.get(key);
      streams?.delete(stream);
      if (streams?.size === 0) meetings.delete(key);
    },
    all: () => [...meetings.values()].flatMap((streams) => [...streams]),
    of: (home, group) => [...(meetings.get(keyOf({ home, group })) ?? [])],
  };
}
