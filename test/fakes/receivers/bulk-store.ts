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

/** A data stream behind `_bulk` of Elasticsearch 8 and OpenSearch 2, with `filter_path`. */
export async function openBulkStore(
  network: ReceiverNetwork,
  options: { authorization: string; stream: string },
): Promise<BulkStore> {
  const documents = new Map<string, Record<string, unknown>>();
  const held: string[] = [];
  const refused = new Set<string>();
  let statuses: (number | undefined)[] = [];
  let reading = true;

  function create(id: string, document: Record<string, unknown>): number {
    const forced = statuses.shift();
    if (forced !== undefined) return forced;
    if (refused.has(id)) return 400;
    if (documents.has(id)) return 409;
    documents.set(id, document);
    held.push(id);
    return 201;
  }

  function search(request: ReceivedRequest): Answer {
    if (!reading) return { status: 403, body: '{"error":{"type":"security_exception"},"status":403}' };
    const { size, query, sort } = JSON.parse(utf8Of(request.body));
    const [field = ''] = Object.keys(query.range);
    demand(JSON.stringify(Object.keys(sort[0])) === JSON.stringify([field]), 'sorted by something else');
    const seqOf = (document: object): number =>
      field.split('.').reduce((at, name) => at[name], Object(document));
    const found = [...documents.values()]
      .filter((document) => seqOf(document) >= query.range[field].gte)
      .sort((left, right) => seqOf(left) - seqOf(right))
      .slice(0, size)
      .map((_source) => ({ _source }));
    const body = found.length === 0 ? {} : { hits: { hits: found } };
    return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  }

  function handle(request: ReceivedRequest): Answer {
    demand(request.method === 'POST', 'expected POST');
    if (request.headers.authorization !== options.authorization)
      return { status: 401, body: '{"status":401}' };
    if (request.path === `/${options.stream}/_search`) return search(request);
    demand(request.path === `/${options.stream}/_bulk`, `no such path: ${request.path}`);
    demand(request.headers['content-type'] === 'application/x-ndjson', 'expected application/x-ndjson');
    demand(
      request.query.get('filter_path') === 'errors,items.*.status,items.*.error.type,items.*.error.reason',
      'the stand-in filters its answer in one way only',
    );
    const items = pairsIn(utf8Of(request.body)).map(([id, document]) => {
      const status = create(id, document);
      return { create: { status, ...(status < 300 ? {} : { error: ITEM_ERRORS[status] }) } };
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
