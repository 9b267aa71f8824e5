import { setTimeout } from 'node:timers/promises';
import * as z from 'zod';
import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import { type CopyReader, noSuchPart } from '../copy-reader.ts';
import type { FormatName } from '../formats/formatter.ts';
import type { HttpReceiver } from '../http/http-receiver.ts';

/** Documents of one answer: some MB where each is as large as events get. */
const PAGE = 100;

/** What is indexed becomes searchable within a second, as the stores come. */
const REFRESH_MS = 1_500;

/** `seq`s that can be: what is sent to try a sink out has 0. */
const SEQS = { gte: 0, lte: 999_999_999_999_999 };

const SEARCHED = {
  // A part of the documents looks like a copy from which somebody deleted some.
  allow_partial_search_results: 'false',
  filter_path: 'timed_out,_shards.failed,hits.hits._source,hits.hits.sort',
};

/** Filtered as it is asked for, an answer without documents has no hits. */
const answer = z.object({
  timed_out: z.boolean(),
  _shards: z.object({ failed: z.number() }),
  hits: z
    .object({
      hits: z.array(
        z.object({ _source: z.record(z.string(), z.unknown()), sort: z.array(z.unknown()).optional() }),
      ),
    })
    .optional(),
});

/** Where documents have their `seq`. */
const SEQ: Partial<Record<FormatName, string>> = { ecs: 'event.sequence', ocsf: 'metadata.sequence' };

interface Found {
  readonly line: string;
  /** As the store sorts it, which need not be what the document says. */
  readonly seq: unknown;
}

/**
 * Searches the documents of a sink in the order of `seq`, and at the end those that have none: they are no events, and
 * whoever searches there sees them all the same.
 */
export function elasticCopy(
  receiver: HttpReceiver,
  request: {
    readonly search: URL;
    readonly refresh: URL;
    readonly authorization: string;
    readonly format: FormatName;
  },
): CopyReader {
  const { authorization, format } = request;
  const field = SEQ[format] ?? 'seq';
  const url = new URL(request.search);
  for (const [name, value] of Object.entries(SEARCHED)) url.searchParams.set(name, value);

  async function search(query: object, signal: AbortSignal): Promise<Found[]> {
    const sort = [{ [field]: { order: 'asc', unmapped_type: 'long' } }];
    const body = JSON.stringify({ size: PAGE, query, sort });
    const headers = { authorization, 'content-type': 'application/json' };
    const found = await permitted(receiver.send({ url, headers, body, signal, fault: refusesQuestion }));
    const { timed_out, _shards, hits } = receiver.read(found, answer);
    if (timed_out || _shards.failed > 0) {
      throw new CountersignError('sink_unavailable', 'The receiver searched a part of the documents only.');
    }
    return (hits?.hits ?? []).map(({ _source, sort: [seq] = [] }) => ({
      ...{ seq, line: JSON.stringify(asSent(_source, format)) },
    }));
  }

  const placed = (from: number, signal: AbortSignal) =>
    search({ range: { [field]: { ...SEQS, gte: from } } }, signal);

  /** Documents without a `seq` that can be, or with one that the store did not index. */
  async function strays(signal: AbortSignal): Promise<string[]> {
    const found = await search({ bool: { must_not: [{ range: { [field]: SEQS } }] } }, signal);
    const lines = found.map(({ line }) => line);
    return found.length < PAGE ? lines : [...lines, `(there may be more documents without ${field})`];
  }

  /** Makes searchable what the store has acknowledged; `false` where the credentials may not. */
  async function refresh(signal: AbortSignal): Promise<boolean> {
    try {
      await receiver.send({ url: request.refresh, headers: { authorization }, signal });
      return true;
    } catch (error) {
      if (isCountersignError(error, 'sink_misconfigured')) return false;
      throw error;
    }
  }

  async function lastPage(from: number, signal: AbortSignal): Promise<Found[]> {
    if (!(await refresh(signal))) await setTimeout(REFRESH_MS, undefined, { signal });
    return placed(from, signal);
  }

  return {
    async part(after, signal) {
      if (after !== undefined && !/^\d{1,15}$/.test(after)) throw noSuchPart();
      const from = Number(after ?? 0);
      if (after === undefined) await refresh(signal);
      const first = await placed(from, signal);
      const found = first.length < PAGE ? await lastPage(from, signal) : first;
      const lines = found.map(({ line }) => line);
      if (found.length < PAGE) return { lines: [...lines, ...(await strays(signal))], next: null };
      // the last one comes once more, with others of its seq that this page had no room for
      const last = found.at(-1)?.seq;
      if (typeof last !== 'number' || last <= from) {
        throw new CountersignError('sink_unavailable', `There are too many documents of one ${field}.`);
      }
      return { lines, next: String(Math.floor(last)) };
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
