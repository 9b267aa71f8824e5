/** One event of a stream, as it came. */
export interface StreamedEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string;
}

/** A stream that is read with nothing of ours. */
export interface StreamReader {
  /** The next event; nothing once the stream has ended. Comments are passed over. */
  next(): Promise<StreamedEvent | null>;
  /** Resolves once this many comments came, with no event among them. */
  untilComments(count: number): Promise<void>;
}

export function readStream(response: Response): StreamReader {
  const blocks = blocksOf(response);
  const nextBlock = async () => (await blocks.next()).value ?? null;
  return {
    async next() {
      for (let block = await nextBlock(); block !== null; block = await nextBlock()) {
        const event = eventIn(block);
        if (event !== null) return event;
      }
      return null;
    },
    async untilComments(count) {
      for (let comments = 0; comments < count; ) {
        const block = await nextBlock();
        if (block === null) throw new Error('the stream has ended');
        if (eventIn(block) !== null) throw new Error('an event came');
        comments += block.filter((line) => line.startsWith(':')).length;
      }
    },
  };
}

/** What stands between empty lines, line by line. */
async function* blocksOf(response: Response): AsyncGenerator<string[], void> {
  const reader = (response.body ?? new ReadableStream()).getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const end = text.indexOf('\n\n');
    if (end !== -1) {
      yield text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      continue;
    }
    const { done, value } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
  }
}

function eventIn(lines: readonly string[]): StreamedEvent | null {
  const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  const data = field('data');
  return data === undefined ? null : { id: field('id'), event: field('event'), data };
}
