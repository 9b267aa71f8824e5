import * as z from 'zod';
import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import { type CopyReader, noSuchPart } from '../copy-reader.ts';
import type { FormatName } from '../formats/formatter.ts';
import type { HttpReceiver } from '../http/http-receiver.ts';

/** Documents of one answer: some MB where each is as large as events get. */
const PAGE = 100;

/** Filtered as it is asked for, an answer without documents is empty. */
const answer = z.object({
  hits: z.object({ hits: z.array(z.object({ _source: z.record(z.string(), z.unknown()) })) }).optional(),
});

/** Where documents have their `seq`. */
const SEQ: Partial<Record<FormatName, string>> = { ecs: 'event.sequence', ocsf: 'metadata.sequence' };

/** Searches the documents of a sink in the order of `seq`. */
export function elasticCopy(
  receiver: HttpReceiver,
  request: { readonly url: URL; readonly authorization: string; readonly format: FormatName },
): CopyReader {
  const { url, authorization, format } = request;
  const field = SEQ[format] ?? 'seq';

  async function search(from: number, signal: AbortSignal): Promise<Record<string, unknown>[]> {
    const body = JSON.stringify({
      size: PAGE,
      query: { range: { [field]: { gte: from } } },
      sort: [{ [field]: { order: 'asc', unmapped_type: 'long' } }],
    });
    const headers = { authorization, 'content-type': 'application/json' };
    const found = await permitted(receiver.send({ url, headers, body, signal, fault: refusesQuestion }));
    return (receiver.read(found, answer).hits?.hits ?? []).map(({ _source }) => _source);
  }

  return {
    async part(after, signal) {
      if (after !== undefined && !/^\d{1,15}$/.test(after)) throw noSuchPart();
      const from = Number(after ?? 0);
      const found = await search(from, signal);
      const lines = found.map((document) => JSON.stringify(asSent(document, format)));
      if (found.length < PAGE) return { lines, next: null };
      // the last one comes once more, with others of its seq that this page had no room for
      const last = memberOf(found.at(-1), field);
      if (typeof last !== 'number' || last <= from) {
        throw new CountersignError('sink_unavailable', `There are too many documents of one ${field}.`);
      }
      return { lines, next: String(last) };
    },
  };
}

/** Without the time that every document of a data stream must have, where the sink put it before the event. */
function asSent(document: Record<string, unknown>, format: FormatName): Record<string, unknown> {
  const time = format === 'ocsf' ? memberOf(document, 'metadata.original_time') : document.time;
  if (format === 'ecs' || document['@timestamp'] !== time) return document;
  const { '@timestamp': _added, ...event } = document;
  return event;
}

function memberOf(document: Record<string, unknown> | undefined, path: string): unknown {
  let value: unknown = document;
  for (const name of path.split('.')) value = Object(value)[name];
  return value;
}

/** No event is at fault where a question is refused. */
function refusesQuestion({ status }: { readonly status: number }) {
  return status === 400 ? ('sink_misconfigured' as const) : undefined;
}

async function permitted<T>(sent: Promise<T>): Promise<T> {
  try {
    return await sent;
  } catch (error) {
    if (!isCountersignError(error, 'sink_misconfigured')) throw error;
    throw new CountersignError(
      'sink_misconfigured',
      'To read, the credentials need the privilege `read` on the data stream. Give them that, or search with others ' +
        `and verify the answer as a file. ${error.detail ?? ''}`,
      { cause: error },
    );
  }
}
