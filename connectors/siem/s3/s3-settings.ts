import * as z from 'zod';
import { headerSecret, receiverUrl, urlUnder } from '../http/http-settings.ts';
import type { SinkDeps } from '../sink.ts';
import type { AwsCredentials } from './signature-v4.ts';

/** Settings of a sink into object storage. */
export const s3Settings = z
  .strictObject({
    region: z
      .string()
      .max(64)
      .regex(/^[a-z0-9-]+$/)
      .describe(
        'The region, which requests are signed for: eu-central-1. Other stores than AWS often say us-east-1.',
      ),
    endpoint: receiverUrl
      .optional()
      .describe('Of the store, where it is not AWS: https://minio.example.com:9000.'),
    bucket: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket')
      .describe('The bucket. It must exist.'),
    path_style: z
      .boolean()
      .default(false)
      .describe(
        'The bucket stands in the path and not in the host name; most stores other than AWS want that.',
      ),
    prefix: z
      .string()
      .max(256)
      .regex(/^\w[\w.-]*(\/\w[\w.-]*)*$/, 'must be names with / between them')
      .optional()
      .describe('What keys begin with. Default: the name of this bridge.'),
    access_key_id: z
      .string()
      .regex(/^[\w.-]{1,128}$/)
      .describe('The access key; it needs s3:PutObject below the prefix.'),
    secret_access_key: headerSecret.describe('The secret of that access key.'),
    session_token: headerSecret.optional().describe('Where the access key is a temporary one.'),
    interval_seconds: z
      .int()
      .min(0)
      .max(30)
      .default(10)
      .describe('No more than one object in this time, unless events are behind: objects cost by number.'),
    object_lock: z
      .enum(['GOVERNANCE', 'COMPLIANCE'])
      .optional()
      .describe(
        'Nobody may change or delete objects, for object_lock_days; the bucket must have object lock.',
      ),
    object_lock_days: z.int().min(1).max(36_500).optional().describe('How long objects are locked.'),
  })
  .refine((given) => (given.object_lock === undefined) === (given.object_lock_days === undefined), {
    path: ['object_lock_days'],
    error: 'goes together with object_lock',
  })
  .refine((given) => given.path_style || !given.bucket.includes('.'), {
    path: ['path_style'],
    error: 'must be true for a bucket with dots: no certificate would fit its host name',
  });

export type S3Settings = z.output<typeof s3Settings>;

/** Of the bucket, or the path of it. */
export function bucketUrl({ endpoint, region, bucket, path_style }: S3Settings): URL {
  const url = new URL(endpoint ?? `https://s3.${region}.amazonaws.com`);
  if (path_style) return urlUnder(url.href, bucket);
  url.hostname = `${bucket}.${url.hostname}`;
  return url;
}

/** What all keys of a sink begin with, without the `/` behind it. */
export function sinkPrefix({ prefix }: S3Settings, { iss, sink }: Pick<SinkDeps, 'iss' | 'sink'>): string {
  return `${prefix ?? new URL(iss).hostname}/${sink}`;
}

export function awsCredentials(given: S3Settings): AwsCredentials {
  return {
    accessKeyId: given.access_key_id,
    secretAccessKey: given.secret_access_key,
    ...(given.session_token === undefined ? {} : { sessionToken: given.session_token }),
  };
}
