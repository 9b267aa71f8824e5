import {
  type Answer,
  demand,
  membersOf,
  openReceiver,
  type ReceivedRequest,
  type Receiver,
  utf8Of,
} from './receiver.ts';
import type { ReceiverNetwork } from './receiver-network.ts';

export interface BulkStore extends Receiver {
  /** Ids of documents in the order in which they were created; none is there twice. */
  readonly held: readonly string[];
  readonly documents: ReadonlyMap<string, Record<string, unknown>>;
  refuse(eventId: string): void;
  /** The credentials have no privilege to search any more. */
  forbidReading(): void;
  /** The credentials have none to refresh, and what is created becomes searchable when it was searched for `times` times. */
  forbidRefresh(times: number): void;
  /** Something that the sink did not send. */
  plant(id: string, document: Record<string, unknown>): void;
  /** Searches answer so, beside the documents. */
  answerPartly(partly: { timed_out?: boolean; failed?: number }): void;
  /**
   * As Elasticsearch does with a failure store since 8.18 (9.2 by the template of `logs-*-*`): what a mapping refuses
   * is put there, and answered as a success. `failed`: it is not taken there either; `no`: there is none.
   */
  keepFailures(how?: 'used' | 'failed' | 'not_enabled' | 'no'): void;
  /** The next items meet these statuses, one each; `undefined`: as it should be. */
  itemsMeet(...statuses: (number | undefined)[]): void;
}

const ITEM_ERRORS: Record<number, { type: string; reason: string }> = {
  400: { type: 'document_parsing_exception', reason: 'failed to parse field [seq] of type [long]' },
  403: { type: 'security_exception', reason: 'action [indices:data/write/bulk] is unauthorized' },
  404: { type: 'index_not_found_exception', reason: 'no such index [logs]' },
  409: { type: 'version_conflict_engine_exception', reason: 'document already exists' },
  429: { type: 'es_rejected_execution_exception', reason: 'rejected execution of primary operation' },
  503: { type: 'unavailable_shards_exception', reason: 'primary shard is not active' },
};

const FILTER = 'errors,items.*.status,items.*.failure_store,items.*.error.type,items.*.error.reason';

