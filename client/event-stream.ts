import { CountersignError } from '../protocol/errors.ts';

export interface StreamedEvent {
  readonly event: string;
  /** Null where the bridge says no more than the id: where to take the stream up again. */
  readonly data: string | null;
  /** Where to take the stream up again after this event; null where it says nothing of it. */
  readonly id: string | null;
}

/** A bridge that sends no line's end must not fill the memory. UTF-16 units. */
const LONGEST_LINE = 65_536;

/** Lines of a stream and its silence are the bridge's; what it says is attacker-controlled. */
export interface EventStreamOptions {
  /** A comment comes every 15 s: who is silent for longer than this is gone. Milliseconds. */
  readonly silenceMs: number;
  /** UTF-16 units, where the events may be longer than most are. */
  readonly longestLine?: number;
}

/**
 * The events of a `text/event-stream` (WHATWG HTML §9.2.6) until it ends. Throws `bridge_unreachable` where it breaks off or
 * falls silent, `bridge_invalid` for a line without end.
 */
export async function* readEventStream(
  body: ReadableStream<Uint8Array>,
  { silenceMs, longestLine = LONGEST_LINE }: EventStreamOptions,
): AsyncGenerator<StreamedEvent, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let event = 'message';
  let data: string[] = [];
  let id: string | null = null;
  try {
    for (;;) {
      const chunk = await readBefore(reader, silenceMs);
      if (chunk === null) return;
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > longestLine) throw new CountersignError('bridge_invalid', 'a line without end');
      for (const line of lines.map((each) => each.replace(/\r$/, ''))) {
        if (line === '') {
          if (data.length > 0) yield { event, data: data.join('\n'), id };
          else if (id !== null) yield { event, data: null, id };
          event = 'message';
          data = [];
          id = null;
        } else if (line.startsWith('event:')) {
          event = line.slice(6).trim();
        } else if (line.startsWith('data:')) {
          data.push(line.slice(5).replace(/^ /, ''));
        } else if (line.startsWith('id:')) {
          id = line.slice(3).trim();
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** The next bytes; null at the end. */
async function readBefore(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  silenceMs: number,
): Promise<Uint8Array | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silent = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('nothing was heard')), silenceMs);
  });
  try {
    const { done, value } = await Promise.race([reader.read(), silent]);
    return done ? null : value;
  } catch (cause) {
    throw new CountersignError('bridge_unreachable', 'the stream broke off', { cause });
  } finally {
    clearTimeout(timer);
  }
}
