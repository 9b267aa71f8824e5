/** One event of a stream, as it came. */
export interface StreamedEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string;
}

/** Reads a stream with nothing of ours: event by event, and what else came (comments). */
export function readStream(response: Response): {
  next(): Promise<StreamedEvent | null>;
  readonly comments: () => number;
} {
  const reader = (response.body ?? new ReadableStream()).getReader();
  const decoder = new TextDecoder();
  let text = '';
  let comments = 0;
  return {
    comments: () => comments,
    async next() {
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end === -1) {
          const { done, value } = await reader.read();
          if (done) return null;
          text += decoder.decode(value, { stream: true });
          continue;
        }
        const lines = text.slice(0, end).split('\n');
        text = text.slice(end + 2);
        comments += lines.filter((line) => line.startsWith(':')).length;
        const field = (name: string) =>
          lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        const data = field('data');
        if (data !== undefined) return { id: field('id'), event: field('event'), data };
      }
    },
  };
}
