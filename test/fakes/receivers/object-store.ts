import { createHash, createHmac } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import {
  type Answer,
  demand,
  openReceiver,
  type ReceivedRequest,
  type Receiver,
  utf8Of,
} from './receiver.ts';
import type { ReceiverNetwork } from './receiver-network.ts';

const SKEW_MS = 15 * 60_000;

export interface ObjectStore extends Receiver {
  /** `event_id`s in the objects, by the order in which the objects were written. */
  readonly held: readonly string[];
  /** Objects by key: the lines of each. */
  readonly objects: ReadonlyMap<string, readonly string[]>;
  /** What the access key may do beside `PutObject`. */
  readonly allowed: Set<'ListBucket' | 'GetObject'>;
  /** Puts other bytes in the place of an object. */
  damage(key: string, bytes: Buffer): void;
}

export interface StoreOptions {
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly now?: () => number;
}

/** `PUT`, `GET` and `ListObjectsV2` of S3, path-style, which verifies AWS Signature Version 4 by its own reading of it. */
export async function openObjectStore(network: ReceiverNetwork, options: StoreOptions): Promise<ObjectStore> {
  const held: string[] = [];
  const objects = new Map<string, readonly string[]>();
  const stored = new Map<string, Buffer>();
  const allowed: ObjectStore['allowed'] = new Set(['ListBucket', 'GetObject']);

  function list(query: URLSearchParams): Answer {
    if (!allowed.has('ListBucket')) return s3Error(403, 'AccessDenied');
    const [prefix, after] = [query.get('prefix') ?? '', query.get('start-after') ?? ''];
    const keys = [...stored.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const shown = keys.slice(0, Number(query.get('max-keys') ?? 1_000));
    const contents = shown.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('');
    const more = keys.length > shown.length;
    const body = `<ListBucketResult><IsTruncated>${more}</IsTruncated>${contents}</ListBucketResult>`;
    return { status: 200, headers: { 'content-type': 'application/xml' }, body };
  }

  function get(key: string): Answer {
    if (!allowed.has('GetObject')) return s3Error(403, 'AccessDenied');
    const body = stored.get(key);
    return body === undefined ? s3Error(404, 'NoSuchKey') : { status: 200, body };
  }

  function handle(request: ReceivedRequest): Answer {
    const problem = faultOfSignature(request, options);
    if (problem !== undefined) return s3Error(403, problem);
    if (request.method === 'GET') {
      if (request.path === `/${options.bucket}`) return list(request.query);
      return get(request.path.slice(options.bucket.length + 2));
    }
    demand(request.method === 'PUT', 'expected PUT');
    const [, bucket = '', key = ''] = /^\/([^/]+)\/(.+)$/.exec(request.path) ?? [];
    if (bucket !== options.bucket) return s3Error(404, 'NoSuchBucket');
    const digest = createHash('md5').update(request.bytes).digest('base64');
    if (request.headers['content-md5'] !== digest) return s3Error(400, 'BadDigest');
    checkKey(key);
    const text = utf8Of(gunzipSync(request.bytes));
    demand(text.endsWith('\n'), 'the last line has no end');
    const lines = text.slice(0, -1).split('\n');
    const events = lines.map((line) => Object(JSON.parse(line)));
    const [, first, last] = /(\d{16})-(\d{16})[^/]*$/.exec(key) ?? [];
    demand(Number(first) === events[0].seq && Number(last) === events.at(-1).seq, 'the key does not fit');
    objects.set(key, lines);
    stored.set(key, request.bytes);
    held.push(...events.map(({ event_id }) => String(event_id)));
    return { status: 200, headers: { etag: `"${Buffer.from(digest, 'base64').toString('hex')}"` } };
  }

  const receiver = await openReceiver(network, 's3.example.net', handle);
  return { ...receiver, held, objects, allowed, damage: (key, bytes) => void stored.set(key, bytes) };
}

function canonicalQuery(query: URLSearchParams): string {
  const encode = (text: string) => encodeURIComponent(text).replaceAll("'", '%27');
  return [...query]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
}

function checkKey(key: string): void {
  const form =
    /^[\w.-]+(\/[\w.-]+)*\/\d{4}\/\d{2}\/\d{2}\/\d{2}\/\d{16}-\d{16}\.[0-9a-f-]{36}(\.[\w-]+)?\.ndjson\.gz$/;
  demand(form.test(key), `the key is ${key}`);
}

function s3Error(status: number, code: string): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>no</Message></Error>`;
  return { status, headers: { 'content-type': 'application/xml' }, body };
}

/** The S3 error code of a request that is not signed as it should be. */
function faultOfSignature(request: ReceivedRequest, options: StoreOptions): string | undefined {
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;
  const [, id, day = '', region, names = '', signature] =
    form.exec(request.headers.authorization ?? '') ?? [];
  if (signature === undefined) return 'AccessDenied';
  if (id !== options.accessKeyId) return 'InvalidAccessKeyId';
  if (region !== options.region) return 'AuthorizationHeaderMalformed';
  const { 'x-amz-date': time = '', 'x-amz-content-sha256': hash } = request.headers;
  const at = Date.parse(String(time).replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
  if (!(Math.abs((options.now ?? Date.now)() - at) < SKEW_MS)) return 'RequestTimeTooSkewed';
  if (!String(time).startsWith(day)) return 'AccessDenied';
  if (hash !== createHash('sha256').update(request.bytes).digest('hex')) return 'XAmzContentSHA256Mismatch';
  const signed = names.split(';');
  const unsigned = Object.keys(request.headers).filter(
    (name) =>
      (name === 'host' || name === 'content-md5' || name.startsWith('x-amz-')) && !signed.includes(name),
  );
  demand(unsigned.length === 0, `not signed: ${unsigned.join(', ')}`);
  demand(names === [...signed].sort().join(';'), 'the signed headers are not sorted');

  const canonical = [
    ...[request.method, request.path, canonicalQuery(request.query)],
    ...signed.map((name) => `${name}:${request.headers[name]}`),
    ...['', names, hash],
  ].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const digest = createHash('sha256').update(canonical).digest('hex');
  let key: Buffer | string = `AWS4${options.secretAccessKey}`;
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  const expected = createHmac('sha256', key)
    .update(`AWS4-HMAC-SHA256\n${time}\n${scope}\n${digest}`)
    .digest('hex');
  return expected === signature ? undefined : 'SignatureDoesNotMatch';
}
