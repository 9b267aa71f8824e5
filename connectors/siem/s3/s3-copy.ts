import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { SINK_ANSWER_BYTES, SINK_BATCH_BYTES } from '../../../bridge/lib/limits.ts';
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

/** A batch has fewer. */
const OBJECT_LINES = 100_000;

const NOTHING = sha256('');
/** What the sink’s own keys are made of: nothing that XML escapes, and nothing that leads out of the prefix. */
const KEY = /^(?:(?!\.{1,2}(?:\/|$))[\w.-]+(?:\/|$))+$/;
const KEY_LENGTH = 1_024;

const FOREIGN = '(an object that is not of this sink)';

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
    const objects = [...text.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)].map(([, entry = '']) => ({
      key: unescaped(/<Key>([^<]*)<\/Key>/.exec(entry)?.[1] ?? ''),
      bytes: Number(/<Size>\s*(\d+)\s*<\/Size>/.exec(entry)?.[1] ?? 0),
    }));
    if (!/<ListBucketResult/.test(text) || !objects.every(({ key }) => key.startsWith(prefix))) {
      throw new CountersignError(
        'sink_unavailable',
        'The store lists objects that are not those of this sink.',
      );
    }
    return { objects, more: /<IsTruncated>\s*true\s*<\/IsTruncated>/.test(text) };
  }

  async function linesOf({ key, bytes }: ListedObject, signal: AbortSignal): Promise<string[]> {
    if (!KEY.test(key) || bytes > SINK_ANSWER_BYTES) return [FOREIGN];
    const url = urlUnder(bucketUrl(given).href, key);
    return linesIn(await unpacked((await get(url, signal, 's3:GetObject below the prefix')).bytes));
  }

  return {
    async part(after, signal): Promise<CopyPart> {
      if (after !== undefined && !(after.startsWith(prefix) && after.length <= KEY_LENGTH)) {
        throw noSuchPart();
      }
      const { objects, more } = await list(after, signal);
      const lines: string[] = [];
      let bytes = 0;
      for (const [index, object] of objects.entries()) {
        for (const line of await linesOf(object, signal)) {
          lines.push(line);
          bytes += line.length;
        }
        if (bytes > COPY_PART_BYTES && (more || index + 1 < objects.length)) {
          return { lines, next: object.key };
        }
      }
      return { lines, next: more ? (objects.at(-1)?.key ?? null) : null };
    },
  };
}

interface ListedObject {
  readonly key: string;
  /** As the store says, packed. */
  readonly bytes: number;
}

/** What does not begin as events do is not shown: a sink is no way to read other objects. */
function linesIn(text: string): string[] {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    count += 1;
    if (count > OBJECT_LINES) return ['(an object of more lines than a sink writes)'];
  }
  const lines = text.replace(/\n$/, '').split('\n');
  return lines.map((line) => (/^(?:\{|\(an object|$)/.test(line) ? line : '(a line that is no event)'));
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_all, name: string) => ENTITIES[name] ?? '');
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
