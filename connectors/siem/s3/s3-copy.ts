import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { SINK_BATCH_BYTES } from '../../../bridge/lib/limits.ts';
import { CountersignError, isCountersignError } from '../../../protocol/errors.ts';
import { COPY_PART_BYTES, type CopyPart, type CopyReader, noSuchPart } from '../copy-reader.ts';
import { createHttpReceiver, type HttpReceiver } from '../http/http-receiver.ts';
import { urlUnder } from '../http/http-settings.ts';
import type { SinkDeps } from '../sink.ts';
import { awsCredentials, bucketUrl, type S3Settings, sinkPrefix } from './s3-settings.ts';
import { sha256, signV4 } from './signature-v4.ts';

/** Objects that one part lists: most are small. */
const OBJECTS = 20;
/** A batch that was one event alone may be larger than a batch is otherwise. */
const OBJECT_BYTES = 4 * SINK_BATCH_BYTES;

const NOTHING = sha256('');
/** What the sink’s own keys are made of: nothing that XML escapes. */
const KEY = /^[\w./-]{1,1024}$/;

const unpack = promisify(gunzip);

/** Lists and gets the objects of a sink: their keys sort as its events do. */
export function s3Copy(given: S3Settings, deps: SinkDeps): CopyReader {
  const receiver = createHttpReceiver({
    ...deps,
    secrets: [given.secret_access_key, given.session_token ?? ''],
  });
  const prefix = `${sinkPrefix(given, deps)}/`;

  async function get(url: URL, signal: AbortSignal, permission: string) {
    const headers = signV4(
      { method: 'GET', url, payloadHash: NOTHING, headers: { 'x-amz-content-sha256': NOTHING } },
      { region: given.region, service: 's3', now: deps.clock.now() },
      awsCredentials(given),
    );
    return permitted(receiver, { url, headers, signal }, permission);
  }

  async function list(after: string | undefined, signal: AbortSignal) {
    const url = bucketUrl(given);
    url.searchParams.set('list-type', '2');
    url.searchParams.set('max-keys', String(OBJECTS));
    url.searchParams.set('prefix', prefix);
    if (after !== undefined) url.searchParams.set('start-after', after);
    const { text } = await get(url, signal, 's3:ListBucket on the bucket');
    const keys = [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) => key);
    if (!/<ListBucketResult/.test(text) || !keys.every((key) => KEY.test(key) && key.startsWith(prefix))) {
      throw new CountersignError(
        'sink_unavailable',
        'The store lists objects that are not those of this sink.',
      );
    }
    return { keys, more: /<IsTruncated>\s*true\s*<\/IsTruncated>/.test(text) };
  }

  return {
    async part(after, signal): Promise<CopyPart> {
      if (after !== undefined && !(KEY.test(after) && after.startsWith(prefix))) throw noSuchPart();
      const { keys, more } = await list(after, signal);
      const lines: string[] = [];
      let bytes = 0;
      for (const [index, key] of keys.entries()) {
        const url = urlUnder(bucketUrl(given).href, key);
        const text = await unpacked((await get(url, signal, 's3:GetObject below the prefix')).bytes);
        lines.push(...text.replace(/\n$/, '').split('\n'));
        bytes += text.length;
        if (bytes > COPY_PART_BYTES && (more || index + 1 < keys.length)) return { lines, next: key };
      }
      return { lines, next: more ? (keys.at(-1) ?? null) : null };
    },
  };
}

/** What nobody can unpack is no event: the line says so to whoever verifies it. */
async function unpacked(bytes: Uint8Array): Promise<string> {
  try {
    return (await unpack(bytes, { maxOutputLength: OBJECT_BYTES })).toString('utf8');
  } catch {
    return '(an object that cannot be unpacked)';
  }
}

async function permitted(
  receiver: HttpReceiver,
  request: Pick<Parameters<HttpReceiver['send']>[0], 'url' | 'headers' | 'signal'>,
  permission: string,
) {
  try {
    return await receiver.send({ ...request, method: 'GET' });
  } catch (error) {
    if (!isCountersignError(error, 'sink_misconfigured')) throw error;
    throw new CountersignError(
      'sink_misconfigured',
      `To read, the access key needs ${permission}. Give it that, or get the objects with another key and verify the ` +
        `files. ${error.detail ?? ''}`,
      { cause: error },
    );
  }
}
