import type { RelayMessage, RelayPage } from './relay-message.ts';

/**
 * The newest messages of the meetings that somebody listens to here, so that each is read once for all of them. What
 * all meetings hold together is bounded: beyond it the oldest goes, of whichever meeting.
 */
export interface RelayMemory {
  /** The memory of one meeting, beginning behind `after`. */
  begin(after: number): MeetingMemory;
  /** Characters that are held now. */
  readonly length: number;
}

/** The messages of one meeting that are behind `from`, up to `through`. */
export interface MeetingMemory {
  readonly through: number;
  /** Takes the next page, which begins where this ends. */
  add(page: RelayPage): void;
  /** What is behind `after`, up to about `length` characters; `undefined` if some of it is not here (any more). */
  read(after: number, length: number): RelayPage | undefined;
  /** Lets go of everything. */
  clear(): void;
}

/** What a message takes beside its text, roughly. */
const OVERHEAD = 200;

interface Held {
  readonly message: RelayMessage;
  /** Called when it is to go, which is in the order of their coming. */
  readonly forget: () => void;
}

export function createRelayMemory(room: number): RelayMemory {
  const held = new Set<Held>();
  let length = 0;

  function drop(entry: Held): void {
    if (held.delete(entry)) length -= entry.message.body.length + OVERHEAD;
  }

  function hold(entry: Held): void {
    held.add(entry);
    length += entry.message.body.length + OVERHEAD;
    for (const oldest of held) {
      if (length <= room) return;
      drop(oldest);
      oldest.forget();
    }
  }

  return {
    get length() {
      return length;
    },
    begin(after) {
      let from = after;
      let through = after;
      let entries: Held[] = [];
      return {
        get through() {
          return through;
        },
        add(page) {
          for (const message of page.messages) {
            const entry: Held = {
              message,
              forget: () => {
                entries.shift();
                from = message.seq;
              },
            };
            entries.push(entry);
            hold(entry);
          }
          through = Math.max(through, page.through);
        },
        read(behind, most) {
          if (behind < from) return undefined;
          const messages: RelayMessage[] = [];
          let taken = 0;
          for (let index = firstBehind(entries, behind); index < entries.length; index += 1) {
            const message = entries[index]?.message;
            if (message === undefined) break;
            if (taken > 0 && taken + message.body.length > most) {
              return { messages, through: messages.at(-1)?.seq ?? behind };
            }
            messages.push(message);
            taken += message.body.length;
          }
          return { messages, through: Math.max(behind, through) };
        },
        clear() {
          for (const entry of entries) drop(entry);
          entries = [];
          from = through;
        },
      };
    },
  };
}

/** Where in the order of `seq` the first is that is behind `after`. */
function firstBehind(entries: readonly Held[], after: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.message.seq ?? 0) <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
