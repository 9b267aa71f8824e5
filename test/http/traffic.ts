/** One request of the client API and its answer, as they went over the wire. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly body: string | null;
  readonly status: number;
  readonly mediaType: string;
  readonly answer: string;
}

/** A fetch that keeps what clients and bridge said to each other. */
export interface Traffic {
  readonly fetch: typeof fetch;
  readonly exchanges: readonly Exchange[];
  /** What clients have read of the streams at a path. */
  streamed(path: string): string;
}

export function recordTraffic(fetchNamed: typeof fetch, origin: string): Traffic {
  const exchanges: Exchange[] = [];
  const streams = new Map<string, string>();
  return {
    exchanges,
    streamed: (path) => streams.get(path) ?? '',
    async fetch(input, init) {
      const response = await fetchNamed(input, init);
      const url = new URL(input instanceof Request ? input.url : input);
      if (url.origin !== origin) return response;
      // It ends when its reader goes, so there is no waiting for the whole of it.
      if (response.headers.get('content-type') === 'text/event-stream') {
        return listenedTo(response, (text) =>
          streams.set(url.pathname, `${streams.get(url.pathname) ?? ''}${text}`),
        );
      }
      exchanges.push({
        method: (init?.method ?? 'GET').toLowerCase(),
        path: url.pathname,
        body: typeof init?.body === 'string' ? init.body : null,
        status: response.status,
        mediaType: (response.headers.get('content-type') ?? '').split(';')[0] ?? '',
        answer: await response.clone().text(),
      });
      return response;
    },
  };
}

/** The same answer, of which each part is told as it is read. */
function listenedTo(response: Response, tell: (text: string) => void): Response {
  const decoder = new TextDecoder();
  const listening = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      tell(decoder.decode(chunk, { stream: true }));
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body?.pipeThrough(listening) ?? null, response);
}