/** A data stream behind `_bulk` of Elasticsearch 8 and OpenSearch 2, with `filter_path`. */
export async function openBulkStore(
  network: ReceiverNetwork,
  options: { authorization: string; stream: string },
): Promise<BulkStore> {
  const documents = new Map<string, Record<string, unknown>>();
  const held: string[] = [];
  const refused = new Set<string>();
  let statuses: (number | undefined)[] = [];
  let failures: 'used' | 'failed' | 'not_enabled' | 'no' = 'no';
  let reading = true;
  let lagging: number | undefined;
  let searchable = 0;
  let partly: { timed_out?: boolean; failed?: number } = {};

  function create(id: string, document: Record<string, unknown>): number {
    const forced = statuses.shift();
    if (forced !== undefined) return forced;
    if (refused.has(id)) return 400;
    if (documents.has(id)) return 409;
    documents.set(id, document);
    held.push(id);
    return 201;
  }

  function itemOf(status: number): { status: number; error?: object | undefined; failure_store?: string } {
    if (status < 300) return { status };
    const isDocument = status === 400;
    if (isDocument && failures === 'used') return { status: 201, failure_store: 'used' };
    const store = failures === 'no' || !isDocument ? {} : { failure_store: failures };
    return { status, error: ITEM_ERRORS[status], ...store };
  }

  function search(request: ReceivedRequest): Answer {
    if (!reading) return { status: 403, body: '{"error":{"type":"security_exception"},"status":403}' };
    demand(request.query.get('allow_partial_search_results') === 'false', 'a part of the answer will do');
    demand(
      request.query.get('filter_path') === 'timed_out,_shards.failed,hits.hits._source,hits.hits.sort',
      'the stand-in filters its answer in one way only',
    );
    const { size, query, sort } = JSON.parse(utf8Of(request.body));
    const [field = ''] = Object.keys(sort[0]);
    const wanted = query.range?.[field];
    const [{ range: unwanted } = { range: {} }] = query.bool?.must_not ?? [];
    const inside = (document: object, { gte, lte }: { gte: number; lte: number }) => {
      const seq = field
        .split('.')
        .reduce((at, name) => Object(at[name]), Object(document))
        .valueOf();
      return typeof seq === 'number' && seq >= gte && seq <= lte;
    };
    const seqOf = (document: object): number =>
      Number(field.split('.').reduce((at, name) => Object(at[name]), Object(document)));
    if (lagging !== undefined && lagging-- <= 0) searchable = documents.size;
    const found = [...documents.values()]
      .slice(0, searchable)
      .filter((document) =>
        wanted === undefined ? !inside(document, unwanted[field]) : inside(document, wanted),
      )
      .sort((left, right) => seqOf(left) - seqOf(right) || 0)
      .slice(0, size)
      .map((_source) => ({ _source, sort: [wanted === undefined ? null : seqOf(_source)] }));
    const { timed_out = false, failed = 0 } = partly;
    const body = {
      ...{ timed_out, _shards: { failed } },
      ...(found.length === 0 ? {} : { hits: { hits: found } }),
    };
    return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  }

  function refresh(): Answer {
    if (lagging !== undefined)
      return { status: 403, body: '{"error":{"type":"security_exception"},"status":403}' };
    searchable = documents.size;
    return { status: 200, body: '{"_shards":{"failed":0}}' };
  }

  function handle(request: ReceivedRequest): Answer {
    demand(request.method === 'POST', 'expected POST');
    if (request.headers.authorization !== options.authorization)
      return { status: 401, body: '{"status":401}' };
    if (request.path === `/${options.stream}/_search`) return search(request);
    if (request.path === `/${options.stream}/_refresh`) return refresh();
    demand(request.path === `/${options.stream}/_bulk`, `no such path: ${request.path}`);
    demand(request.headers['content-type'] === 'application/x-ndjson', 'expected application/x-ndjson');
    demand(request.query.get('filter_path') === FILTER, 'the stand-in filters its answer in one way only');
    const items = pairsIn(utf8Of(request.body)).map(([id, document]) => {
      return { create: itemOf(create(id, document)) };
    });
    const errors = items.some(({ create: { status } }) => status >= 300);
    const headers = { 'content-type': 'application/json' };
    return { status: 200, headers, body: JSON.stringify({ errors, items }) };
  }

  const receiver = await openReceiver(network, 'search.example.net', handle);
  return {
    ...receiver,
    held,
    documents,
    refuse: (eventId) => void refused.add(eventId),
    forbidReading: () => {
      reading = false;
    },
    forbidRefresh: (times) => {
      lagging = times;
    },
    plant: (id, document) => void documents.set(id, document),
    answerPartly: (wanted) => {
      partly = wanted;
    },
    keepFailures: (how = 'used') => {
      failures = how;
    },
    itemsMeet: (...wanted) => {
      statuses = wanted;
    },
  };
}

/** Lines in pairs, each ended by LF, the last one too. */
function pairsIn(text: string): [string, Record<string, unknown>][] {
  demand(text.endsWith('\n'), 'the last line has no end');
  const lines = text.slice(0, -1).split('\n');
  demand(lines.length % 2 === 0, 'an action without a document');
  return Array.from({ length: lines.length / 2 }, (_, pair) => {
    const action = membersOf(JSON.parse(lines[pair * 2] ?? ''), ['create']);
    const { _id } = membersOf(action.create, ['_id']);
    demand(typeof _id === 'string' && Buffer.byteLength(_id) <= 512, '_id is not text of at most 512 bytes');
    const document: unknown = JSON.parse(lines[pair * 2 + 1] ?? '');
    const members = membersOf(document, ['@timestamp'], Object.keys(Object(document)));
    demand(!Number.isNaN(Date.parse(String(members['@timestamp']))), '@timestamp is not a time');
    return [_id, members];
  });
}
